`timescale 1ns / 1ps
// A UART's transmitter: eight data bits, the lowest first, no parity, one stop bit, DIVISOR clocks a bit.
module uart_transmitter #(
    parameter DIVISOR = 50
) (
    input  wire       clk,
    input  wire       rst,
    input  wire       in_valid,
    output wire       in_ready,
    input  wire [7:0] in_byte,
    output wire       tx
);
    localparam CW = $clog2(DIVISOR);

    reg [8:0]    bits;  // those that follow, the next one lowest
    reg [3:0]    left;  // bits that have not ended
    reg [CW-1:0] clocks;
    reg          line;
    wire ended = clocks == 0;
    assign in_ready = left == 4'd0;
    assign tx = line;
    always @(posedge clk) begin
        clocks <= ended ? CW'(DIVISOR - 1) : clocks - 1'b1;
        if (rst) begin
            left <= 4'd0;
            line <= 1'b1;
        end else if (in_ready) begin
            clocks <= CW'(DIVISOR - 1);
            if (in_valid) begin
                bits <= {1'b1, in_byte};
                line <= 1'b0;
                left <= 4'd10;
            end
        end else if (ended) begin
            line <= bits[0];
            bits <= {1'b1, bits[8:1]};
            left <= left - 1'b1;
        end
    end
endmodule

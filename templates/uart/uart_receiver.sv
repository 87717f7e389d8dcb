`timescale 1ns / 1ps
// A UART's receiver: eight data bits, the lowest first, no parity, one stop bit, DIVISOR clocks a bit (4 or more).
//
// A byte stands on `data` in the clock in which `valid` is high; `misframed` then says that its stop bit was low. `broken`
// is high while the line has been low for longer than two bytes: a host's break.
module uart_receiver #(
    parameter DIVISOR = 50
) (
    input  wire       clk,
    input  wire       rst,
    input  wire       rx,
    output reg        valid,
    output wire [7:0] data,
    output wire       misframed,
    output wire       broken
);
    localparam CW = $clog2(DIVISOR);
    localparam BREAK_BITS = 21, BW = 5;

    reg [2:0]    line;  // two flip-flops against metastability, and one to see the edge
    reg          busy;
    reg [CW-1:0] clocks;
    reg [3:0]    place;  // 0: start bit, 1..8: data, 9: stop bit
    reg [8:0]    bits;
    wire now = line[1];
    wire sample = clocks == 0;
    wire last = place == 4'd9;
    assign data = bits[7:0];
    assign misframed = !bits[8];

    always @(posedge clk) begin
        line <= rst ? 3'b111 : {line[1:0], rx};
        valid <= !rst && busy && sample && last;
        clocks <= sample ? CW'(DIVISOR - 1) : clocks - 1'b1;
        if (rst) busy <= 1'b0;
        else if (!busy) begin
            busy <= line[2] && !now;
            clocks <= CW'(DIVISOR / 2 - 1);
            place <= 4'd0;
        end else if (sample) begin
            bits <= {now, bits[8:1]};
            place <= place + 1'b1;
            if (last || (place == 4'd0 && now)) busy <= 1'b0;
        end
    end

    reg [CW-1:0] low_clocks;
    reg [BW-1:0] low_bits;
    assign broken = low_bits == BW'(BREAK_BITS);
    always @(posedge clk) begin
        if (rst || now) begin
            low_clocks <= 0;
            low_bits <= 0;
        end else begin
            low_clocks <= low_clocks == CW'(DIVISOR - 1) ? 0 : low_clocks + 1'b1;
            if (low_clocks == CW'(DIVISOR - 1) && !broken) low_bits <= low_bits + 1'b1;
        end
    end
endmodule

`timescale 1ns / 1ps
// Holds the reset until the clock has been good for 16 of its periods; flip-flops of an FPGA are 0 when it wakes up.
module power_on_reset (
    input  wire clk,
    input  wire good,
    output wire rst
);
    reg [3:0] count;
    reg       done;
    initial begin
        count = 4'd0;
        done = 1'b0;
    end
    assign rst = !done;
    always @(posedge clk) begin
        count <= good ? count + 4'(!done) : 4'd0;
        done <= good && (done || count == 4'd15);
    end
endmodule

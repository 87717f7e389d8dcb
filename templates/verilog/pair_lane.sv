`timescale 1ns / 1ps
// Two weights a clock into one accumulator, without a multiplier.
//
// acc <= shift ? 2 * acc + a : acc + a + b. With drain the result leaves as sum, and acc starts again from 0.
// A weight that is not there is 0. The portable form; a board's primitives may stand in for it, with the same ports and bits.
module pair_lane #(
    parameter WB = 8, parameter A = 16
) (
    input  wire                 clk,
    input  wire                 rst,
    input  wire                 valid,
    input  wire                 shift,
    input  wire                 drain,
    input  wire signed [WB-1:0] a,
    input  wire signed [WB-1:0] b,
    output reg  signed [A-1:0]  sum
);
    reg signed [A-1:0] acc;
    wire signed [A-1:0] other = shift ? acc : A'(b);
    wire signed [A-1:0] next = acc + A'(a) + other;
    always @(posedge clk) begin
        if (rst || drain) acc <= 0;
        else if (valid) acc <= next;
        if (drain) sum <= next;
    end
endmodule

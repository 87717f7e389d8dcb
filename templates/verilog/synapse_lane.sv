`timescale 1ns / 1ps
// One weight a clock into one accumulator, without a multiplier.
//
// acc <= (shift ? acc * 2^M : acc) + weight. With drain the result leaves as sum, and acc starts again from 0.
module synapse_lane #(
    parameter WB = 8, parameter A = 16, parameter M = 1
) (
    input  wire                 clk,
    input  wire                 rst,
    input  wire                 valid,
    input  wire                 shift,
    input  wire                 drain,
    input  wire signed [WB-1:0] weight,
    output reg  signed [A-1:0]  sum
);
    reg signed [A-1:0] acc;
    wire signed [A-1:0] base = shift ? acc <<< M : acc;
    (* keep *) wire signed [A-1:0] extended;  // kept, and the first operand: yosys then maps one LUT a bit
    assign extended = {{(A - WB){weight[WB-1]}}, weight};
    wire signed [A-1:0] next = extended + base;
    always @(posedge clk) begin
        if (rst || drain) acc <= 0;
        else if (valid) acc <= next;
        if (drain) sum <= next;
    end
endmodule

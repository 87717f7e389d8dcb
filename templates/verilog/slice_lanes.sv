`timescale 1ns / 1ps
// Two lanes of pairs (pair_lane), in the shape of one DSP slice: its adder of 48 bits as two of 24, without its multiplier.
//
// In each lane acc <= shift ? 2 * acc + a : acc + a + b; drain, which comes with valid, tells the last addition of a class. The
// result leaves as sums a clock later than from pair_lane, and acc starts again from 0 with the addition behind it.
// A of up to 24. The portable form; a board's primitives may stand in for it, with the same ports and bits.
module slice_lanes #(
    parameter WB = 8, parameter A = 16
) (
    input  wire            clk,
    input  wire            rst,
    input  wire            valid,
    input  wire            shift,
    input  wire            drain,
    input  wire [2*WB-1:0] a,
    input  wire [2*WB-1:0] b,
    output reg  [2*A-1:0]  sums
);
    reg fresh, leave;
    always @(posedge clk) begin
        if (rst || drain) fresh <= 1'b1;
        else if (valid) fresh <= 1'b0;
        leave <= drain && !rst;
    end
    genvar l;
    generate
        for (l = 0; l < 2; l = l + 1) begin : lane
            reg signed [A-1:0]   acc;
            wire signed [A-1:0]  start = fresh ? {A{1'b0}} : acc;
            wire signed [WB-1:0] first = a[l*WB +: WB], second = b[l*WB +: WB];
            wire signed [A-1:0]  other = shift && !fresh ? acc : A'(second);
            always @(posedge clk) begin
                if (valid) acc <= start + A'(first) + other;
                if (leave) sums[l*A +: A] <= acc;
            end
        end
    endgenerate
endmodule

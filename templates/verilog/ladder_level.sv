`timescale 1ns / 1ps
// One of the rounds of the search in a neuron's ladder, in base 3: two steps are compared, out_node = 3 * in_node + digit.
//
// The memory holds, for {pass, lane, node}, the two steps (upper half: the later one) that split what is left, less the
// neuron's bias; a step that does not exist is the most negative number. FIRST: there is one node. Two clocks: memory, comparison.
module ladder_level #(
    parameter LANE_W = 2, parameter PASS_W = 1, parameter V = 24, parameter FIRST = 1,
    parameter IN_W = 1, parameter OUT_W = 2, parameter FILE = ""
) (
    input  wire                clk,
    input  wire                rst,
    input  wire                in_valid,
    input  wire [LANE_W-1:0]   in_lane,
    input  wire [PASS_W-1:0]   in_pass,
    input  wire [IN_W-1:0]     in_node,
    input  wire signed [V-1:0] in_sum,
    output reg                 out_valid,
    output reg  [LANE_W-1:0]   out_lane,
    output reg  [PASS_W-1:0]   out_pass,
    output reg  [OUT_W-1:0]    out_node,
    output reg  signed [V-1:0] out_sum
);
    localparam AW = PASS_W + LANE_W + (FIRST != 0 ? 0 : IN_W);
    wire [AW-1:0] address;
    wire [2*V-1:0] steps;
    // beside the word of the memory
    reg                valid;
    reg [LANE_W-1:0]   lane;
    reg [PASS_W-1:0]   pass;
    reg [IN_W-1:0]     node;
    reg signed [V-1:0] sum;
    generate
        if (FIRST != 0) begin : at
            assign address = {in_pass, in_lane};
        end else begin : at
            assign address = {in_pass, in_lane, in_node};
        end
    endgenerate
    lut_rom #(.WIDTH(2 * V), .DEPTH(1 << AW), .AW(AW), .FILE(FILE)) step_rom (.clk(clk), .address(address), .word(steps));
    wire signed [V-1:0] earlier = steps[V-1:0];
    wire signed [V-1:0] later = steps[2*V-1:V];
    wire [1:0] digit = sum >= earlier ? 2'd0 : sum >= later ? 2'd1 : 2'd2;
    always @(posedge clk) begin
        valid <= in_valid && !rst; lane <= in_lane; pass <= in_pass; node <= in_node; sum <= in_sum;
        out_valid <= valid && !rst; out_lane <= lane; out_pass <= pass; out_sum <= sum;
        out_node <= OUT_W'(node) + OUT_W'({node, 1'b0}) + OUT_W'(digit);
    end
endmodule

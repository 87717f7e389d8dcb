`timescale 1ns / 1ps
// The phase in which a settled neuron fires: the first step of its ladder that its potential reaches, T where there is none.
//
// A search in base 3: LEVELS rounds over all lanes, two steps of the ladder compared in each; the digits are the code.
// The ladder memory holds, for {pass, lane, node}, the two steps (upper half: the later one) that split what is left;
// a step that does not exist is the most negative number, which no potential falls below.
module ladder_search #(
    parameter LANE_W = 2, parameter V = 24, parameter TW = 4,
    parameter PASS_W = 1, parameter LEVELS = 2, parameter LEVEL_W = 1, parameter NODE_W = 2, parameter LADDER = ""
) (
    input  wire                clk,
    // timing, from the control
    input  wire                s0_valid,
    input  wire [LANE_W-1:0]   s0_lane,
    input  wire [LEVEL_W-1:0]  s0_level,
    input  wire [PASS_W-1:0]   s0_pass,
    // the potential of s0_lane
    input  wire signed [V-1:0] potential,
    // the code, one clock later, valid in the last level
    output wire                code_valid,
    output wire [TW-1:0]       code
);
    // node: position within its level; the nodes of level l are numbered from (3^l - 1) / 2.
    function [NODE_W-1:0] first_node(input [LEVEL_W-1:0] level);
        integer l;
        begin
            first_node = 0;
            for (l = 0; l < LEVELS; l = l + 1) if (l < {{(32-LEVEL_W){1'b0}}, level}) first_node = NODE_W'(3 * first_node + 1);
        end
    endfunction

    reg [NODE_W-1:0] nodes [0:(1<<LANE_W)-1];
    wire [NODE_W-1:0] node = s0_level == 0 ? 0 : nodes[s0_lane];
    wire [2*V-1:0] steps;
    lut_rom #(.WIDTH(2 * V), .DEPTH(1 << (PASS_W + LANE_W + NODE_W)), .AW(PASS_W + LANE_W + NODE_W), .FILE(LADDER)) ladder_rom (
        .clk(clk), .address({s0_pass, s0_lane, first_node(s0_level) + node}), .word(steps));

    reg                valid1, last1;
    reg [LANE_W-1:0]   lane1;
    reg [NODE_W-1:0]   node1;
    reg signed [V-1:0] v1;
    wire signed [V-1:0] earlier = steps[V-1:0];
    wire signed [V-1:0] later = steps[2*V-1:V];
    wire [1:0] digit = v1 >= earlier ? 2'd0 : v1 >= later ? 2'd1 : 2'd2;
    wire [NODE_W+1:0] found = {2'b0, node1} + {1'b0, node1, 1'b0} + {{NODE_W{1'b0}}, digit};
    wire unused = &{1'b0, found};  // the digits of a code need no more than TW bits
    assign code_valid = valid1 && last1;
    assign code = TW'(found);
    always @(posedge clk) begin
        valid1 <= s0_valid; last1 <= s0_level == LEVEL_W'(LEVELS - 1); lane1 <= s0_lane; node1 <= node; v1 <= potential;
        if (valid1) nodes[lane1] <= NODE_W'(found);
    end
endmodule

`timescale 1ns / 1ps
// Neurons that do not wait for all of their input (wait W below T-1): they test a step of the ladder after each phase.
//
// With the drain of phase s the neuron tests step s - W; what fired stays fired. THRESHOLDS holds, for {pass, lane, s}, the
// step to test, or a number above every potential where there is none. At the readout, settled is the search over the whole
// ladder; of it only the steps from T-1-W on are left to a neuron that has not fired.
module early_fire #(
    parameter LANE_W = 2, parameter V = 24, parameter T = 8, parameter TW = 4, parameter STEP_W = 3, parameter W = 0,
    parameter PASS_W = 1, parameter THRESHOLDS = ""
) (
    input  wire                clk,
    // timing of the drain, from the control
    input  wire                d0_first,
    input  wire [LANE_W-1:0]   d0_lane,
    input  wire [STEP_W-1:0]   d0_step,
    input  wire [PASS_W-1:0]   d0_pass,
    // the potential as it is stored
    input  wire                v3_valid,
    input  wire [LANE_W:0]     v3_address,
    input  wire signed [V-1:0] v3,
    // readout
    input  wire [LANE_W:0]     s0_address,
    input  wire [TW-1:0]       settled,
    output wire [TW-1:0]       code
);
    reg                first1, first2, first3;
    reg [LANE_W-1:0]   lane1, lane2;
    reg [STEP_W-1:0]   step1, step2, step3;
    reg [PASS_W-1:0]   pass1, pass2;
    wire signed [V-1:0] threshold;
    lut_rom #(.WIDTH(V), .DEPTH(1 << (PASS_W + LANE_W + STEP_W)), .AW(PASS_W + LANE_W + STEP_W), .FILE(THRESHOLDS)) threshold_rom (.clk(clk), .address({pass2, lane2, step2}), .word(threshold));

    reg [TW-1:0] fired [0:(2<<LANE_W)-1];
    wire [TW-1:0] previous = first3 ? TW'(T) : fired[v3_address];
    wire hit = previous == TW'(T) && v3 >= threshold;
    reg [TW-1:0] early;
    wire [TW-1:0] rest = settled != TW'(T) && settled < TW'(T - 1 - W) ? TW'(T - 1 - W) : settled;
    assign code = early != TW'(T) ? early : rest;
    always @(posedge clk) begin
        first1 <= d0_first; lane1 <= d0_lane; step1 <= d0_step; pass1 <= d0_pass;
        first2 <= first1; lane2 <= lane1; step2 <= step1; pass2 <= pass1;
        first3 <= first2; step3 <= step2;
        if (v3_valid) fired[v3_address] <= hit ? TW'(step3) - TW'(W) : previous;
        early <= fired[s0_address];
    end
endmodule

`timescale 1ns / 1ps
// Neurons of an add that do not wait for all of their input (wait W below T-1): one channel of a word tests a step after each phase.
//
// With phase s the neuron tests step s - W; what fired stays fired. THRESHOLDS holds, for {pass, word, s}, the step to test less
// the bias, or a number above every potential where there is none. settled, DELAY clocks behind the last phase, is the search
// over the whole ladder; of it only the steps from T-1-W on are left to a neuron that has not fired.
module early_code #(
    parameter WORD_W = 1, parameter WORDS = 1, parameter V = 24, parameter T = 8, parameter TW = 4, parameter STEP_W = 3, parameter W = 0,
    parameter PASS_W = 1, parameter DELAY = 2, parameter THRESHOLDS = ""
) (
    input  wire                clk,
    // where the potential will stand in the next clock
    input  wire [STEP_W-1:0]   next_step,
    input  wire [PASS_W-1:0]   next_pass,
    input  wire [WORD_W-1:0]   next_word,
    // the potential
    input  wire                in_valid,
    input  wire                in_first,
    input  wire [STEP_W-1:0]   in_step,
    input  wire [WORD_W-1:0]   in_word,
    input  wire signed [V-1:0] in_sum,
    // the code
    input  wire [TW-1:0]       settled,
    output wire [TW-1:0]       code
);
    wire signed [V-1:0] threshold;
    lut_rom #(.WIDTH(V), .DEPTH(1 << (PASS_W + WORD_W + STEP_W)), .AW(PASS_W + WORD_W + STEP_W), .FILE(THRESHOLDS)) threshold_rom (
        .clk(clk), .address({next_pass, next_word, next_step}), .word(threshold));
    (* ram_style = "distributed" *) reg [TW-1:0] fired [0:WORDS-1];
    wire [TW-1:0] previous = in_first ? TW'(T) : fired[in_word];
    wire hit = previous == TW'(T) && in_sum >= threshold;
    wire [TW-1:0] now = hit ? TW'(in_step) - TW'(W) : previous;
    reg [DELAY*TW-1:0] delayed;
    wire [TW-1:0] early = delayed[DELAY*TW-1 -: TW];
    wire [TW-1:0] rest = settled != TW'(T) && settled < TW'(T - 1 - W) ? TW'(T - 1 - W) : settled;
    assign code = early != TW'(T) ? early : rest;
    always @(posedge clk) begin
        delayed <= (DELAY*TW)'({delayed, now});
        if (in_valid) fired[in_word] <= now;
    end
endmodule

`timescale 1ns / 1ps
// What the neurons of an add have integrated, without their bias: sum over the classes of Q[class] * (sum of A + sum of B).
//
// In:  for each pass, class and word the sums of N channels, of both inputs; a word of one is taken with the word of the other.
// Out: the potentials of these channels once the class is in, three clocks later, complete with out_last. Nothing can hold
//      them up: room tells that as many words as are on their way may still come. Q of the first class lies in the lowest bits.
module joined_sums #(
    parameter N = 4, parameter A = 16, parameter V = 24, parameter WORDS = 1, parameter WORD_W = 1,
    parameter CLASSES = 2, parameter CLASS_W = 1, parameter PASSES = 1, parameter PASS_W = 1,
    parameter QB = 12, parameter [CLASSES*QB-1:0] Q = 0
) (
    input  wire               clk,
    input  wire               rst,
    // sums in
    input  wire               a_valid,
    output wire               a_ready,
    input  wire [N*A-1:0]     a_sums,
    input  wire               b_valid,
    output wire               b_ready,
    input  wire [N*A-1:0]     b_sums,
    // potentials out
    input  wire               room,
    output wire               take,      // of a last class, in the clock in which its sums are taken
    output reg                out_valid,
    output reg                out_first,
    output reg                out_last,
    output reg  [CLASS_W-1:0] out_class,
    output reg  [PASS_W-1:0]  out_pass,
    output reg  [WORD_W-1:0]  out_word,
    output reg  [N*V-1:0]     out_sums,
    // where they will stand in the next clock
    output wire [CLASS_W-1:0] next_class,
    output wire [PASS_W-1:0]  next_pass,
    output wire [WORD_W-1:0]  next_word
);
    reg [WORD_W-1:0]  word, word1, word2;
    reg [CLASS_W-1:0] class_now, class1, class2;
    reg [PASS_W-1:0]  pass, pass1, pass2;
    reg               valid1, valid2;
    wire last_word = word == WORD_W'(WORDS - 1);
    wire last_class = class_now == CLASS_W'(CLASSES - 1);
    wire go = a_valid && b_valid && room;
    assign a_ready = b_valid && room;
    assign b_ready = a_valid && room;
    assign take = go && last_class;
    assign next_class = class2;
    assign next_pass = pass2;
    assign next_word = word2;

    (* ram_style = "distributed" *) reg [N*V-1:0] kept [0:WORDS-1];
    wire [N*V-1:0] so_far = kept[word2];
    wire [N*V-1:0] totals;
    genvar c;
    generate
        for (c = 0; c < N; c = c + 1) begin : channel
            wire signed [A-1:0] a = a_sums[c*A +: A];
            wire signed [A-1:0] b = b_sums[c*A +: A];
            wire signed [QB:0]  q = {1'b0, Q[class1*QB +: QB]};
            wire signed [V-1:0] stood = class2 == 0 ? {V{1'b0}} : so_far[c*V +: V];
            reg  signed [A-1:0] sum;
            reg  signed [V-1:0] product;
            assign totals[c*V +: V] = stood + product;
            always @(posedge clk) begin
                sum <= a + b;
                product <= V'(sum) * V'(q);
            end
        end
    endgenerate
    always @(posedge clk) begin
        word1 <= word; class1 <= class_now; pass1 <= pass;
        word2 <= word1; class2 <= class1; pass2 <= pass1;
        out_word <= word2; out_class <= class2; out_pass <= pass2;
        out_first <= class2 == 0; out_last <= class2 == CLASS_W'(CLASSES - 1);
        out_sums <= totals;
        if (valid2) kept[word2] <= totals;
        if (rst) begin
            word <= 0; class_now <= 0; pass <= 0; valid1 <= 1'b0; valid2 <= 1'b0; out_valid <= 1'b0;
        end else begin
            valid1 <= go; valid2 <= valid1; out_valid <= valid2;
            if (go) begin
                word <= last_word ? 0 : word + 1'b1;
                if (last_word) class_now <= last_class ? 0 : class_now + 1'b1;
                if (last_word && last_class) pass <= pass == PASS_W'(PASSES - 1) ? 0 : pass + 1'b1;
            end
        end
    end
endmodule

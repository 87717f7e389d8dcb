`timescale 1ns / 1ps
// An identity shortcut: the one spike of each value as a sum of its own weight, in the order of the sums that it meets.
//
// In:  words of IN_N codes, channels in order. Out: for each pass of WORDS words and each class, N sums a word. A code stands for
// its channel's weight << SHIFT_OF[code] in class CLASS_OF[code], and for 0 in the others; silent (T) is of no class.
// The weights of {pass, word} lie in FILE, lowest channel in the lowest bits; the first entry of a table as well.
module shortcut_sums #(
    parameter IN_N = 8, parameter N = 4, parameter T = 8, parameter TW = 4, parameter WB = 8, parameter A = 16,
    parameter WORDS = 1, parameter WORD_W = 1, parameter CLASSES = 2, parameter CLASS_W = 1, parameter PASSES = 1, parameter PASS_W = 1,
    parameter SHIFT_W = 4, parameter [(T+1)*(CLASS_W+1)-1:0] CLASS_OF = 0, parameter [(T+1)*SHIFT_W-1:0] SHIFT_OF = 0,
    parameter FILE = ""
) (
    input  wire               clk,
    input  wire               rst,
    // codes in
    input  wire               in_valid,
    output wire               in_ready,
    input  wire [IN_N*TW-1:0] in_word,
    // sums out
    output reg                out_valid,
    input  wire               out_ready,
    output wire [N*A-1:0]     out_sums
);
    localparam PARTS = IN_N / N;
    localparam PART_W = PARTS > 1 ? $clog2(PARTS) : 1;
    reg [PART_W-1:0]  part;       // of the word that is coming in
    reg [WORD_W-1:0]  word;
    reg [CLASS_W-1:0] class_now;
    reg [PASS_W-1:0]  pass;
    // The codes of a pass come in with its first class; the other classes find them in held.
    (* ram_style = "distributed" *) reg [N*TW-1:0] held [0:WORDS-1];
    wire first_class = class_now == 0;
    wire last_word = word == WORD_W'(WORDS - 1);
    wire last_class = class_now == CLASS_W'(CLASSES - 1);
    wire last_part = part == PART_W'(PARTS - 1);
    wire [N*TW-1:0] coming = in_word[part*N*TW +: N*TW];
    wire [N*TW-1:0] now = first_class ? coming : held[word];
    wire step = !out_valid || out_ready;
    wire go = step && (in_valid || !first_class);
    assign in_ready = step && first_class && last_part;

    wire [N*WB-1:0] weights;
    reg  [N*TW-1:0] codes;
    reg  [CLASS_W-1:0] class_out;
    // The memory of the weights answers one clock later, and holds while the word waits.
    reg  [PASS_W+WORD_W-1:0] address_held;
    wire [PASS_W+WORD_W-1:0] address = step ? {pass, word} : address_held;
    lut_rom #(.WIDTH(N * WB), .DEPTH(1 << (PASS_W + WORD_W)), .AW(PASS_W + WORD_W), .FILE(FILE)) weight_rom (
        .clk(clk), .address(address), .word(weights));
    genvar c;
    generate
        for (c = 0; c < N; c = c + 1) begin : channel
            wire [TW-1:0] code = codes[c*TW +: TW];
            wire signed [WB-1:0] weight = weights[c*WB +: WB];
            wire [CLASS_W:0] of_class = CLASS_OF[code*(CLASS_W+1) +: CLASS_W+1];
            wire [SHIFT_W-1:0] shift = SHIFT_OF[code*SHIFT_W +: SHIFT_W];
            assign out_sums[c*A +: A] = of_class == {1'b0, class_out} ? A'(weight) << shift : {A{1'b0}};
        end
    endgenerate
    always @(posedge clk) begin
        address_held <= address;
        if (step) begin
            codes <= now;
            class_out <= class_now;
        end
        if (go && first_class) held[word] <= coming;
        if (rst) begin
            part <= 0; word <= 0; class_now <= 0; pass <= 0; out_valid <= 1'b0;
        end else begin
            if (step) out_valid <= go;
            if (go) begin
                if (first_class) part <= last_part ? 0 : part + 1'b1;
                word <= last_word ? 0 : word + 1'b1;
                if (last_word) class_now <= last_class ? 0 : class_now + 1'b1;
                if (last_word && last_class) pass <= pass == PASS_W'(PASSES - 1) ? 0 : pass + 1'b1;
            end
        end
    end
endmodule

`timescale 1ns / 1ps
// Turns the walker's tokens into bitmaps: which channels of the word spike in the token's phase?
//
// The word arrives one clock behind its address, and stands in a register before it is looked at: block RAM is slow. A queue of
// four bitmaps keeps the serializer busy while the walker passes words without spikes. An empty token gives an empty bitmap.
module spike_fetch #(
    parameter N = 4, parameter TW = 4, parameter BASE_W = 8
) (
    input  wire              clk,
    input  wire              rst,
    // tokens in
    input  wire              token_valid,
    output wire              token_ready,
    input  wire              token_some,
    input  wire              token_shift,
    input  wire              token_drain,
    input  wire [TW-1:0]     token_phase,
    input  wire [BASE_W-1:0] token_base,
    // the word, one clock later
    input  wire [N*TW-1:0]   word,
    // bitmaps out
    output wire              out_valid,
    input  wire              out_ready,
    output wire              out_shift,
    output wire              out_drain,
    output wire [BASE_W-1:0] out_base,
    output wire [N-1:0]      out_spikes
);
    reg              valid, some, shift, drain;  // beside the word
    reg [TW-1:0]     phase;
    reg [BASE_W-1:0] base;
    reg              held_valid, held_some, held_shift, held_drain;
    reg [TW-1:0]     held_phase;
    reg [BASE_W-1:0] held_base;
    reg [N*TW-1:0]   held_word;
    wire             queue_ready;
    wire             hold = !held_valid || queue_ready;
    assign token_ready = !valid || hold;
    wire [N-1:0] spikes;
    genvar n;
    generate
        for (n = 0; n < N; n = n + 1) begin : channel
            assign spikes[n] = held_some && held_word[n*TW +: TW] == held_phase;
        end
    endgenerate
    word_fifo #(.WIDTH(N + BASE_W + 2), .DEPTH_W(2)) queue (
        .clk(clk), .rst(rst), .in_valid(held_valid), .in_ready(queue_ready), .in_word({held_shift, held_drain, held_base, spikes}),
        .out_valid(out_valid), .out_ready(out_ready), .out_word({out_shift, out_drain, out_base, out_spikes}));
    always @(posedge clk) begin
        if (rst) begin
            valid <= 1'b0;
            held_valid <= 1'b0;
        end else begin
            if (token_ready) valid <= token_valid;
            if (hold) held_valid <= valid;
        end
        if (token_ready) begin
            some <= token_some; shift <= token_shift; drain <= token_drain; phase <= token_phase; base <= token_base;
        end
        if (hold) begin
            held_some <= some; held_shift <= shift; held_drain <= drain; held_phase <= phase; held_base <= base; held_word <= word;
        end
    end
endmodule

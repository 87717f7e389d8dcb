`timescale 1ns / 1ps
// Turns the walker's tokens into bitmaps: which channels of the word spike in the token's phase?
//
// The word arrives one clock behind its address. A queue of four bitmaps keeps the serializer busy while the walker
// passes words without spikes. An empty token gives an empty bitmap.
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
    localparam WIDTH = N + BASE_W + 2;
    reg              valid, some, shift, drain;
    reg [TW-1:0]     phase;
    reg [BASE_W-1:0] base;
    reg [2:0]        fill;
    wire push = valid && !fill[2];
    assign token_ready = !valid || push;
    wire [N-1:0] spikes;
    genvar n;
    generate
        for (n = 0; n < N; n = n + 1) begin : channel
            assign spikes[n] = some && word[n*TW +: TW] == phase;
        end
    endgenerate
    assign out_valid = fill != 0;
    wire pop = out_valid && out_ready;
    wire [1:0] oldest = fill[1:0] - 2'd1;
    wire [WIDTH-1:0] newest = {shift, drain, base, spikes};
    wire [WIDTH-1:0] leaving;
    assign {out_shift, out_drain, out_base, out_spikes} = leaving;
    genvar b;
    generate
        for (b = 0; b < WIDTH; b = b + 1) begin : queue  // a shift register a bit: one LUT
            reg [3:0] bits;
            assign leaving[b] = bits[oldest];
            always @(posedge clk) if (push) bits <= {bits[2:0], newest[b]};
        end
    endgenerate
    always @(posedge clk) begin
        if (rst) begin
            valid <= 1'b0;
            fill <= 0;
        end else begin
            if (token_ready) valid <= token_valid;
            fill <= fill + 3'(push) - 3'(pop);
        end
        if (token_ready) begin
            some <= token_some; shift <= token_shift; drain <= token_drain; phase <= token_phase; base <= token_base;
        end
    end
endmodule

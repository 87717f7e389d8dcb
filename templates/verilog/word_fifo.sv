`timescale 1ns / 1ps
// A queue of 2^DEPTH_W words.
module word_fifo #(
    parameter WIDTH = 8, parameter DEPTH_W = 4
) (
    input  wire             clk,
    input  wire             rst,
    input  wire             in_valid,
    output wire             in_ready,
    input  wire [WIDTH-1:0] in_word,
    output wire             out_valid,
    input  wire             out_ready,
    output wire [WIDTH-1:0] out_word
);
    reg [DEPTH_W:0]   put, get;
    wire [DEPTH_W:0]  held = put - get;
    reg [WIDTH-1:0]   words [0:(1<<DEPTH_W)-1];
    assign in_ready = !held[DEPTH_W];
    assign out_valid = held != 0;
    assign out_word = words[get[DEPTH_W-1:0]];
    always @(posedge clk) begin
        if (in_valid && in_ready) words[put[DEPTH_W-1:0]] <= in_word;
        if (rst) begin
            put <= 0; get <= 0;
        end else begin
            put <= put + (DEPTH_W+1)'(in_valid && in_ready);
            get <= get + (DEPTH_W+1)'(out_valid && out_ready);
        end
    end
endmodule

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
    reg [DEPTH_W-1:0] put, get;
    reg [DEPTH_W:0]   held;
    wire goes_in = in_valid && in_ready;
    wire goes_out = out_valid && out_ready;
    reg [WIDTH-1:0]   words [0:(1<<DEPTH_W)-1];
    assign in_ready = !held[DEPTH_W];
    assign out_valid = held != 0;
    assign out_word = words[get];
    always @(posedge clk) begin
        if (goes_in) words[put] <= in_word;
        if (rst) begin
            put <= 0; get <= 0; held <= 0;
        end else begin
            put <= put + DEPTH_W'(goes_in);
            get <= get + DEPTH_W'(goes_out);
            if (goes_in != goes_out) held <= goes_in ? held + 1'b1 : held - 1'b1;
        end
    end
endmodule

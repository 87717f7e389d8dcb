`timescale 1ns / 1ps
// A queue of columns of WORDS words; the words of the oldest column are read in any order, as often as needed.
//
// In:  words, column after column; in_end, steady through a column, marks the last column of a strip.
// Out: column_valid while the oldest column is complete, with its column_end; column_done gives it up.
//      A word is read by its number, one clock later; it is held while read is low.
module column_buffer #(
    parameter WORD = 8, parameter WORDS = 3,
    parameter WORD_W = 2,   // bits of a word's number
    parameter DEPTH_W = 3   // 2^DEPTH_W columns
) (
    input  wire              clk,
    input  wire              rst,
    // columns in
    input  wire              in_valid,
    output wire              in_ready,
    input  wire              in_end,
    input  wire [WORD-1:0]   in_word,
    // the oldest column
    output wire              column_valid,
    output wire              column_end,
    input  wire              column_done,
    input  wire              read,
    input  wire [WORD_W-1:0] read_number,
    output reg  [WORD-1:0]   read_word
);
    reg [DEPTH_W:0]  put_column, get_column;
    reg [WORD_W-1:0] put_number;
    wire [DEPTH_W:0] held = put_column - get_column;
    assign in_ready = !held[DEPTH_W];
    assign column_valid = held != 0;
    wire put = in_valid && in_ready;
    wire last_word = put_number == WORD_W'(WORDS - 1);
    reg [WORD-1:0]         words [0:(1<<(DEPTH_W+WORD_W))-1];
    reg [(1<<DEPTH_W)-1:0] ends;
    assign column_end = ends[get_column[DEPTH_W-1:0]];
    always @(posedge clk) begin
        if (put) words[{put_column[DEPTH_W-1:0], put_number}] <= in_word;
        if (put) ends[put_column[DEPTH_W-1:0]] <= in_end;
        if (read) read_word <= words[{get_column[DEPTH_W-1:0], read_number}];
        if (rst) begin
            put_column <= 0; get_column <= 0; put_number <= 0;
        end else begin
            if (put) put_number <= last_word ? 0 : put_number + 1'b1;
            if (put && last_word) put_column <= put_column + 1'b1;
            if (column_done) get_column <= get_column + 1'b1;
        end
    end
endmodule

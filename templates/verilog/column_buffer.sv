`timescale 1ns / 1ps
// A queue of columns of WORDS words; the words of the oldest column are read in any order, as often as needed.
//
// In:  words, column after column, each with T flags: which phases it holds. in_end, steady through a column, marks the last
//      column of a strip.
// Out: column_valid while the oldest column is complete, with the flags of all its words; column_done gives it up, and the flags of
//      the next one follow, or those of the first column that is complete.
//      A word, and its column's mark, is read by its number in the column, one clock later; it is held while read is low.
module column_buffer #(
    parameter WORD = 8, parameter WORDS = 3,
    parameter WORD_W = 2,   // bits of a word's number
    parameter DEPTH_W = 3,  // 2^DEPTH_W words, at least two columns
    parameter T = 8
) (
    input  wire              clk,
    input  wire              rst,
    // columns in
    input  wire              in_valid,
    output wire              in_ready,
    input  wire              in_end,
    input  wire [WORD-1:0]   in_word,
    input  wire [T-1:0]      in_flags,
    // the oldest column
    output wire               column_valid,
    output reg  [WORDS*T-1:0] column_flags,  // word after word
    output wire              flags_change,   // with the next clock to next_flags
    output wire [WORDS*T-1:0] next_flags,
    input  wire              column_done,
    input  wire              read,
    input  wire [WORD_W-1:0] read_number,
    output reg               read_end,
    output reg  [WORD-1:0]   read_word
);
    reg [DEPTH_W:0]   put_place, get_place;  // next word in; first word of the oldest column
    reg [DEPTH_W:0]   columns;               // complete ones
    reg [WORD_W-1:0]  put_number;
    wire [DEPTH_W:0] held = put_place - get_place;
    assign in_ready = !held[DEPTH_W];
    assign column_valid = columns != 0;
    wire put = in_valid && in_ready;
    wire last_word = put_number == WORD_W'(WORDS - 1);
    wire [DEPTH_W-1:0] read_place = get_place[DEPTH_W-1:0] + DEPTH_W'(read_number);
    // The flags of a column: those of its earlier words are gathered, and stored with the last word's. Those of the oldest column
    // stand in registers.
    reg [DEPTH_W-1:0]   put_slot, get_slot;
    reg [WORDS*T-1:0]   gathered;
    wire [WORDS*T-1:0]  flags = (WORDS*T)'({in_flags, gathered} >> T);
    reg [WORDS*T-1:0]   all_flags [0:(1<<DEPTH_W)-1];
    wire [DEPTH_W-1:0] next_slot = get_slot + 1'b1;
    wire becomes_oldest = put && last_word && (columns == 0 || (columns == 1 && column_done));
    assign flags_change = becomes_oldest || column_done;
    assign next_flags = becomes_oldest ? flags : all_flags[next_slot];
    always @(posedge clk) begin
        if (flags_change) column_flags <= next_flags;
        if (put) gathered <= flags;
        if (put && last_word) all_flags[put_slot] <= flags;
        if (rst) begin
            put_slot <= 0; get_slot <= 0;
        end else begin
            put_slot <= put_slot + DEPTH_W'(put && last_word);
            get_slot <= get_slot + DEPTH_W'(column_done);
        end
    end

    (* no_rw_check *) reg [WORD:0] words [0:(1<<DEPTH_W)-1];  // a column is read when it is complete
    always @(posedge clk) begin
        if (put) words[put_place[DEPTH_W-1:0]] <= {in_end, in_word};
        if (read) {read_end, read_word} <= words[read_place];
        if (rst) begin
            put_place <= 0; get_place <= 0; put_number <= 0; columns <= 0;
        end else begin
            if (put) put_number <= last_word ? 0 : put_number + 1'b1;
            if (put) put_place <= put_place + 1'b1;
            if (column_done) get_place <= get_place + (DEPTH_W+1)'(WORDS);
            columns <= columns + (DEPTH_W+1)'(put && last_word) - (DEPTH_W+1)'(column_done);
        end
    end
endmodule

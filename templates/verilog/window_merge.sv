`timescale 1ns / 1ps
// Puts the words of ENGINES engines back in order. They take the windows in turn: TURN words of one, then of the next.
//
// An image has ROWS rows of ROW words; a row's last turn may be shorter. out_last marks the last word of an image.
// Combinational but for the counters: a word passes in the clock in which its engine offers it.
module window_merge #(
    parameter ENGINES = 2, parameter WIDTH = 16, parameter TURN = 1, parameter ROW = 4, parameter ROWS = 4
) (
    input  wire                     clk,
    input  wire                     rst,
    // words in, one port for each engine
    input  wire [ENGINES-1:0]       in_valid,
    output wire [ENGINES-1:0]       in_ready,
    input  wire [ENGINES*WIDTH-1:0] in_word,
    // words out
    output wire                     out_valid,
    input  wire                     out_ready,
    output wire [WIDTH-1:0]         out_word,
    output wire                     out_last
);
    localparam EW = ENGINES > 1 ? $clog2(ENGINES) : 1;
    localparam CW = TURN > 1 ? $clog2(TURN) : 1;
    localparam RW = ROW > 1 ? $clog2(ROW) : 1;
    localparam NW = ROWS > 1 ? $clog2(ROWS) : 1;
    reg [EW-1:0] turn;
    reg [CW-1:0] word;      // of a turn
    reg [RW-1:0] row_word;  // of a row
    reg [NW-1:0] row;
    wire end_row = row_word == RW'(ROW - 1);
    wire end_turn = end_row || word == CW'(TURN - 1);
    wire last_row = row == NW'(ROWS - 1);
    wire go = out_valid && out_ready;
    assign out_valid = in_valid[turn];
    assign out_word = in_word[turn*WIDTH +: WIDTH];
    assign out_last = end_row && last_row;
    genvar e;
    generate
        for (e = 0; e < ENGINES; e = e + 1) begin : engine
            assign in_ready[e] = out_ready && turn == EW'(e);
        end
    endgenerate
    always @(posedge clk) begin
        if (rst) begin
            turn <= 0; word <= 0; row_word <= 0; row <= 0;
        end else if (go) begin
            word <= end_turn ? 0 : word + 1'b1;
            row_word <= end_row ? 0 : row_word + 1'b1;
            if (end_turn) turn <= turn == EW'(ENGINES - 1) ? 0 : turn + 1'b1;
            if (end_row) row <= last_row ? 0 : row + 1'b1;
        end
    end
endmodule

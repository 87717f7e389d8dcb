`timescale 1ns / 1ps
// Deals columns of WORDS words to ENGINES engines: window after window, each to the next engine in turn.
//
// A window starts at every STRIDE-th of the COLUMNS columns of a row of windows, WINDOWS in a row. All engines see every word;
// in_start tells an engine that a window of its own starts with this column. A word passes when every engine can take it.
// Whose window starts with a column is found while the column before it passes: the counters are a column ahead.
module window_dealer #(
    parameter ENGINES = 2, parameter WORDS = 3, parameter STRIDE = 1, parameter COLUMNS = 6, parameter WINDOWS = 4
) (
    input  wire               clk,
    input  wire               rst,
    // words in
    input  wire               in_valid,
    output wire               in_ready,
    // to the engines
    output wire [ENGINES-1:0] out_valid,
    input  wire [ENGINES-1:0] out_ready,
    output reg  [ENGINES-1:0] out_start
);
    localparam EW = ENGINES > 1 ? $clog2(ENGINES) : 1;
    localparam RW = WORDS > 1 ? $clog2(WORDS) : 1;
    localparam CW = COLUMNS > 1 ? $clog2(COLUMNS) : 1;
    localparam SW = STRIDE > 1 ? $clog2(STRIDE) : 1;
    localparam NW = $clog2(WINDOWS + 1);
    reg [RW-1:0] word;
    reg          dealt;   // the column that passes
    reg [EW-1:0] turn;    // of the column behind it
    reg [CW-1:0] column;
    reg [SW-1:0] offset;
    reg [NW-1:0] started;
    wire go = in_valid && in_ready;
    wire end_column = word == RW'(WORDS - 1);
    wire start = offset == 0 && started != NW'(WINDOWS);
    wire end_row = column == CW'(COLUMNS - 1);
    wire deal = !dealt || (go && end_column);
    assign in_ready = dealt && &out_ready;
    genvar e;
    generate
        for (e = 0; e < ENGINES; e = e + 1) begin : engine
            assign out_valid[e] = in_valid && in_ready;
            always @(posedge clk) if (deal) out_start[e] <= start && turn == EW'(e);
        end
    endgenerate
    always @(posedge clk) begin
        if (rst) begin
            turn <= 0; word <= 0; column <= 0; offset <= 0; started <= 0; dealt <= 1'b0;
        end else begin
            if (go) word <= end_column ? 0 : word + 1'b1;
            dealt <= 1'b1;
            if (deal) begin
                column <= end_row ? 0 : column + 1'b1;
                offset <= end_row || offset == SW'(STRIDE - 1) ? 0 : offset + 1'b1;
                if (end_row) started <= 0;
                else if (start) started <= started + 1'b1;
                if (start) turn <= turn == EW'(ENGINES - 1) ? 0 : turn + 1'b1;
            end
        end
    end
endmodule

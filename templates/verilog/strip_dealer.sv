`timescale 1ns / 1ps
// Deals columns of WORDS words to ENGINES engines: each takes a strip of STRIP neighbouring windows, in turn.
//
// A row has COLUMNS columns and WINDOWS windows of COLS columns, one every STRIDE columns; its last strip may be shorter.
// Neighbouring strips share columns: both engines take them in the same clock. out_end marks the last column of a strip.
// A word passes when every engine that wants it can take it. One engine takes whole rows (STRIP = WINDOWS).
module strip_dealer #(
    parameter ENGINES = 2, parameter WORDS = 3, parameter STRIDE = 1, parameter COLS = 3,
    parameter COLUMNS = 6, parameter WINDOWS = 4, parameter STRIP = 2
) (
    input  wire               clk,
    input  wire               rst,
    // words in
    input  wire               in_valid,
    output wire               in_ready,
    // to the engines
    output wire [ENGINES-1:0] out_valid,
    input  wire [ENGINES-1:0] out_ready,
    output wire [ENGINES-1:0] out_end
);
    localparam STRIPS = (WINDOWS + STRIP - 1) / STRIP;
    localparam LENGTH = (STRIP - 1) * STRIDE + COLS;                                // columns of a strip
    localparam LAST_LENGTH = (WINDOWS - (STRIPS - 1) * STRIP - 1) * STRIDE + COLS;  // of the last one in a row
    localparam PITCH = STRIP * STRIDE;
    localparam EW = ENGINES > 1 ? $clog2(ENGINES) : 1;
    localparam RW = WORDS > 1 ? $clog2(WORDS) : 1;
    localparam CW = COLUMNS > 1 ? $clog2(COLUMNS) : 1;
    localparam OW = PITCH > 1 ? $clog2(PITCH) : 1;
    localparam SW = $clog2(STRIPS + 1);
    localparam LW = $clog2(LENGTH + 1);
    reg [EW-1:0] turn;
    reg [RW-1:0] word;
    reg [CW-1:0] column;
    reg [OW-1:0] offset;   // within a strip's pitch
    reg [SW-1:0] started;  // strips of this row
    wire go = in_valid && in_ready;
    wire end_column = word == RW'(WORDS - 1);
    wire end_row = column == CW'(COLUMNS - 1);
    wire start = offset == 0 && started != SW'(STRIPS);
    wire [LW-1:0] length = started == SW'(STRIPS - 1) ? LW'(LAST_LENGTH) : LW'(LENGTH);
    wire [ENGINES-1:0] wants;
    assign in_ready = (wants & ~out_ready) == 0;
    genvar e;
    generate
        for (e = 0; e < ENGINES; e = e + 1) begin : engine
            reg [LW-1:0] remaining;  // columns that its strip still wants
            wire starts = start && turn == EW'(e);
            wire [LW-1:0] left = starts ? length : remaining;
            assign wants[e] = left != 0;
            assign out_valid[e] = go && wants[e];
            assign out_end[e] = left == LW'(1);
            always @(posedge clk) begin
                if (rst) remaining <= 0;
                else if (go && end_column && wants[e]) remaining <= left - 1'b1;
            end
        end
    endgenerate
    always @(posedge clk) begin
        if (rst) begin
            turn <= 0; word <= 0; column <= 0; offset <= 0; started <= 0;
        end else if (go) begin
            word <= end_column ? 0 : word + 1'b1;
            if (end_column) begin
                column <= end_row ? 0 : column + 1'b1;
                offset <= end_row || offset == OW'(PITCH - 1) ? 0 : offset + 1'b1;
                if (end_row) started <= 0;
                else if (start) started <= started + 1'b1;
                if (start) turn <= turn == EW'(ENGINES - 1) ? 0 : turn + 1'b1;
            end
        end
    end
endmodule

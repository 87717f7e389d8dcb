`timescale 1ns / 1ps
// Deals columns of UNITS x ROWS words to ENGINES engines: each takes a strip of STRIP neighbouring windows, in turn.
//
// A row has COLUMNS columns and WINDOWS windows of COLS columns, one every STRIDE columns; its last strip may be shorter.
// Neighbouring strips share columns: both engines take them in the same clock. out_end marks the last column of a strip.
// TWO = 1: columns are taller by LOWER words a unit and serve two rows of windows at once; the engines of the lower row pass
// over the first LOWER words of a unit, those of the upper row over the last ones. HEIGHT rows of windows in an image.
// A word passes when every engine that wants it can take it. One engine takes whole rows (STRIP = WINDOWS).
// Who wants a column is found while the column before it passes: the counters are a column ahead.
module strip_dealer #(
    parameter ENGINES = 2, parameter UNITS = 1, parameter ROWS = 3, parameter STRIDE = 1, parameter COLS = 3,
    parameter COLUMNS = 6, parameter WINDOWS = 4, parameter STRIP = 2, parameter HEIGHT = 4,
    parameter TWO = 0, parameter LOWER = 1
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
    localparam PASSES = TWO != 0 ? (HEIGHT + 1) / 2 : HEIGHT;                       // over all columns of an image
    localparam EW = ENGINES > 1 ? $clog2(ENGINES) : 1;
    localparam UW = UNITS > 1 ? $clog2(UNITS) : 1;
    localparam RW = ROWS > 1 ? $clog2(ROWS) : 1;
    localparam CW = COLUMNS > 1 ? $clog2(COLUMNS) : 1;
    localparam OW = PITCH > 1 ? $clog2(PITCH) : 1;
    localparam SW = $clog2(STRIPS + 1);
    localparam LW = $clog2(LENGTH + 1);
    localparam PW = PASSES > 1 ? $clog2(PASSES) : 1;
    reg [UW-1:0] unit;
    reg [RW-1:0] row;
    reg          dealt;         // the column that passes; of the one behind it:
    reg [EW-1:0] upper, lower;  // whose turn it is in the upper row, and in the lower one
    reg [CW-1:0] column;
    reg [OW-1:0] offset;   // within a strip's pitch
    reg [SW-1:0] started;  // strips of this row
    reg [PW-1:0] pass;
    wire go = in_valid && in_ready;
    wire end_unit = row == RW'(ROWS - 1);
    wire end_column = end_unit && unit == UW'(UNITS - 1);
    wire deal = !dealt || (go && end_column);
    wire end_row = column == CW'(COLUMNS - 1);
    wire end_image = pass == PW'(PASSES - 1);
    wire alone = TWO == 0 || (HEIGHT % 2 != 0 && end_image);  // no lower row in this pass
    wire start = offset == 0 && started != SW'(STRIPS);
    wire [LW-1:0] length = started == SW'(STRIPS - 1) ? LW'(LAST_LENGTH) : LW'(LENGTH);
    wire for_upper = TWO == 0 || row < RW'(ROWS - LOWER);
    wire for_lower = TWO != 0 && row >= RW'(LOWER);
    function [EW-1:0] after(input [EW-1:0] turn);
        after = turn == EW'(ENGINES - 1) ? 0 : turn + 1'b1;
    endfunction
    function [EW-1:0] a_row_after(input [EW-1:0] turn);
        a_row_after = {1'b0, turn} + (EW+1)'(STRIPS % ENGINES) >= (EW+1)'(ENGINES) ? EW'(turn + EW'(STRIPS % ENGINES) - EW'(ENGINES))
                                                                                    : turn + EW'(STRIPS % ENGINES);
    endfunction
    wire [ENGINES-1:0] wants;
    assign in_ready = dealt && (wants & ~out_ready) == 0;
    genvar e;
    generate
        for (e = 0; e < ENGINES; e = e + 1) begin : engine
            reg [LW-1:0] left;  // columns that its strip wants, this one included
            reg          wanted;  // left is not 0, known without a look at all of it
            reg          is_lower;
            wire starts_upper = start && upper == EW'(e);
            wire starts_lower = start && !alone && lower == EW'(e);
            assign wants[e] = wanted && (is_lower ? for_lower : for_upper);
            assign out_valid[e] = go && wants[e];
            assign out_end[e] = left == LW'(1);
            always @(posedge clk) begin
                if (rst) begin
                    left <= 0; wanted <= 1'b0;
                end else if (deal) begin
                    left <= starts_upper || starts_lower ? length : left - LW'(wanted);
                    wanted <= starts_upper || starts_lower || left > LW'(1);
                end
                if (deal && (starts_upper || starts_lower)) is_lower <= !starts_upper;
            end
        end
    endgenerate
    always @(posedge clk) begin
        if (rst) begin
            upper <= 0; lower <= EW'(STRIPS % ENGINES); unit <= 0; row <= 0; column <= 0; offset <= 0; started <= 0; pass <= 0; dealt <= 1'b0;
        end else begin
            dealt <= 1'b1;
            if (go) row <= end_unit ? 0 : row + 1'b1;
            if (go && end_unit) unit <= end_column ? 0 : unit + 1'b1;
            if (deal) begin
                column <= end_row ? 0 : column + 1'b1;
                offset <= end_row || offset == OW'(PITCH - 1) ? 0 : offset + 1'b1;
                if (end_row) started <= 0;
                else if (start) started <= started + 1'b1;
                if (end_row) pass <= end_image ? 0 : pass + 1'b1;
                if (end_row && !alone) begin
                    upper <= lower;
                    lower <= a_row_after(lower);
                end else if (end_row) lower <= a_row_after(upper);
                else if (start) begin
                    upper <= after(upper);
                    lower <= after(lower);
                end
            end
        end
    end
endmodule

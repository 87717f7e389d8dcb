`timescale 1ns / 1ps
// A ring of columns, from which one engine reads its windows.
//
// In:  columns of UNITS x ROWS words (unit by unit, row by row); in_start, steady through a column, marks the first column of a
//      window of this engine. A window is COLS columns long, windows may overlap; columns in no window are dropped.
// Out: window_valid with the ring slot of the first column of the oldest window, once all of its columns are there;
//      window_done gives it up. Words are read by slot, unit and row, one clock later; a word is held while read is low.
// put.. tell when and where a word is stored, for what is kept beside it.
module window_buffer #(
    parameter WORD = 8, parameter COLS = 3, parameter UNITS = 1, parameter ROWS = 3,
    parameter DEPTH = 4,  // columns, a power of two, more than COLS where loading shall go on while a window is read
    parameter WINDOWS = 4,  // that may start within DEPTH columns, a power of two
    parameter SLOT_W = 2, parameter UNIT_W = 1, parameter ROW_W = 2
) (
    input  wire              clk,
    input  wire              rst,
    // columns in
    input  wire              in_valid,
    output wire              in_ready,
    input  wire              in_start,
    input  wire [WORD-1:0]   in_word,
    // where a word goes
    output wire              put,
    output wire [SLOT_W-1:0] put_slot,
    output wire [UNIT_W-1:0] put_unit,
    output wire [ROW_W-1:0]  put_row,
    // windows
    output wire              window_valid,
    output wire [SLOT_W-1:0] window_slot,
    input  wire              window_done,
    // words out
    input  wire              read,
    input  wire [SLOT_W-1:0] read_slot,
    input  wire [UNIT_W-1:0] read_unit,
    input  wire [ROW_W-1:0]  read_row,
    output reg  [WORD-1:0]   read_word
);
    localparam PW = SLOT_W + 1;  // a column's running number
    localparam RW = $clog2(COLS + 1);
    localparam WW = WINDOWS > 1 ? $clog2(WINDOWS) : 1;

    reg [PW-1:0]     column;
    reg [RW-1:0]     remaining;  // columns that the last window still wants
    reg [UNIT_W-1:0] unit;
    reg [ROW_W-1:0]  row;
    reg [PW-1:0]     starts [0:(1<<WW)-1];
    reg [WW:0]       start_put, start_get;
    reg [PW-1:0]     oldest;  // start of the oldest window, in a register
    wire [WW:0]   next_get = start_get + 1'b1;
    wire [PW-1:0] held = column - oldest;
    wire any = start_put != start_get;
    wire wanted = in_start || remaining != 0;
    reg  space;  // for a column more; of a window that goes it knows a clock later
    assign in_ready = !wanted || space;
    wire take = in_valid & in_ready;
    wire end_unit = row == ROW_W'(ROWS - 1);
    wire end_column = end_unit && unit == UNIT_W'(UNITS - 1);
    wire column_done = take && end_column;
    wire adds = column_done && wanted;
    assign put = take & wanted;
    assign put_slot = column[SLOT_W-1:0];
    assign put_unit = unit;
    assign put_row = row;
    assign window_valid = any && held >= PW'(COLS);
    assign window_slot = oldest[SLOT_W-1:0];

    // A column of one unit, or a unit of one row, needs no address bit for it.
    localparam AW = SLOT_W + (UNITS > 1 ? UNIT_W : 0) + (ROWS > 1 ? ROW_W : 0);
    wire [AW-1:0] put_address, get_address;
    generate
        if (UNITS > 1 && ROWS > 1) begin : address
            assign put_address = {put_slot, put_unit, put_row};
            assign get_address = {read_slot, read_unit, read_row};
        end else if (UNITS > 1) begin : address
            assign put_address = {put_slot, put_unit};
            assign get_address = {read_slot, read_unit};
        end else if (ROWS > 1) begin : address
            assign put_address = {put_slot, put_row};
            assign get_address = {read_slot, read_row};
        end else begin : address
            assign put_address = put_slot;
            assign get_address = read_slot;
        end
    endgenerate
    wire unused = &{1'b0, read_unit, read_row};
    (* no_rw_check *) reg [WORD-1:0] words [0:(1<<AW)-1];  // a window is read when it is complete
    always @(posedge clk) begin
        if (put) words[put_address] <= in_word;
        if (read) read_word <= words[get_address];
    end

    always @(posedge clk) begin
        if (column_done && in_start) starts[start_put[WW-1:0]] <= column;
        if (column_done && in_start && (!any || (window_done && start_put == next_get))) oldest <= column;
        else if (window_done) oldest <= starts[next_get[WW-1:0]];
        if (rst) begin
            column <= 0; remaining <= 0; unit <= 0; row <= 0; start_put <= 0; start_get <= 0; space <= 1'b1;
        end else begin
            if (take) row <= end_unit ? 0 : row + 1'b1;
            if (take && end_unit) unit <= end_column ? 0 : unit + 1'b1;
            space <= !any || (adds ? held + 1'b1 : held) < PW'(DEPTH);
            if (adds) begin
                column <= column + 1'b1;
                remaining <= in_start ? RW'(COLS - 1) : remaining - 1'b1;
            end
            if (column_done && in_start) start_put <= start_put + 1'b1;
            if (window_done) start_get <= start_get + 1'b1;
        end
    end
endmodule

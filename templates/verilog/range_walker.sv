`timescale 1ns / 1ps
// Walks windows of COLS neighbouring column lists in the order of the steps, a list at a time: ranges of places in the ring.
//
// For each pass, each step, each column: the range of the column's list that belongs to the step; empty ones are passed.
// range_shift: the accumulators shift before the range's first weight. range_raise: its weights are those of a step of RAISES. range_drain: its last weight ends a class.
// Where a step holds no spike but shifts, or ends a class after its last spike, an empty range does it.
// Windows are STRIDE columns apart; behind the last window of a strip all of its columns are given up. range_frees, with the
// last range of a window, is the number of lists that nobody needs once this range has been read.
module range_walker #(
    parameter T = 8, parameter STEP_W = 3, parameter [T-1:0] SHIFTS = 0, parameter [T-1:0] DRAINS = 0, parameter [T-1:0] RAISES = 0,
    parameter COLS = 3, parameter COL_W = 2, parameter STRIDE = 1,
    parameter SLOT_W = 2, parameter PLACE_W = 4, parameter PASSES = 1, parameter PASS_W = 1
) (
    input  wire                clk,
    input  wire                rst,
    // lists in
    input  wire                step_put,
    input  wire [SLOT_W-1:0]   put_slot,
    input  wire [STEP_W-1:0]   put_step,
    input  wire [PLACE_W-1:0]  put_end,
    input  wire                built,
    input  wire                built_end,
    // ranges out
    output wire                range_valid,
    input  wire                range_ready,
    output wire                range_shift,
    output reg                 range_raise,
    output wire                range_drain,
    output reg  [SLOT_W:0]     range_frees,
    output reg  [PASS_W-1:0]   range_pass,
    output reg  [COL_W-1:0]    range_col,
    output reg  [PLACE_W-1:0]  range_start,
    output wire [PLACE_W-1:0]  range_length
);
    // Where each step of a list ends; it begins where the step before it ends, and a list where the list before it ends.
    reg [PLACE_W-1:0] step_ends [0:(1<<(SLOT_W+STEP_W))-1];
    reg [(1<<SLOT_W)-1:0] strip_ends;
    reg [SLOT_W:0]   held;  // lists from first_slot on
    reg [SLOT_W-1:0] first_slot, slot;
    reg [STEP_W-1:0] step;
    reg [COL_W-1:0]  col;
    reg [PASS_W-1:0] pass;
    wire [SLOT_W-1:0] last_slot = first_slot + SLOT_W'(COLS - 1);
    wire strip_done = strip_ends[last_slot];
    wire walking = held >= (SLOT_W+1)'(COLS);
    wire [SLOT_W-1:0] slot_before = slot - SLOT_W'(step == 0);
    wire [STEP_W-1:0] step_before = step == 0 ? STEP_W'(T - 1) : step - 1'b1;
    wire [PLACE_W-1:0] step_start = step_ends[{slot_before, step_before}];
    wire [PLACE_W-1:0] step_end = step_ends[{slot, step}];
    wire end_step = col == COL_W'(COLS - 1);
    wire end_pass = end_step && step == STEP_W'(T - 1);
    wire end_window = end_pass && pass == PASS_W'(PASSES - 1);

    // The range behind the memory's register.
    reg               found, some, shifts, drains, last_of_step;
    reg [PLACE_W-1:0] finish;
    reg               sent;  // a range of this step has left
    wire must_shift = shifts && !sent;
    assign range_valid = found && (some || drains || (last_of_step && must_shift));
    assign range_shift = must_shift;
    assign range_drain = drains;
    assign range_length = finish - range_start;
    wire advance = !found || range_ready || !range_valid;
    wire go = walking && advance;
    wire [SLOT_W:0] step_on = strip_done ? (SLOT_W+1)'(COLS) : (SLOT_W+1)'(STRIDE);
    wire [SLOT_W:0] frees = end_window ? step_on : 0;
    wire [SLOT_W-1:0] next_first = first_slot + SLOT_W'(step_on);
    always @(posedge clk) begin
        if (rst) step_ends[{{SLOT_W{1'b1}}, STEP_W'(T - 1)}] <= 0;
        else if (step_put) step_ends[{put_slot, put_step}] <= put_end;
        if (built) strip_ends[put_slot] <= built_end;
        if (advance) begin
            range_start <= step_start; finish <= step_end; some <= step_start != step_end;
            shifts <= SHIFTS[step]; drains <= DRAINS[step] && end_step; last_of_step <= end_step;
            range_raise <= RAISES[step]; range_frees <= frees; range_pass <= pass; range_col <= col;
        end
        if (rst) begin
            held <= 0; first_slot <= 0; slot <= 0; step <= 0; col <= 0; pass <= 0; found <= 1'b0; sent <= 1'b0;
        end else begin
            if (advance) found <= walking;
            if (found && advance) sent <= !last_of_step && (sent || range_valid);
            held <= held + (SLOT_W+1)'(built) - (go ? frees : (SLOT_W+1)'(0));
            if (go) begin
                col <= end_step ? 0 : col + 1'b1;
                if (end_step) step <= end_pass ? 0 : step + 1'b1;
                if (end_pass) pass <= end_window ? 0 : pass + 1'b1;
                if (end_window) first_slot <= next_first;
                slot <= end_window ? next_first : end_step ? first_slot : slot + 1'b1;
            end
        end
    end
endmodule

`timescale 1ns / 1ps
// Two spikes a clock out of the ranges of a window, for lanes that add two weights.
//
// A range is a place and a length. It is read two entries at a time; its odd last entry is paired with the first one of the next
// range of the same step.
// The first weight of a step that shifts goes alone: acc <= 2 * acc + weight. With SHIFT > 1 empty shifts go before it.
// The last addition of a class (drain) waits until the neurons can take the sums (drain_ready); nothing behind this module stalls.
// Out, for the ring's two read ports: places, and which of them hold a spike to add (a_some, b_some).
module pair_reader #(
    parameter SHIFT = 1, parameter PASS_W = 1, parameter COL_W = 2, parameter SLOT_W = 2, parameter PLACE_W = 4
) (
    input  wire               clk,
    input  wire               rst,
    // ranges in
    input  wire               range_valid,
    output wire               range_ready,
    input  wire               range_shift,
    input  wire               range_drain,
    input  wire [SLOT_W:0]    range_frees,
    input  wire [PASS_W-1:0]  range_pass,
    input  wire [COL_W-1:0]   range_col,
    input  wire [PLACE_W-1:0] range_start,
    input  wire [PLACE_W-1:0] range_length,
    output wire [SLOT_W:0]    freed,
    // to the neurons
    input  wire               drain_ready,
    output wire               drain_issue,
    // for counters: nothing to read; a drain that cannot leave yet
    output wire               starved,
    output wire               waits,
    // to the lists and lanes
    output wire               op_valid,
    output wire               op_shift,
    output wire [PASS_W-1:0]  op_pass,
    output wire               a_some,
    output wire [COL_W-1:0]   a_col,
    output wire [PLACE_W-1:0] a_place,
    output wire               b_some,
    output wire [COL_W-1:0]   b_col,
    output wire [PLACE_W-1:0] b_place
);
    localparam WIDTH = 6 + SLOT_W + PASS_W + COL_W + 2 * PLACE_W;
    localparam HW = SHIFT > 1 ? $clog2(SHIFT) : 1;

    // Queue of ranges.
    wire head_valid, pop;
    wire [WIDTH-1:0] head;
    word_fifo #(.WIDTH(WIDTH), .DEPTH_W(2)) queue (
        .clk(clk), .rst(rst), .in_valid(range_valid), .in_ready(range_ready),
        .in_word({range_shift, range_drain, range_frees, range_pass, range_col, range_start, range_length,
                   range_length == 0, range_length == PLACE_W'(1), range_length == PLACE_W'(2)}),
        .out_valid(head_valid), .out_ready(pop), .out_word(head));

    // The range that is read, and the one behind it: what is left of each, and whether that is none, one or two.
    reg valid, shift, drain, next_valid, next_shift, next_drain;
    reg [SLOT_W:0]    frees, next_frees;
    reg [PASS_W-1:0]  pass, next_pass;
    reg [COL_W-1:0]   col, next_col;
    reg [PLACE_W-1:0] start, left, next_start, next_left;
    reg none, one, two, next_none, next_one, next_two;
    reg [HW-1:0]      shifted;  // empty shifts that have gone before this range
    wire [PLACE_W-1:0] second = start + 1'b1;
    wire [PLACE_W-1:0] next_second = next_start + 1'b1;
    wire joins = next_valid && !drain && !next_shift;  // the next range is of the same step
    wire empty_shift = shift && shifted != HW'(SHIFT - 1);
    wire lone = shift || one;                     // one entry of this range goes
    wire join_pair = one && !shift && joins && !next_none;
    wire end_range = !empty_shift && (none || one || (!shift && two));
    wire join_drain = end_range && joins && next_none && next_drain;  // nothing is left of the class
    wire next_gone = join_pair && next_one;
    wire drains = end_range && (drain || join_drain || (next_gone && next_drain));
    wire go = valid && (!drains || drain_ready);
    assign drain_issue = go && drains;
    assign starved = !valid;
    assign waits = valid && !go;
    assign freed = !drain_issue ? 0 : drain ? frees : next_frees;  // a window ends with a drain
    assign op_valid = go;
    assign op_shift = shift;
    assign op_pass = pass;
    assign a_some = !none && !empty_shift;
    assign a_col = col;
    assign a_place = start;
    assign b_some = join_pair || !(lone || none || empty_shift);
    assign b_col = one ? next_col : col;
    assign b_place = one ? next_start : second;

    wire over = go && end_range;
    wire both = over && (next_gone || join_drain);
    assign pop = head_valid && (!valid || over || !next_valid);
    wire from_head = !valid || both || !next_valid;  // what follows comes straight from the queue
    always @(posedge clk) begin
        if (rst) begin
            valid <= 1'b0; next_valid <= 1'b0; shifted <= 0;
        end else begin
            if (!valid || over) begin
                valid <= from_head ? head_valid : 1'b1;
                next_valid <= !from_head && head_valid;
            end else if (!next_valid) next_valid <= head_valid;
            if (go) shifted <= empty_shift ? shifted + 1'b1 : 0;
        end
        if (!valid || over) begin
            if (from_head) {shift, drain, frees, pass, col, start, left, none, one, two} <= head;
            else begin
                {shift, drain, frees, pass, col} <= {next_shift, next_drain, next_frees, next_pass, next_col};
                {start, left, none, one, two} <= join_pair
                    ? {next_second, next_left - 1'b1, next_one, next_two, next_left == PLACE_W'(3)}
                    : {next_start, next_left, next_none, next_one, next_two};
            end
        end else if (go && !empty_shift) begin
            shift <= 1'b0;
            // More is left than goes.
            none <= 1'b0;
            {start, left, one, two} <= shift
                ? {second, left - 1'b1, two, left == PLACE_W'(3)}
                : {start + PLACE_W'(2), left - PLACE_W'(2), left == PLACE_W'(3), left == PLACE_W'(4)};
        end
        if (pop) {next_shift, next_drain, next_frees, next_pass, next_col, next_start, next_left, next_none, next_one, next_two} <= head;
    end
endmodule

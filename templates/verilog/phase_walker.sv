`timescale 1ns / 1ps
// Walks a window in phase order and visits only the words that hold spikes.
//
// For each pass and each of the T steps (ORDER gives the step's phase): columns, units, rows. Every visited word leaves as a token.
// token_shift: the accumulators shift before this token's first weight. token_drain: this token ends a class, the sums leave.
// Where a step holds no spike but shifts or drains, an empty token (token_some low) does it.
// A pass reads PASS_UNITS units of a column: UNITS / GROUP_PASSES of its own; TILES passes read the same ones.
// token_base is the address of the word's first row of weights; BUNDLE units in turn share their weights.
module phase_walker #(
    parameter T = 8, parameter TW = 4, parameter STEP_W = 3, parameter COLS = 3, parameter UNITS = 1, parameter ROWS = 3,
    parameter SLOT_W = 2, parameter UNIT_W = 1, parameter ROW_W = 2,
    parameter GROUP_PASSES = 1, parameter TILES = 1, parameter PASS_W = 1, parameter BUNDLE = 1,
    parameter WORD_WEIGHTS = 4,  // rows of weights for one word
    parameter BASE_W = 8,
    parameter [T*TW-1:0] ORDER = 0, parameter [T-1:0] SHIFTS = 0, parameter [T-1:0] DRAINS = 0
) (
    input  wire              clk,
    input  wire              rst,
    // flags in, beside the words
    input  wire              put,
    input  wire [SLOT_W-1:0] put_slot,
    input  wire [UNIT_W-1:0] put_unit,
    input  wire [ROW_W-1:0]  put_row,
    input  wire [T-1:0]      put_flags,
    // windows
    input  wire              window_valid,
    input  wire [SLOT_W-1:0] window_slot,
    output wire              window_done,
    // tokens out
    output wire                    token_valid,
    input  wire                    token_ready,
    output wire                    token_some,
    output wire                    token_shift,
    output wire                    token_drain,
    output wire [TW-1:0]           token_phase,
    output wire [BASE_W-1:0]       token_base,
    output wire [SLOT_W-1:0]       token_slot,
    output wire [UNIT_W-1:0]       token_unit,
    output wire [ROW_W-1:0]        token_row
);
    localparam PASSES = GROUP_PASSES * TILES;
    localparam PASS_UNITS = UNITS / GROUP_PASSES;
    localparam UNIT_WEIGHTS = ROWS * WORD_WEIGHTS;
    localparam PASS_WEIGHTS = COLS * (PASS_UNITS / BUNDLE) * UNIT_WEIGHTS;
    localparam CW = COLS > 1 ? $clog2(COLS) : 1;
    localparam BW = BUNDLE > 1 ? $clog2(BUNDLE) : 1;
    localparam LW = TILES > 1 ? $clog2(TILES) : 1;

    // Flags: one memory for each step, of ROWS bits a unit. The flags of a unit's last row complete the entry.
    wire [T*ROWS-1:0] unit_flags;
    wire unit_put = put && put_row == ROW_W'(ROWS - 1);
    wire [SLOT_W-1:0] next_slot;
    reg  [UNIT_W-1:0] next_unit;
    reg  [STEP_W-1:0] step;
    genvar p, r;
    generate
        for (p = 0; p < T; p = p + 1) begin : step_memory
            localparam [STEP_W-1:0] PHASE = STEP_W'(ORDER[p*TW +: TW]);
            wire [ROWS-1:0] entry;
            reg  [ROWS-1:0] flags [0:(1<<(SLOT_W+UNIT_W))-1];
            assign entry[ROWS-1] = put_flags[PHASE];
            for (r = 0; r < ROWS - 1; r = r + 1) begin : earlier_row
                reg flag;
                assign entry[r] = flag;
                always @(posedge clk) if (put && put_row == ROW_W'(r)) flag <= put_flags[PHASE];
            end
            always @(posedge clk) if (unit_put) flags[{put_slot, put_unit}] <= entry;
            assign unit_flags[p*ROWS +: ROWS] = flags[{next_slot, next_unit}];
        end
    endgenerate

    // The unit that is walked: its words that are left, and whether it is the last one of the column's, of the step's, ...
    reg              walking;
    reg [ROWS-1:0]   left;
    reg              some, end_unit;  // of what is left: any, and no more than one
    reg [SLOT_W-1:0] slot;
    reg [UNIT_W-1:0] unit;
    reg [BASE_W-1:0] base;
    reg [TW-1:0]     phase;
    reg              shifts, drains, last_of_step, last_of_window;
    reg              sent;  // a token of this step has left
    wire [ROWS-1:0] lowest = left & (~left + 1'b1);
    wire [ROWS-1:0] rest = left & ~lowest;
    wire [ROWS-1:0] loaded = unit_flags[step*ROWS +: ROWS];
    function no_more_than_one(input [ROWS-1:0] flags);
        no_more_than_one = (flags & (flags - 1'b1)) == 0;
    endfunction
    wire end_step = end_unit && last_of_step;
    wire must_shift = shifts & ~sent;
    wire must_drain = drains & end_step;
    assign token_valid = walking && (some || must_drain || (end_step && must_shift));
    wire go = walking && (token_ready || !token_valid);
    assign window_done = go && end_unit && last_of_window;

    function [ROW_W-1:0] index(input [ROWS-1:0] one_hot);
        integer i;
        begin
            index = 0;
            for (i = 0; i < ROWS; i = i + 1) if (one_hot[i]) index = index | i[ROW_W-1:0];
        end
    endfunction
    wire [ROW_W-1:0] row = index(lowest);
    assign token_some = some;
    assign token_shift = must_shift;
    assign token_drain = must_drain;
    assign token_phase = phase;
    assign token_base = base + BASE_W'(row) * BASE_W'(WORD_WEIGHTS);
    assign token_slot = slot;
    assign token_unit = unit;
    assign token_row = row;

    // The unit behind it, known in advance: units come in an order that does not depend on spikes. Without a window it is the
    // first one.
    reg [CW-1:0]     col;
    reg [UNIT_W-1:0] first_unit, pass_unit;
    reg [BW-1:0]     in_bundle;
    reg [PASS_W-1:0] pass;
    reg [LW-1:0]     tile;
    reg [SLOT_W-1:0] walked_slot;
    reg [BASE_W-1:0] pass_base, next_base;
    wire end_bundle = in_bundle == BW'(BUNDLE - 1);
    wire end_units = pass_unit == UNIT_W'(PASS_UNITS - 1);
    wire end_columns = end_units && col == CW'(COLS - 1);
    wire end_pass = end_columns && step == STEP_W'(T - 1);
    wire last_pass = pass == PASS_W'(PASSES - 1);
    wire last_tile = tile == LW'(TILES - 1);
    wire [UNIT_W-1:0] next_first_unit = last_pass ? 0 : last_tile ? first_unit + UNIT_W'(PASS_UNITS) : first_unit;
    wire [BASE_W-1:0] next_pass_base = last_pass ? 0 : pass_base + BASE_W'(PASS_WEIGHTS);
    assign next_slot = walking ? walked_slot : window_slot;
    wire load = walking ? go && end_unit && !last_of_window : window_valid;
    always @(posedge clk) begin
        if (rst) begin
            walking <= 1'b0;
            step <= 0; col <= 0; first_unit <= 0; pass_unit <= 0; next_unit <= 0; in_bundle <= 0;
            pass <= 0; tile <= 0; pass_base <= 0; next_base <= 0;
        end else begin
            walking <= walking ? !window_done : window_valid;
            if (load) begin
                in_bundle <= end_bundle ? 0 : in_bundle + 1'b1;
                pass_unit <= end_units ? 0 : pass_unit + 1'b1;
                next_unit <= end_pass ? next_first_unit : end_units ? first_unit : next_unit + 1'b1;
                if (end_units) col <= end_columns ? 0 : col + 1'b1;
                if (end_columns) step <= end_pass ? 0 : step + 1'b1;
                next_base <= end_pass ? next_pass_base : end_columns ? pass_base : end_bundle ? next_base + BASE_W'(UNIT_WEIGHTS) : next_base;
                if (end_pass) begin
                    pass <= last_pass ? 0 : pass + 1'b1;
                    tile <= last_tile ? 0 : tile + 1'b1;
                    first_unit <= next_first_unit;
                    pass_base <= next_pass_base;
                end
            end
        end
        sent <= load && !walking ? 1'b0 : go ? !end_step && (sent || some) : sent;
        if (load) begin
            left <= loaded;
            some <= loaded != 0;
            end_unit <= no_more_than_one(loaded);
            slot <= next_slot;
            unit <= next_unit;
            base <= next_base;
            phase <= ORDER[step*TW +: TW];
            shifts <= SHIFTS[step];
            drains <= DRAINS[step];
            last_of_step <= end_columns;
            last_of_window <= end_pass && last_pass;
            walked_slot <= end_columns ? window_slot : end_units ? next_slot + 1'b1 : next_slot;
        end else if (go) begin
            left <= rest;
            some <= rest != 0;
            end_unit <= no_more_than_one(rest);
        end
    end
endmodule

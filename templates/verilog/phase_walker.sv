`timescale 1ns / 1ps
// Walks a window in phase order and visits only the words that hold spikes.
//
// For each pass and each of the T steps (ORDER gives the step's phase): columns, units, rows. Every visited word leaves as a token.
// token_shift: the accumulators shift before this token's first weight. token_drain: this token ends a class, the sums leave.
// Where a step holds no spike but shifts or drains, an empty token (token_some low) does it.
// A pass reads PASS_UNITS units of a column: UNITS / GROUP_PASSES of its own; TILES passes read the same ones.
// token_base is the address of the word's first row of weights; BUNDLE units in turn share their weights. PIECES windows in turn
// are pieces of one, each with weights of its own.
module phase_walker #(
    parameter T = 8, parameter TW = 4, parameter STEP_W = 3, parameter COLS = 3, parameter UNITS = 1, parameter ROWS = 3,
    parameter SLOT_W = 2, parameter UNIT_W = 1, parameter ROW_W = 2,
    parameter GROUP_PASSES = 1, parameter TILES = 1, parameter PASS_W = 1, parameter BUNDLE = 1, parameter PIECES = 1,
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
    localparam QW = PIECES > 1 ? $clog2(PIECES) : 1;
    localparam LW = TILES > 1 ? $clog2(TILES) : 1;

    // Flags: one memory for each step, of ROWS bits a unit. The flags of a unit's last row complete the entry.
    wire [T*ROWS-1:0] unit_flags;
    wire unit_put = put && put_row == ROW_W'(ROWS - 1);
    wire [SLOT_W-1:0] fetch_slot;
    reg  [UNIT_W-1:0] fetch_unit;
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
            assign unit_flags[p*ROWS +: ROWS] = flags[{fetch_slot, fetch_unit}];
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
    wire [ROWS-1:0]  rest;
    wire [ROW_W-1:0] row;
    first_set #(.N(ROWS), .W(ROW_W)) first_word (.bits(left), .place(row), .rest(rest));
    wire unused_left, left_one, left_two;
    few_set #(.N(ROWS)) words_left (.bits(left), .none(unused_left), .one(left_one), .two(left_two));
    wire end_step = end_unit && last_of_step;
    wire must_shift = shifts & ~sent;
    wire must_drain = drains & end_step;
    assign token_valid = walking && (some || must_drain || (end_step && must_shift));
    wire go = walking && (token_ready || !token_valid);
    assign window_done = go && end_unit && last_of_window;

    assign token_some = some;
    assign token_shift = must_shift;
    assign token_drain = must_drain;
    assign token_phase = phase;
    assign token_base = base + BASE_W'(row) * BASE_W'(WORD_WEIGHTS);
    assign token_slot = slot;
    assign token_unit = unit;
    assign token_row = row;

    // The unit behind it, with the flags that its step's memory holds.
    reg              fetched;
    reg [ROWS-1:0]   next_left;
    reg [SLOT_W-1:0] next_slot;
    reg [UNIT_W-1:0] next_unit;
    reg [BASE_W-1:0] next_base;
    reg [TW-1:0]     next_phase;
    reg              next_shifts, next_drains, next_last_of_step, next_last_of_window;
    wire next_none, next_one, unused_next;
    few_set #(.N(ROWS)) words_next (.bits(next_left), .none(next_none), .one(next_one), .two(unused_next));

    // The unit behind that, known in advance: units come in an order that does not depend on spikes. A window that has been
    // walked to its end must be given up before the next one begins.
    reg              begun, through;
    reg [CW-1:0]     col;
    reg [UNIT_W-1:0] first_unit, pass_unit;
    reg [BW-1:0]     in_bundle;
    reg [PASS_W-1:0] pass;
    reg [LW-1:0]     tile;
    reg [QW-1:0]     piece;
    reg [SLOT_W-1:0] walked_slot;
    reg [BASE_W-1:0] pass_base, fetch_base;
    wire end_bundle = in_bundle == BW'(BUNDLE - 1);
    wire end_units = pass_unit == UNIT_W'(PASS_UNITS - 1);
    wire end_columns = end_units && col == CW'(COLS - 1);
    wire end_pass = end_columns && step == STEP_W'(T - 1);
    wire last_pass = pass == PASS_W'(PASSES - 1);
    wire last_tile = tile == LW'(TILES - 1);
    wire [UNIT_W-1:0] next_first_unit = last_pass ? 0 : last_tile ? first_unit + UNIT_W'(PASS_UNITS) : first_unit;
    wire last_piece = piece == QW'(PIECES - 1);
    wire [BASE_W-1:0] next_pass_base = last_pass && last_piece ? 0 : pass_base + BASE_W'(PASS_WEIGHTS);
    assign fetch_slot = begun ? walked_slot : window_slot;
    wire over = !walking || (go && end_unit);
    wire load = over && fetched;
    wire fetch = (!fetched || load) && window_valid && !through;
    always @(posedge clk) begin
        if (rst) begin
            walking <= 1'b0; fetched <= 1'b0; begun <= 1'b0; through <= 1'b0;
            step <= 0; col <= 0; first_unit <= 0; pass_unit <= 0; fetch_unit <= 0; in_bundle <= 0;
            pass <= 0; tile <= 0; piece <= 0; pass_base <= 0; fetch_base <= 0;
        end else begin
            if (over) walking <= fetched;
            if (fetch || load) fetched <= fetch;
            if (window_done) through <= 1'b0;
            else if (fetch && end_pass && last_pass) through <= 1'b1;
            if (fetch) begin
                begun <= !(end_pass && last_pass);
                in_bundle <= end_bundle ? 0 : in_bundle + 1'b1;
                pass_unit <= end_units ? 0 : pass_unit + 1'b1;
                fetch_unit <= end_pass ? next_first_unit : end_units ? first_unit : fetch_unit + 1'b1;
                if (end_units) col <= end_columns ? 0 : col + 1'b1;
                if (end_columns) step <= end_pass ? 0 : step + 1'b1;
                fetch_base <= end_pass ? next_pass_base : end_columns ? pass_base : end_bundle ? fetch_base + BASE_W'(UNIT_WEIGHTS) : fetch_base;
                if (end_pass) begin
                    pass <= last_pass ? 0 : pass + 1'b1;
                    tile <= last_tile ? 0 : tile + 1'b1;
                    if (last_pass) piece <= last_piece ? 0 : piece + 1'b1;
                    first_unit <= next_first_unit;
                    pass_base <= next_pass_base;
                end
            end
        end
        if (fetch) begin
            next_left <= unit_flags[step*ROWS +: ROWS];
            next_slot <= fetch_slot;
            next_unit <= fetch_unit;
            next_base <= fetch_base;
            next_phase <= ORDER[step*TW +: TW];
            next_shifts <= SHIFTS[step];
            next_drains <= DRAINS[step];
            next_last_of_step <= end_columns;
            next_last_of_window <= end_pass && last_pass;
            walked_slot <= end_columns ? window_slot : end_units ? fetch_slot + 1'b1 : fetch_slot;
        end
        sent <= load && !walking ? 1'b0 : go ? !end_step && (sent || some) : sent;
        if (load) begin
            left <= next_left;
            some <= !next_none;
            end_unit <= next_one;
            slot <= next_slot;
            unit <= next_unit;
            base <= next_base;
            phase <= next_phase;
            shifts <= next_shifts;
            drains <= next_drains;
            last_of_step <= next_last_of_step;
            last_of_window <= next_last_of_window;
        end else if (go) begin
            left <= rest;
            some <= !left_one;
            end_unit <= left_two;
        end
    end
endmodule

`timescale 1ns / 1ps
// Walks a window of multi-bit values: every value of every word, one position of all groups a clock.
//
// Words in the order columns, units, rows; PASS_UNITS units of a column in a pass, as in phase_walker.
// The word arrives one clock behind its address. The last value of a pass waits until the neurons can take the sums.
// With SKIP, for one group, values of 0 take no clock; a word of nothing else takes one. The last word of a pass gives a value always.
module dense_walker #(
    parameter COLS = 3, parameter UNITS = 1, parameter ROWS = 3,
    parameter SLOT_W = 2, parameter UNIT_W = 1, parameter ROW_W = 2,
    parameter GROUP_PASSES = 1, parameter TILES = 1, parameter PASS_W = 1, parameter BUNDLE = 1,
    parameter GROUPS = 1, parameter J = 1, parameter DB = 9, parameter BASE_W = 8, parameter SKIP = 0
) (
    input  wire                           clk,
    input  wire                           rst,
    // windows
    input  wire                           window_valid,
    input  wire [SLOT_W-1:0]              window_slot,
    output wire                           window_done,
    // words
    output wire                           read,
    output wire [SLOT_W-1:0]              read_slot,
    output wire [UNIT_W-1:0]              read_unit,
    output wire [ROW_W-1:0]               read_row,
    input  wire [GROUPS*J*DB-1:0]         word,
    // to the neurons, and to the weights and lanes one clock later
    input  wire                           drain_ready,
    output wire                           drain_issue,
    output reg                            out_valid,
    output reg                            out_drain,
    output reg  [BASE_W-1:0]              out_address,
    output reg  [GROUPS*DB-1:0]           out_values
);
    localparam PASSES = GROUP_PASSES * TILES;
    localparam PASS_UNITS = UNITS / GROUP_PASSES;
    localparam CW = COLS > 1 ? $clog2(COLS) : 1;
    localparam BW = BUNDLE > 1 ? $clog2(BUNDLE) : 1;
    localparam LW = TILES > 1 ? $clog2(TILES) : 1;
    localparam JW = J > 1 ? $clog2(J) : 1;

    reg              walking;
    reg [SLOT_W-1:0] slot;
    reg [CW-1:0]     col;
    reg [UNIT_W-1:0] unit, pass_unit, first_unit;
    reg [BW-1:0]     in_bundle;
    reg [ROW_W-1:0]  row;
    reg [PASS_W-1:0] pass;
    reg [LW-1:0]     tile;
    reg [BASE_W-1:0] base, next_pass_base;
    wire word_ready;
    wire go = walking && word_ready;
    wire end_unit = row == ROW_W'(ROWS - 1);
    wire end_bundle = in_bundle == BW'(BUNDLE - 1);
    wire end_units = end_unit && pass_unit == UNIT_W'(PASS_UNITS - 1);
    wire end_pass = end_units && col == CW'(COLS - 1);
    wire last_tile = tile == LW'(TILES - 1);
    wire end_window = end_pass && pass == PASS_W'(PASSES - 1);
    wire [UNIT_W-1:0] next_first_unit = last_tile ? first_unit + UNIT_W'(PASS_UNITS) : first_unit;
    // A bundle's units read the same weights again.
    wire [BASE_W-1:0] next_base = base + BASE_W'(J);
    wire [BASE_W-1:0] bundle_base = end_unit && !end_bundle ? next_base - BASE_W'(ROWS * J) : next_base;
    assign window_done = go && end_window;
    assign read = go;
    assign read_slot = slot;
    assign read_unit = unit;
    assign read_row = row;

    reg            valid, last;
    reg [BASE_W-1:0] word_base;
    wire [JW-1:0]  position;
    wire           adds, end_word;
    wire issue = valid && (!(last && end_word) || drain_ready);
    assign word_ready = !valid || (issue && end_word);
    assign drain_issue = issue && last && end_word;
    genvar g;
    wire [GROUPS*DB-1:0] values;
    generate
        if (SKIP != 0) begin : skipping
            wire [J-1:0] some, left;
            reg  [J-1:0] done;
            for (g = 0; g < J; g = g + 1) begin : of_value
                assign some[g] = word[g*DB +: DB] != 0;
            end
            first_set #(.N(J), .W(JW)) next (.bits(some & ~done), .place(position), .rest(left));
            assign adds = last || some != 0;
            assign end_word = left == 0;
            always @(posedge clk) begin
                if (rst) done <= 0;
                else if (issue) done <= end_word ? 0 : ~left;
            end
        end else begin : counting
            reg [JW-1:0] count;
            assign position = count;
            assign adds = 1'b1;
            assign end_word = count == JW'(J - 1);
            always @(posedge clk) begin
                if (rst) count <= 0;
                else if (issue) count <= end_word ? 0 : count + 1'b1;
            end
        end
        for (g = 0; g < GROUPS; g = g + 1) begin : group
            assign values[g*DB +: DB] = word[(g*J + {{(32-JW){1'b0}}, position})*DB +: DB];
        end
    endgenerate

    always @(posedge clk) begin
        if (rst) walking <= 1'b0;
        else if (!walking) begin
            walking <= window_valid;
            slot <= window_slot; col <= 0; unit <= 0; pass_unit <= 0; first_unit <= 0; in_bundle <= 0; row <= 0;
            pass <= 0; tile <= 0; base <= 0; next_pass_base <= BASE_W'(COLS * (PASS_UNITS / BUNDLE) * ROWS * J);
        end else if (go) begin
            row <= end_unit ? 0 : row + 1'b1;
            base <= end_pass ? next_pass_base : bundle_base;
            if (end_unit) begin
                in_bundle <= end_bundle ? 0 : in_bundle + 1'b1;
                pass_unit <= pass_unit + 1'b1;
                unit <= unit + 1'b1;
            end
            if (end_units) begin
                pass_unit <= 0;
                unit <= first_unit;
                col <= col + 1'b1;
                slot <= slot + 1'b1;
            end
            if (end_pass) begin
                col <= 0;
                slot <= window_slot;
                next_pass_base <= next_pass_base + BASE_W'(COLS * (PASS_UNITS / BUNDLE) * ROWS * J);
                pass <= pass + 1'b1;
                tile <= last_tile ? 0 : tile + 1'b1;
                first_unit <= next_first_unit;
                unit <= next_first_unit;
            end
            if (end_window) walking <= 1'b0;
        end
        if (rst) begin
            valid <= 1'b0;
            out_valid <= 1'b0;
            out_drain <= 1'b0;
        end else begin
            if (word_ready) valid <= walking;
            out_valid <= issue && adds;
            out_drain <= drain_issue;
        end
        if (word_ready) begin
            word_base <= base; last <= end_pass;
        end
        out_address <= word_base + BASE_W'(position);
        out_values <= values;
    end
endmodule

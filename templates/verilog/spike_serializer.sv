`timescale 1ns / 1ps
// One spike a clock out of each bitmap: the address of its row of weights, and what the lanes shall do with it.
//
// A word holds GROUPS groups of J channels; position j of all groups leaves in one clock, enable tells which groups spike there.
// The last spike of a class (drain) waits until the neurons can take the sums (drain_ready). An empty bitmap, sent for its
// shift or its drain alone, reads ZERO_ROW, a row of zeros. Nothing behind this module ever stalls.
module spike_serializer #(
    parameter GROUPS = 1, parameter J = 4, parameter BASE_W = 8, parameter [BASE_W-1:0] ZERO_ROW = 0
) (
    input  wire                clk,
    input  wire                rst,
    // bitmaps in
    input  wire                in_valid,
    output wire                in_ready,
    input  wire                in_shift,
    input  wire                in_drain,
    input  wire [BASE_W-1:0]   in_base,
    input  wire [GROUPS*J-1:0] in_spikes,
    // to the neurons, and to the weights and lanes one clock later
    input  wire                drain_ready,
    output wire                drain_issue,
    // for counters: nothing to read; a drain that cannot leave yet
    output wire                starved,
    output wire                waits,
    output reg                 out_valid,
    output reg                 out_shift,
    output reg                 out_drain,
    output reg  [GROUPS-1:0]   out_enable,
    output reg  [BASE_W-1:0]   out_address,
    output reg                 out_counts  // a synaptic operation, not an empty token
);
    localparam JW = J > 1 ? $clog2(J) : 1;
    reg                valid, shift, drain, empty, ends;  // no spike; spikes at no more than one position
    reg [BASE_W-1:0]   base;
    reg [GROUPS*J-1:0] spikes;

    // Positions of a word at which some group spikes.
    function [J-1:0] over_groups(input [GROUPS*J-1:0] grouped);
        integer i;
        begin
            over_groups = 0;
            for (i = 0; i < GROUPS; i = i + 1) over_groups = over_groups | grouped[i*J +: J];
        end
    endfunction

    wire [J-1:0] any = over_groups(spikes);
    wire [J-1:0] any_after;
    wire [JW-1:0] lowest;
    first_set #(.N(J), .W(JW)) first_position (.bits(any), .place(lowest), .rest(any_after));
    wire [GROUPS*J-1:0] rest = spikes & {GROUPS{any_after}};
    wire [GROUPS-1:0] enable;
    genvar g;
    generate
        for (g = 0; g < GROUPS; g = g + 1) begin : group_enable
            assign enable[g] = |(spikes[g*J +: J] & ~any_after);
        end
    endgenerate
    wire in_none, in_one, unused_in, unused_none, unused_one, two_left;
    few_set #(.N(J)) positions_in (.bits(over_groups(in_spikes)), .none(in_none), .one(in_one), .two(unused_in));
    few_set #(.N(J)) positions_left (.bits(any), .none(unused_none), .one(unused_one), .two(two_left));
    wire go = valid && (!(drain && ends) || drain_ready);
    assign drain_issue = go && drain && ends;
    assign starved = !valid;
    assign waits = valid && !go;
    assign in_ready = !valid || (go && ends);
    always @(posedge clk) begin
        if (rst) begin
            valid <= 1'b0;
            out_valid <= 1'b0;
            out_drain <= 1'b0;
        end else begin
            if (in_ready) valid <= in_valid;
            out_valid <= go;
            out_drain <= drain_issue;
        end
        if (in_ready) begin
            shift <= in_shift; drain <= in_drain; base <= in_base; spikes <= in_spikes; empty <= in_none; ends <= in_one;
        end else if (go) begin
            shift <= 1'b0; spikes <= rest; ends <= two_left;
        end
        out_shift <= shift;
        out_enable <= enable;
        out_address <= empty ? ZERO_ROW : base + BASE_W'(lowest);
        out_counts <= go && !empty;
    end
endmodule

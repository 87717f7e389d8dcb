`timescale 1ns / 1ps
// Sorts the spikes of each column by phase: entries {word, channel} in a ring, list after list, and where each step's entries end.
//
// Step s of a column holds the spikes of phase ORDER[s]. One entry a clock; only words that hold a spike of the phase are read,
// and one where none does. A list stands until the reader frees it (freed: lists at once). It waits while the ring is full, or
// 2^SLOT_W - 1 lists stand.
module list_builder #(
    parameter N = 4, parameter T = 8, parameter TW = 4, parameter STEP_W = 3, parameter [T*TW-1:0] ORDER = 0,
    parameter WORDS = 3, parameter WORD_W = 2, parameter CHANNEL_W = 2,
    parameter ENTRY_W = 4,    // {word, channel}; a part that has one value only is left out
    parameter SLOT_W = 2,
    parameter PLACE_W = 4     // 2^PLACE_W entries in the ring, more than a window can hold
) (
    input  wire                      clk,
    input  wire                      rst,
    // the oldest column of the buffer
    input  wire                      column_valid,
    input  wire [WORDS*T-1:0]        column_flags,
    input  wire                      flags_change,  // of another column, with the next clock
    input  wire [WORDS*T-1:0]        next_flags,
    output wire                      column_done,
    output wire                      read,
    output wire [WORD_W-1:0]         read_number,
    input  wire                      read_end,
    input  wire [N*TW-1:0]           word,
    // lists out
    output wire                      put,
    output wire [PLACE_W-1:0]        put_place,
    output wire [ENTRY_W-1:0]        put_entry,
    output wire                      step_put,
    output wire [SLOT_W-1:0]         put_slot,
    output wire [STEP_W-1:0]         put_step,
    output wire [PLACE_W-1:0]        step_end,   // the place behind the step's last entry
    output wire                      built,      // the column's last step
    output wire                      built_end,  // it is the last column of a strip
    input  wire [SLOT_W:0]           freed
);
    localparam WIDTH = N + WORD_W + 2;

    // Walk: words of each step that its flags name. The word arrives one clock behind its number.
    reg [SLOT_W:0]   used;  // slots that are being filled, or are full
    reg [STEP_W-1:0] walk_step;
    reg [WORDS-1:0]  left;  // words that hold a spike of the step, and have not been read
    reg              walking, valid, last;
    reg [TW-1:0]     phase;
    reg [WORD_W-1:0] word_number;
    wire             queue_ready;
    wire advance = !valid || queue_ready;
    wire room = walking || used != (SLOT_W+1)'((1 << SLOT_W) - 1);  // the slot before the oldest list tells where that starts
    wire go = column_valid && room && advance;
    wire [TW-1:0] walk_phase = ORDER[walk_step*TW +: TW];
    wire last_step = walk_step == STEP_W'(T - 1);
    wire [STEP_W-1:0] next_phase = STEP_W'(last_step ? ORDER[0 +: TW] : ORDER[(walk_step + 1'b1)*TW +: TW]);
    wire [WORDS-1:0] next_step_holds, next_column_holds;
    genvar w;
    generate
        for (w = 0; w < WORDS; w = w + 1) begin : of_word
            wire [T-1:0] flags = column_flags[w*T +: T];
            assign next_step_holds[w] = flags[next_phase];
            assign next_column_holds[w] = next_flags[w*T + {{(32-TW){1'b0}}, ORDER[0 +: TW]}];
        end
    endgenerate
    wire [WORDS-1:0] first = left & (~left + 1'b1);
    wire last_word = (left & ~first) == 0;
    function [WORD_W-1:0] number_of(input [WORDS-1:0] one_hot);
        integer i;
        begin
            number_of = 0;
            for (i = 0; i < WORDS; i = i + 1) if (one_hot[i]) number_of = number_of | i[WORD_W-1:0];
        end
    endfunction
    wire [WORD_W-1:0] number = number_of(first);
    wire begins = go && !walking;
    assign read = advance;
    assign read_number = number;
    assign column_done = go && last_word && last_step;

    // Queue of bitmaps that hold a spike, or end a step.
    wire [N-1:0] spikes;
    genvar n;
    generate
        for (n = 0; n < N; n = n + 1) begin : channel
            assign spikes[n] = word[n*TW +: TW] == phase;
        end
    endgenerate
    wire [WIDTH-1:0] leaving;
    wire queued, pop;
    word_fifo #(.WIDTH(WIDTH), .DEPTH_W(2)) queue (
        .clk(clk), .rst(rst), .in_valid(valid && (last || spikes != 0)), .in_ready(queue_ready),
        .in_word({last, read_end, word_number, spikes}), .out_valid(queued), .out_ready(pop), .out_word(leaving));

    // Serializer: the lowest channel first.
    reg               out_valid, out_last, out_end;
    reg [WORD_W-1:0]  out_number;
    reg [N-1:0]       bitmap;
    reg [SLOT_W-1:0]  slot, oldest_slot;
    reg [STEP_W-1:0]  out_step;
    reg [PLACE_W-1:0] place;
    reg [PLACE_W-1:0] starts [0:(1<<SLOT_W)-1];  // where the lists start
    reg [PLACE_W-1:0] oldest_place, starting_place;
    reg [SLOT_W-1:0]  starting_slot;
    reg               starting;
    wire [N-1:0] lowest = bitmap & (~bitmap + 1'b1);
    wire [N-1:0] rest = bitmap & ~lowest;
    wire some = bitmap != 0;
    wire space = PLACE_W'(place + 1'b1) != oldest_place;
    wire emit = out_valid && space;
    wire finished = emit && rest == 0;
    assign pop = queued && (!out_valid || finished);
    function [CHANNEL_W-1:0] index(input [N-1:0] one_hot);
        integer i;
        begin
            index = 0;
            for (i = 0; i < N; i = i + 1) if (one_hot[i]) index = index | i[CHANNEL_W-1:0];
        end
    endfunction
    generate
        if (WORDS == 1) begin : entry
            wire unused = &{1'b0, out_number};
            assign put_entry = index(lowest);
        end else if (N == 1) begin : entry
            assign put_entry = out_number;
        end else begin : entry
            assign put_entry = {out_number, index(lowest)};
        end
    endgenerate
    assign put = emit && some;
    assign put_place = place;
    assign put_slot = slot;
    assign put_step = out_step;
    assign step_put = finished && out_last;
    assign step_end = place + PLACE_W'(some);
    assign built = step_put && out_step == STEP_W'(T - 1);
    assign built_end = out_end;
    wire [SLOT_W-1:0] next_slot = slot + 1'b1;

    always @(posedge clk) begin
        if (rst) begin
            used <= 0; walk_step <= 0; walking <= 1'b0; valid <= 1'b0;
            out_valid <= 1'b0; slot <= 0; oldest_slot <= 0; out_step <= 0; place <= 0; oldest_place <= 0;
        end else begin
            used <= used + (SLOT_W+1)'(begins) - freed;
            if (go) begin
                walking <= !column_done;
                if (last_word) walk_step <= last_step ? 0 : walk_step + 1'b1;
            end
            if (advance) valid <= go;
            if (!out_valid || finished) out_valid <= pop;
            if (put) place <= step_end;
            if (step_put) out_step <= built ? 0 : out_step + 1'b1;
            if (built) slot <= next_slot;
            oldest_slot <= oldest_slot + SLOT_W'(freed);
            oldest_place <= starts[oldest_slot];
        end
        if (flags_change) left <= next_column_holds;
        else if (go) left <= last_word ? next_step_holds : left & ~first;
        // A clock late, which the oldest list's start need not know sooner.
        starting <= built && !rst;
        starting_slot <= next_slot;
        starting_place <= step_end;
        if (rst) starts[0] <= 0;
        else if (starting) starts[starting_slot] <= starting_place;
        if (advance) begin
            phase <= walk_phase;
            word_number <= number;
            last <= last_word;
        end
        if (pop) {out_last, out_end, out_number, bitmap} <= leaving;
        else if (emit) bitmap <= rest;
    end
endmodule

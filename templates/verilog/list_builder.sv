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
    wire [WORDS-1:0] words_after;
    wire [WORD_W-1:0] number;
    wire unused_none, last_word, unused_words;
    first_set #(.N(WORDS), .W(WORD_W)) first_word (.bits(left), .place(number), .rest(words_after));
    few_set #(.N(WORDS)) words_left (.bits(left), .none(unused_none), .one(last_word), .two(unused_words));
    wire begins = go && !walking;
    assign read = advance;
    assign read_number = number;
    assign column_done = go && last_word && last_step;

    // Queue of bitmaps. Each holds a spike, but for that of a step without any.
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
        .clk(clk), .rst(rst), .in_valid(valid), .in_ready(queue_ready),
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
    reg               space;  // for one entry more
    reg [SLOT_W:0]    freed_before;
    wire [N-1:0] rest;
    wire [CHANNEL_W-1:0] channel_number;
    reg  some, one_left;   // of the bitmap: any, no more than one
    wire in_none, in_one, unused_in, unused_left, unused_one, two_left;
    first_set #(.N(N), .W(CHANNEL_W)) first_channel (.bits(bitmap), .place(channel_number), .rest(rest));
    few_set #(.N(N)) entries_in (.bits(leaving[N-1:0]), .none(in_none), .one(in_one), .two(unused_in));
    few_set #(.N(N)) entries_left (.bits(bitmap), .none(unused_left), .one(unused_one), .two(two_left));
    wire emit = out_valid && space;
    wire finished = emit && one_left;
    assign pop = queued && (!out_valid || finished);
    generate
        if (WORDS == 1) begin : entry
            wire unused = &{1'b0, out_number};
            assign put_entry = channel_number;
        end else if (N == 1) begin : entry
            wire unused = &{1'b0, channel_number};
            assign put_entry = out_number;
        end else begin : entry
            assign put_entry = {out_number, channel_number};
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
            used <= 0; walk_step <= 0; walking <= 1'b0; valid <= 1'b0; space <= 1'b1; freed_before <= 0;
            out_valid <= 1'b0; slot <= 0; oldest_slot <= 0; out_step <= 0; place <= 0; oldest_place <= 0;
        end else begin
            used <= used + (SLOT_W+1)'(begins) - freed_before;
            if (go) begin
                walking <= !column_done;
                if (last_word) walk_step <= last_step ? 0 : walk_step + 1'b1;
            end
            if (advance) valid <= go;
            if (!out_valid || finished) out_valid <= pop;
            if (put) place <= step_end;
            if (step_put) out_step <= built ? 0 : out_step + 1'b1;
            if (built) slot <= next_slot;
            // What is freed counts a few clocks later, which costs nothing but the wait for it.
            freed_before <= freed;
            oldest_slot <= oldest_slot + SLOT_W'(freed_before);
            oldest_place <= starts[oldest_slot];
            space <= (put ? place + PLACE_W'(2) : place + 1'b1) != oldest_place;
        end
        if (flags_change) left <= next_column_holds;
        else if (go) left <= last_word ? next_step_holds : words_after;
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
        if (pop) begin
            {out_last, out_end, out_number, bitmap} <= leaving;
            some <= !in_none;
            one_left <= in_one;
        end else if (emit) begin
            bitmap <= rest;
            one_left <= two_left;
        end
    end
endmodule

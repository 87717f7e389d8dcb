`timescale 1ns / 1ps
// Lets one batch of whole images into the accelerator, whatever the stream in front does.
//
// A batch begins with `start` and is `images` x BEATS beats, tlast with the last one. Each image leaves a mark: {last of the
// batch, cut short}. An image that ends early is filled up with zeros and marked; the batch ends with it. Beats behind a
// batch that tlast has not closed yet are dropped until tlast or the next `start`. A mark waits for room, and with it the last
// beat of its image. It knows nothing of results.
module batch_input #(
    parameter BYTES = 1, parameter BEATS = 784
) (
    input  wire               clk,
    input  wire               rst,
    // commands
    input  wire               start,
    input  wire               abort,
    input  wire [31:0]        images,
    input  wire [31:0]        patience,
    // beats in
    input  wire               in_valid,
    output wire               in_ready,
    input  wire [8*BYTES-1:0] in_data,
    input  wire [BYTES-1:0]   in_keep,
    input  wire               in_last,
    // beats out
    output wire               out_valid,
    input  wire               out_ready,
    output wire [8*BYTES-1:0] out_data,
    // marks out, one an image
    output wire               mark_valid,
    input  wire               mark_ready,
    output wire               mark_last,
    output wire               mark_cut,
    // what goes on
    output wire               loading,
    output wire               flushing,
    output reg                loaded,
    // what went wrong, a clock each
    output reg                cut_short,
    output reg                early_last,
    output reg                late_last,
    output reg                timed_out,
    output reg                start_busy,
    output reg                empty_batch
);
    localparam [1:0] IDLE = 2'd0, LOAD = 2'd1, FILL = 2'd2, FLUSH = 2'd3;
    localparam BW = BEATS > 1 ? $clog2(BEATS) : 1;

    reg [1:0] state;
    reg [BW-1:0] beat;
    reg [31:0] left, idle;
    // the beats of this image lack bytes; the transfer still owes its tlast
    reg broken, owing;

    assign loading = state == LOAD || state == FILL;
    assign flushing = state == FLUSH;

    wire last_beat = beat == BW'(BEATS - 1);
    wire last_image = left == 32'd1;
    wire room = !last_beat || mark_ready;
    wire go = out_valid && out_ready;
    assign out_valid = room && (state == FILL || (state == LOAD && in_valid));
    assign out_data = state == FILL ? {8*BYTES{1'b0}} : in_data;
    assign in_ready = state == FLUSH || (state == LOAD && out_ready && room);

    wire whole = &in_keep;
    assign mark_valid = go && last_beat;
    assign mark_cut = state == FILL || broken || !whole;
    assign mark_last = state == FILL || last_image || in_last || mark_cut;

    wire waiting = state == LOAD && in_ready && !in_valid;
    wire given_up = waiting && patience != 32'd0 && idle >= patience;
    wire ends = go && last_beat && mark_last;

    always @(posedge clk) begin
        loaded <= !rst && !abort && ends;
        cut_short <= !rst && state == LOAD && go && (last_beat ? !whole || broken : in_last);
        early_last <= !rst && state == LOAD && go && last_beat && in_last && !last_image;
        late_last <= !rst && state == LOAD && go && last_beat && last_image && !in_last;
        timed_out <= !rst && given_up;
        start_busy <= !rst && start && loading;
        empty_batch <= !rst && start && !loading && images == 32'd0;
        idle <= waiting ? idle + 1'b1 : 32'd0;
        if (rst) begin
            state <= IDLE;
            beat <= 0;
            left <= 32'd0;
            broken <= 1'b0;
            owing <= 1'b0;
        end else if (abort) begin
            beat <= 0;
            broken <= 1'b0;
            state <= state == FLUSH || state == LOAD || (state == FILL && owing) ? FLUSH : IDLE;
        end else begin
            if (go) begin
                beat <= last_beat ? 0 : beat + 1'b1;
                broken <= !last_beat && (broken || (state == LOAD && !whole));
                if (last_beat) left <= left - 1'b1;
            end
            case (state)
                LOAD: begin
                    owing <= given_up;
                    if (ends) state <= in_last ? IDLE : FLUSH;
                    else if (given_up || (go && in_last)) state <= FILL;
                end
                FILL: if (ends) state <= owing ? FLUSH : IDLE;
                default: begin
                    if (state == FLUSH && in_valid && in_last) state <= IDLE;
                    if (start && images != 32'd0) begin
                        state <= LOAD;
                        left <= images;
                    end
                end
            endcase
        end
    end
endmodule

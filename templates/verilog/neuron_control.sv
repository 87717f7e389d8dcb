`timescale 1ns / 1ps
// Keeps the neurons of one engine in step: when the lanes' sums drain into the potentials, when the potentials are read out.
//
// drain_issue tells that sums will stand LATENCY clocks later; drain_ready allows the next one. A window drains CLASSES times,
// LANES neurons one after the other; its potentials fill one half of the potential memory while the half before is read out,
// LEVELS times over all lanes. Readout of a window begins when out_room is high, and advances while out_step is.
// The d0.. and s0.. ports time the datapaths of all lane groups, which work in lockstep.
module neuron_control #(
    parameter LANES = 4, parameter LANE_W = 2, parameter CLASSES = 2, parameter CLASS_W = 1,
    parameter PASSES = 1, parameter PASS_W = 1, parameter LEVELS = 2, parameter LEVEL_W = 1, parameter LATENCY = 3
) (
    input  wire               clk,
    input  wire               rst,
    // from and to the serializer
    input  wire               drain_issue,
    output wire               drain_ready,
    // drain: lane d0_lane adds its sum of class d0_class
    output wire               d0_valid,
    output wire               d0_first,
    output wire [LANE_W-1:0]  d0_lane,
    output wire [CLASS_W-1:0] d0_class,
    output wire [PASS_W-1:0]  d0_pass,
    output wire               d0_half,
    // readout
    input  wire               out_room,
    output wire               out_begin,
    input  wire               out_step,
    output wire               s0_valid,
    output wire [LANE_W-1:0]  s0_lane,
    output wire [LEVEL_W-1:0] s0_level,
    output wire [PASS_W-1:0]  s0_pass,
    output wire               s0_half
);
    localparam SETTLE = 6;  // clocks from a drained sum to its potential, seen by the next drain or by the readout
    localparam PERIOD = LANES > SETTLE ? LANES : SETTLE;
    localparam CW = $clog2(PERIOD + 1);

    // Issue side: class of the next drain, clocks until it may come, windows that are open (at most one for each half).
    reg [CLASS_W-1:0] issue_class;
    reg [CW-1:0]      cooldown;
    reg [1:0]         open_windows;
    wire first_class = issue_class == 0;
    assign drain_ready = cooldown == 0 && !(first_class && open_windows[1]);
    wire open = drain_issue && first_class;

    // Drain: starts LATENCY clocks after the issue.
    reg [LATENCY-1:0] issued;
    reg               draining;
    reg [LANE_W-1:0]  lane;
    reg [CLASS_W-1:0] drain_class;
    reg [PASS_W-1:0]  drain_pass;
    reg               drain_half;
    wire start = issued[LATENCY-1];
    wire last_lane = lane == LANE_W'(LANES - 1);
    wire last_class = drain_class == CLASS_W'(CLASSES - 1);
    assign d0_valid = draining;
    assign d0_first = drain_class == 0;
    assign d0_lane = lane;
    assign d0_class = drain_class;
    assign d0_pass = drain_pass;
    assign d0_half = drain_half;
    wire drained = draining && last_lane && last_class;

    // Readout: of windows whose potentials are complete, SETTLE clocks after the last lane drained.
    reg [SETTLE-1:0]  settling;
    reg [1:0]         complete;
    reg               reading;
    reg [CW-1:0]      position;
    reg [LEVEL_W-1:0] level;
    reg [PASS_W-1:0]  read_pass;
    reg               read_half;
    wire begin_read = !reading && complete != 0 && out_room;
    assign out_begin = begin_read;
    wire end_level = position == CW'(PERIOD - 1) || (LEVELS == 1 && position == CW'(LANES - 1));
    wire last_level = level == LEVEL_W'(LEVELS - 1);
    wire end_read = reading && out_step && last_level && position == CW'(LANES - 1);
    assign s0_valid = reading && position < CW'(LANES);
    assign s0_lane = LANE_W'(position);
    assign s0_level = level;
    assign s0_pass = read_pass;
    assign s0_half = read_half;

    always @(posedge clk) begin
        if (rst) begin
            issue_class <= 0; cooldown <= 0; open_windows <= 0;
            issued <= 0; draining <= 1'b0; lane <= 0; drain_class <= 0; drain_pass <= 0; drain_half <= 1'b0;
            settling <= 0; complete <= 0; reading <= 1'b0; position <= 0; level <= 0; read_pass <= 0; read_half <= 1'b0;
        end else begin
            if (drain_issue) issue_class <= issue_class == CLASS_W'(CLASSES - 1) ? 0 : issue_class + 1'b1;
            if (drain_issue) cooldown <= CW'(PERIOD - 1);
            else if (cooldown != 0) cooldown <= cooldown - 1'b1;
            open_windows <= open_windows + 2'(open) - 2'(end_read);

            issued <= LATENCY'({issued, drain_issue});
            if (start) begin
                draining <= 1'b1;
                lane <= 0;
            end else if (draining) begin
                lane <= lane + 1'b1;
                if (last_lane) draining <= 1'b0;
            end
            if (draining && last_lane) begin
                drain_class <= last_class ? 0 : drain_class + 1'b1;
                if (last_class) begin
                    drain_half <= !drain_half;
                    drain_pass <= drain_pass == PASS_W'(PASSES - 1) ? 0 : drain_pass + 1'b1;
                end
            end

            settling <= SETTLE'({settling, drained});
            complete <= complete + 2'(settling[SETTLE-1]) - 2'(begin_read);
            if (begin_read) begin
                reading <= 1'b1;
                position <= 0;
                level <= 0;
            end else if (reading && out_step) begin
                position <= end_level ? 0 : position + 1'b1;
                if (end_level) level <= level + 1'b1;
                if (end_read) begin
                    reading <= 1'b0;
                    read_half <= !read_half;
                    read_pass <= read_pass == PASS_W'(PASSES - 1) ? 0 : read_pass + 1'b1;
                end
            end
        end
    end
endmodule

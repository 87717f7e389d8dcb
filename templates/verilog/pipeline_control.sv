`timescale 1ns / 1ps
// Keeps the neurons of one engine in step, where they are a pipeline (class_sum, ladder_level): one pass over the lanes a window.
//
// drain_issue tells that the lanes will drain DELAY clocks later; drain_ready allows the next one. After the last of a window's
// CLASSES drains, take copies the sums as soon as the pass before is through and there is room; the pass follows.
module pipeline_control #(
    parameter LANES = 4, parameter LANE_W = 2, parameter CLASSES = 2, parameter CLASS_W = 1,
    parameter PASSES = 1, parameter PASS_W = 1, parameter DELAY = 2
) (
    input  wire              clk,
    input  wire              rst,
    // from and to the front
    input  wire              drain_issue,
    output wire              drain_ready,
    // the pass
    input  wire              room,
    output wire              take,
    output reg               neuron_valid,
    output reg  [LANE_W-1:0] neuron_lane,
    output reg  [PASS_W-1:0] neuron_pass
);
    reg [CLASS_W-1:0] issue_class;
    reg [DELAY-1:0]   last_drain;  // on its way to the lanes
    reg               complete;    // all classes of a window stand
    reg [PASS_W-1:0]  pass;
    wire last_class = issue_class == CLASS_W'(CLASSES - 1);
    wire last_lane = neuron_lane == LANE_W'(LANES - 1);
    assign drain_ready = last_drain == 0 && !complete;
    assign take = complete && room && (!neuron_valid || last_lane);
    always @(posedge clk) begin
        if (rst) begin
            issue_class <= 0; last_drain <= 0; complete <= 1'b0; pass <= 0; neuron_valid <= 1'b0; neuron_lane <= 0; neuron_pass <= 0;
        end else begin
            if (drain_issue) issue_class <= last_class ? 0 : issue_class + 1'b1;
            last_drain <= DELAY'({last_drain, drain_issue && last_class});
            if (last_drain[DELAY-1]) complete <= 1'b1;
            else if (take) complete <= 1'b0;
            if (take) begin
                neuron_valid <= 1'b1;
                neuron_lane <= 0;
                neuron_pass <= pass;
                pass <= pass == PASS_W'(PASSES - 1) ? 0 : pass + 1'b1;
            end else begin
                neuron_lane <= neuron_lane + 1'b1;
                if (last_lane) neuron_valid <= 1'b0;
            end
        end
    end
endmodule

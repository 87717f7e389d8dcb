`timescale 1ns / 1ps
// What the neurons of one group of lanes have integrated, without their bias: sum over the classes of Q[class] * sum of the lane.
//
// A class drains in PARTS: once, or twice, where its earlier phases follow its later ones and count 2^FOLD times as much.
// With each drain of the lanes the sums before move on, so that after a window's last drain all of its classes stand here. take
// copies them; then the lanes' neurons follow one another, a clock each, while the next window is added. Q of the last class
// lies in the lowest bits. MULTIPLY = 0: one class, Q = 1. CLASSES + 3 clocks from in_valid to out_valid, or 2.
module class_sum #(
    parameter LANES = 4, parameter LANE_W = 2, parameter A = 16, parameter V = 24, parameter PASS_W = 1,
    parameter CLASSES = 2, parameter PARTS = 1, parameter FOLD = 0, parameter MULTIPLY = 1, parameter QB = 12, parameter [CLASSES*QB-1:0] Q = 0
) (
    input  wire                clk,
    input  wire                rst,
    // sums of the lanes
    input  wire                drain,
    input  wire [LANES*A-1:0]  sums,
    input  wire                take,
    // the neuron
    input  wire                in_valid,
    input  wire [LANE_W-1:0]   in_lane,
    input  wire [PASS_W-1:0]   in_pass,
    // what it integrated
    output wire                out_valid,
    output wire [LANE_W-1:0]   out_lane,
    output wire [PASS_W-1:0]   out_pass,
    output wire signed [V-1:0] out_sum
);
    localparam J = A + FOLD;
    wire unused = &{1'b0, drain};  // with one class there is nothing to keep
    genvar c;
    generate
        for (c = 0; c < CLASSES * PARTS; c = c + 1) begin : of_drain  // 0: the last one
            wire [LANES*A-1:0]  now;
            wire [A-1:0]        chosen;
            reg  [LANES*A-1:0]  taken;
            reg  signed [A-1:0] picked;
            if (c == 0) begin : last_drain
                assign now = sums;
            end else begin : earlier_drain
                reg [LANES*A-1:0] kept;
                assign now = kept;
                always @(posedge clk) if (drain) kept <= of_drain[c-1].now;
            end
            lane_mux #(.LANES(LANES), .LANE_W(LANE_W), .WIDTH(A)) mux (.words(taken), .lane(in_lane), .word(chosen));
            always @(posedge clk) begin
                if (take) taken <= now;
                picked <= chosen;
            end
        end
        // One product and one addition a clock: the shape of a chain of DSP slices.
        for (c = 0; c < CLASSES; c = c + 1) begin : add
            reg signed [V-1:0] total;
            if (MULTIPLY == 0) begin : plain
                always @(posedge clk) total <= V'(of_drain[0].picked);
            end else begin : multiply
                // A multiplier may be far: a register to go there, and one behind it.
                reg signed [J-1:0] near;
                if (PARTS == 1) begin : one
                    always @(posedge clk) near <= of_drain[c].picked;
                end else begin : two
                    always @(posedge clk) near <= (J'(of_drain[2*c].picked) <<< FOLD) + J'(of_drain[2*c+1].picked);
                end
                wire signed [QB:0] q = {1'b0, Q[c*QB +: QB]};
                if (c == 0) begin : first
                    reg signed [V-1:0] product;
                    always @(posedge clk) begin
                        product <= V'(near * q);
                        total <= product;
                    end
                end else begin : next
                    reg signed [V-1:0] product;
                    reg [c*J-1:0]      delayed;  // as many clocks late as classes come before
                    wire signed [J-1:0] due = delayed[c*J-1 -: J];
                    always @(posedge clk) begin
                        delayed <= (c*J)'({delayed, near});
                        product <= V'(due * q);
                        total <= add[c-1].total + product;
                    end
                end
            end
        end
    endgenerate
    localparam LATENCY = MULTIPLY == 0 ? 2 : CLASSES + 3;
    localparam TAG = PASS_W + LANE_W;
    reg [LATENCY-1:0]     valid;
    reg [LATENCY*TAG-1:0] tags;
    always @(posedge clk) begin
        valid <= rst ? 0 : LATENCY'({valid, in_valid});
        tags <= (LATENCY*TAG)'({tags, in_pass, in_lane});
    end
    assign out_valid = valid[LATENCY-1];
    assign {out_pass, out_lane} = tags[LATENCY*TAG-1 -: TAG];
    assign out_sum = add[CLASSES-1].total;
endmodule

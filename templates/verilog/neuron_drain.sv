`timescale 1ns / 1ps
// The potentials of one group of lanes: V = B + sum over the classes of Q[class] * sum of the lane.
//
// Stages: 0 pick the lane's sum, 1 multiply, 2 add to bias (first class) or to what stands, 3 store and show as v3.
// Two halves of potentials: one fills while the other is read (read port without a clock). MULTIPLY = 0: one class, Q = 1.
module neuron_drain #(
    parameter LANES = 4, parameter LANE_W = 2, parameter A = 16, parameter V = 24,
    parameter CLASSES = 2, parameter CLASS_W = 1, parameter PASS_W = 1,
    parameter MULTIPLY = 1, parameter QB = 12, parameter [CLASSES*QB-1:0] Q = 0, parameter BIAS = ""
) (
    input  wire                clk,
    // timing, from the control
    input  wire                d0_valid,
    input  wire                d0_first,
    input  wire [LANE_W-1:0]   d0_lane,
    input  wire [CLASS_W-1:0]  d0_class,
    input  wire [PASS_W-1:0]   d0_pass,
    input  wire                d0_half,
    // sums of the lanes
    input  wire [LANES*A-1:0]  sums,
    // potential as it is stored
    output reg                 v3_valid,
    output reg  [LANE_W:0]     v3_address,  // {half, lane}
    output reg  signed [V-1:0] v3,
    // read port
    input  wire [LANE_W:0]     read_address,
    output wire signed [V-1:0] potential
);
    // Sums at a pitch of a power of two: a plain multiplexer for every synthesizer.
    localparam PITCH = 1 << $clog2(A);
    wire [LANES*PITCH-1:0] padded;
    genvar l;
    generate
        for (l = 0; l < LANES; l = l + 1) begin : lane
            assign padded[l*PITCH +: PITCH] = PITCH'($unsigned(sums[l*A +: A]));
        end
    endgenerate
    reg signed [A-1:0] sum;
    reg signed [V-1:0] product, previous;
    reg                valid1, valid2, first1;
    reg [LANE_W:0]     address1, address2;
    wire signed [V-1:0] bias;
    lut_rom #(.WIDTH(V), .DEPTH(1 << (PASS_W + LANE_W)), .AW(PASS_W + LANE_W), .FILE(BIAS)) bias_rom (
        .clk(clk), .address({d0_pass, d0_lane}), .word(bias));

    wire signed [V-1:0] scaled;
    generate
        if (MULTIPLY != 0) begin : multiply
            reg signed [QB:0] q;
            always @(posedge clk) q <= {1'b0, Q[d0_class*QB +: QB]};
            assign scaled = V'(sum) * V'(q);
        end else begin : plain
            wire unused = &{1'b0, d0_class};
            assign scaled = V'(sum);
        end
    endgenerate

    (* ram_style = "distributed" *) reg signed [V-1:0] potentials [0:(2<<LANE_W)-1];
    assign potential = potentials[read_address];
    always @(posedge clk) begin
        sum <= padded[d0_lane*PITCH +: A];
        valid1 <= d0_valid; first1 <= d0_first; address1 <= {d0_half, d0_lane};
        product <= scaled;
        previous <= first1 ? bias : potentials[address1];
        valid2 <= valid1; address2 <= address1;
        v3 <= previous + product;
        v3_valid <= valid2; v3_address <= address2;
        if (v3_valid) potentials[v3_address] <= v3;
    end
endmodule

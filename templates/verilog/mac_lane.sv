`timescale 1ns / 1ps
// One weight times one input value a clock into one accumulator: a lane of the first layer, made for a DSP slice.
//
// Weight and value are registered twice, each lane its own, and so is the product: valid and drain, which come a clock behind the
// weight and the value, work three clocks later than in a synapse lane.
module mac_lane #(
    parameter WB = 8, parameter DB = 9, parameter A = 24
) (
    input  wire                 clk,
    input  wire                 rst,
    input  wire                 valid,
    input  wire                 drain,
    input  wire signed [WB-1:0] weight,
    input  wire signed [DB-1:0] value,
    output reg  signed [A-1:0]  sum
);
    localparam P = WB + DB < A ? WB + DB : A;  // the sum holds each product of its weights
    // Two registers in front of the multiplier and two behind it: those of a DSP slice, or a way for wires to a far one.
    reg  [2:0]                 valids, drains;
    reg  signed [WB-1:0]       near_weight, own_weight;
    (* keep *) reg signed [DB-1:0] near_value, own_value;
    reg  signed [P-1:0]        product, settled;
    reg  signed [A-1:0]        acc;
    wire signed [A-1:0]        next = acc + A'(settled);
    wire add = valids[2], leave = drains[2];
    always @(posedge clk) begin
        near_weight <= weight;
        near_value <= value;
        own_weight <= near_weight;
        own_value <= near_value;
        product <= own_weight * own_value;
        settled <= product;
        valids <= rst ? 0 : {valids[1:0], valid};
        drains <= rst ? 0 : {drains[1:0], drain};
        if (rst || leave) acc <= 0;
        else if (add) acc <= next;
        if (leave) sum <= next;
    end
endmodule

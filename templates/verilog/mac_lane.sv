`timescale 1ns / 1ps
// One weight times one input value a clock into one accumulator: a lane of the first layer, made for a DSP slice.
//
// Weight and value are registered, each lane its own, and the product: valid and drain, which come a clock behind the weight and the
// value, work one clock later than in a synapse lane.
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
    reg                        product_valid, product_drain;
    reg  signed [WB-1:0]       own_weight;
    (* keep *) reg signed [DB-1:0] own_value;
    reg  signed [P-1:0]        product;
    reg  signed [A-1:0]        acc;
    wire signed [A-1:0]        next = acc + A'(product);
    always @(posedge clk) begin
        own_weight <= weight;
        own_value <= value;
        product <= own_weight * own_value;
        if (rst) begin
            product_valid <= 1'b0;
            product_drain <= 1'b0;
        end else begin
            product_valid <= valid;
            product_drain <= drain;
        end
        if (rst || product_drain) acc <= 0;
        else if (product_valid) acc <= next;
        if (product_drain) sum <= next;
    end
endmodule

`timescale 1ns / 1ps
// One weight times one input value a clock into one accumulator: a lane of the first layer, made for a DSP slice, or for LUTs.
//
// Weight and value are registered twice, each lane its own, and so is the product: valid and drain, which come a clock behind the
// weight and the value, work three clocks later than in a synapse lane.
module mac_lane #(
    parameter WB = 8, parameter DB = 9, parameter A = 24,
    parameter DSP = 2  // 2: for a slice that multiplies and adds; 1: for a multiplier; 0: LUTs multiply, by weights of up to 8 bits
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
    // Two registers in front of the multiplier, and those behind it: of a DSP slice, or a way for wires to a far one.
    reg [2:0]                  valids, drains;
    reg signed [WB-1:0]        near_weight, own_weight;
    (* keep *) reg signed [DB-1:0] near_value, own_value;
    always @(posedge clk) begin
        near_weight <= weight;
        near_value <= value;
        own_weight <= near_weight;
        own_value <= near_value;
        valids <= rst ? 0 : {valids[1:0], valid};
        drains <= rst ? 0 : {drains[1:0], drain};
    end
    reg signed [A-1:0] acc;
    generate
        if (DSP == 2) begin : slice
            // It starts again from 0 with the first product behind a drain, when the sum has left.
            reg signed [P-1:0]  product;
            reg                 fresh;
            wire signed [A-1:0] start = fresh ? {A{1'b0}} : acc;
            wire unused = &{1'b0, valids[2]};
            always @(posedge clk) begin
                product <= own_weight * own_value;
                if (rst || drains[1]) fresh <= 1'b1;
                else if (valids[1]) fresh <= 1'b0;
                if (valids[1]) acc <= start + A'(product);
                if (drains[2]) sum <= acc;
            end
        end else begin : apart
            reg signed [P-1:0]  settled;
            wire signed [A-1:0] next = acc + A'(settled);
            always @(posedge clk) begin
                if (rst || drains[2]) acc <= 0;
                else if (valids[2]) acc <= next;
                if (drains[2]) sum <= next;
            end
            if (DSP == 1) begin : multiplier
                reg signed [P-1:0] product;
                always @(posedge clk) begin
                    product <= own_weight * own_value;
                    settled <= product;
                end
            end else begin : luts
                // Eight products of a bit each, the highest one counts negative; four and four of them in a clock.
                wire signed [7:0] bits = 8'(own_weight);
                wire [8*P-1:0] products;
                genvar i;
                for (i = 0; i < 8; i = i + 1) begin : of_bit
                    assign products[i*P +: P] = bits[i] ? P'(own_value) <<< i : {P{1'b0}};
                end
                reg [P-1:0] low, high;
                always @(posedge clk) begin
                    low <= (products[0 +: P] + products[P +: P]) + (products[2*P +: P] + products[3*P +: P]);
                    high <= (products[4*P +: P] + products[5*P +: P]) + (products[6*P +: P] - products[7*P +: P]);
                    settled <= low + high;
                end
            end
        end
    endgenerate
endmodule

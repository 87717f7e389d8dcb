`timescale 1ns / 1ps
// Two weights a clock into one accumulator, without a multiplier: one LUT a bit on Xilinx 7-series and later.
//
// acc <= shift ? 2 * acc + a : acc + a + b. With drain the result leaves as sum, and acc starts again from 0.
// Three numbers in one carry chain: a LUT adds the bits of acc, a and other without a carry (O6) and hands their majority (O5),
// weighted double, to the chain's next bit. The same ports and bits as the portable pair_lane.
module pair_lane #(
    parameter WB = 8, parameter A = 16
) (
    input  wire                 clk,
    input  wire                 rst,
    input  wire                 valid,
    input  wire                 shift,
    input  wire                 drain,
    input  wire signed [WB-1:0] a,
    input  wire signed [WB-1:0] b,
    output reg  signed [A-1:0]  sum
);
    localparam BLOCKS = (A + 3) / 4;
    reg signed [A-1:0]    acc;
    wire [4*BLOCKS-1:0]   propagate, generated, result;
    wire [4*BLOCKS:0]     majority, carry;
    assign majority[0] = 1'b0;
    assign carry[0] = 1'b0;
    genvar i;
    generate
        for (i = 0; i < 4 * BLOCKS; i = i + 1) begin : bits
            assign generated[i] = majority[i];
            if (i < A) begin : used
                LUT6_2 #(.INIT(64'h3369cc96aae8aae8)) add (
                    .O6(propagate[i]), .O5(majority[i+1]), .I0(acc[i]), .I1(a[i < WB ? i : WB-1]), .I2(b[i < WB ? i : WB-1]),
                    .I3(shift), .I4(majority[i]), .I5(1'b1));
            end else begin : unused
                assign propagate[i] = 1'b0;
                assign majority[i+1] = 1'b0;
            end
        end
        for (i = 0; i < BLOCKS; i = i + 1) begin : chain
            CARRY4 block (
                .CO(carry[4*i+1 +: 4]), .O(result[4*i +: 4]), .CI(carry[4*i]), .CYINIT(1'b0), .DI(generated[4*i +: 4]), .S(propagate[4*i +: 4]));
        end
    endgenerate
    wire signed [A-1:0] next = result[A-1:0];
    always @(posedge clk) begin
        if (rst || drain) acc <= 0;
        else if (valid) acc <= next;
        if (drain) sum <= next;
    end
endmodule

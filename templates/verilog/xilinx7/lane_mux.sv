`timescale 1ns / 1ps
// One of LANES words, by its number: a LUT for each four lanes, joined by the slice's own multiplexers. At most 64 lanes.
//
// The same ports as the portable lane_mux.
module lane_mux #(
    parameter LANES = 4, parameter LANE_W = 2, parameter WIDTH = 16
) (
    input  wire [LANES*WIDTH-1:0] words,
    input  wire [LANE_W-1:0]      lane,
    output wire [WIDTH-1:0]       word
);
    localparam BLOCKS = (LANES + 15) / 16;
    localparam FOURS = LANES > 8 ? 4 : LANES > 4 ? 2 : 1;
    wire [5:0] number = 6'(lane);
    wire unused = &{1'b0, number};
    genvar i, k, f, l;
    generate
        for (i = 0; i < WIDTH; i = i + 1) begin : bits
            wire [63:0] of_lane;
            wire [3:0]  of_block;
            for (l = 0; l < 64; l = l + 1) begin : place
                assign of_lane[l] = l < LANES ? words[(l < LANES ? l : 0)*WIDTH + i] : 1'b0;
            end
            for (k = 0; k < 4; k = k + 1) begin : block
                wire [3:0] of_four;
                if (k >= BLOCKS) begin : unused
                    assign of_four = 4'b0;
                    assign of_block[k] = 1'b0;
                end else begin : used
                    for (f = 0; f < 4; f = f + 1) begin : four
                        if (f < FOURS) begin : used
                            LUT6 #(.INIT(64'hff00f0f0ccccaaaa)) pick (
                                .O(of_four[f]), .I0(of_lane[16*k+4*f]), .I1(of_lane[16*k+4*f+1]), .I2(of_lane[16*k+4*f+2]),
                                .I3(of_lane[16*k+4*f+3]), .I4(number[0]), .I5(number[1]));
                        end else begin : unused
                            assign of_four[f] = 1'b0;
                        end
                    end
                    if (FOURS == 1) begin : join
                        assign of_block[k] = of_four[0];
                    end else if (FOURS == 2) begin : join
                        MUXF7 join_7 (.O(of_block[k]), .I0(of_four[0]), .I1(of_four[1]), .S(number[2]));
                    end else begin : join
                        wire low, high;
                        MUXF7 join_low (.O(low), .I0(of_four[0]), .I1(of_four[1]), .S(number[2]));
                        MUXF7 join_high (.O(high), .I0(of_four[2]), .I1(of_four[3]), .S(number[2]));
                        MUXF8 join_8 (.O(of_block[k]), .I0(low), .I1(high), .S(number[3]));
                    end
                end
            end
            if (BLOCKS == 1) begin : pick
                assign word[i] = of_block[0];
            end else begin : pick
                assign word[i] = of_block[number[5:4]];
            end
        end
    endgenerate
endmodule

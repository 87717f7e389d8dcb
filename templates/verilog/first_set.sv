`timescale 1ns / 1ps
// The place of the lowest of N bits that is set, and the bits without it; without a carry chain. No bit set: place 0.
module first_set #(
    parameter N = 4, parameter W = 2  // bits of a place
) (
    input  wire [N-1:0] bits,
    output wire [W-1:0] place,
    output wire [N-1:0] rest
);
    localparam DEPTH = N > 1 ? $clog2(N) : 1, LEAVES = 1 << DEPTH;
    // Node i has the nodes 2 i and 2 i + 1 below it; the bits are the leaves.
    genvar i;
    generate
        for (i = 2 * LEAVES - 1; i >= 1; i = i - 1) begin : node
            localparam HEIGHT = DEPTH + 1 - $clog2(i + 1);  // 0 for a leaf
            wire some;
            wire [DEPTH-1:0] first;  // place of the lowest bit below
            if (i >= LEAVES + N) begin : beyond
                assign some = 1'b0;
                assign first = 0;
            end else if (i >= LEAVES) begin : leaf
                assign some = bits[i-LEAVES];
                assign first = 0;
            end else begin : choice
                assign some = node[2*i].some | node[2*i+1].some;
                assign first = node[2*i].some || !node[2*i+1].some ? node[2*i].first
                                                                   : node[2*i+1].first | DEPTH'(1 << (HEIGHT - 1));
            end
        end
        for (i = 0; i < N; i = i + 1) begin : left
            if (i == 0) begin : lowest
                assign rest[i] = 1'b0;
            end else begin : above
                assign rest[i] = bits[i] && bits[i-1:0] != 0;
            end
        end
    endgenerate
    wire unused = node[1].some;
    assign place = W'(node[1].first);
endmodule

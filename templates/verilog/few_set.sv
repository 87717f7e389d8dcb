`timescale 1ns / 1ps
// Whether none, at most one, or at most two of N bits are set; without a carry chain, as a tree.
module few_set #(
    parameter N = 4
) (
    input  wire [N-1:0] bits,
    output wire         none,
    output wire         one,  // at most
    output wire         two   // at most
);
    localparam LEAVES = N > 1 ? 1 << $clog2(N) : 1;
    // Node i has the nodes 2 i and 2 i + 1 below it; the bits are the leaves.
    genvar i;
    generate
        for (i = 2 * LEAVES - 1; i >= 1; i = i - 1) begin : node
            wire some, several, many;  // of the bits below: at least 1, 2, 3 are set
            if (i >= LEAVES + N) begin : beyond
                assign {some, several, many} = 3'b000;
            end else if (i >= LEAVES) begin : leaf
                assign {some, several, many} = {bits[i-LEAVES], 2'b00};
            end else begin : sum
                assign some = node[2*i].some | node[2*i+1].some;
                assign several = node[2*i].several | node[2*i+1].several | (node[2*i].some & node[2*i+1].some);
                assign many = node[2*i].many | node[2*i+1].many | (node[2*i].several & node[2*i+1].some) |
                              (node[2*i].some & node[2*i+1].several);
            end
        end
    endgenerate
    assign none = !node[1].some;
    assign one = !node[1].several;
    assign two = !node[1].many;
endmodule

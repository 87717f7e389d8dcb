`timescale 1ns / 1ps
// What the nodes of a graph send: (scale of the node * Z + half) >> SHIFT, where Z is the sum over the classes of Q[class] * sums.
//
// In:  node after node, for each pass and class WORDS words of the sums of N channels. in_ready falls behind the last word of a graph
//      and rises with next_graph.
// Out: word out_word of node out_node, five clocks later, once its last class is in; out_end with the last one of a graph.
// Q of the first class lies in the lowest bits.
module node_sums #(
    parameter N = 4, parameter A = 16, parameter Z = 24, parameter S = 15, parameter U = 20, parameter SHIFT = 0,
    parameter NODES = 2, parameter NODE_W = 1, parameter WORDS = 1, parameter PASSES = 1, parameter WORD_W = 1,
    parameter CLASSES = 1, parameter CLASS_W = 1, parameter QB = 12, parameter [CLASSES*QB-1:0] Q = 0, parameter SCALES = ""
) (
    input  wire               clk,
    input  wire               rst,
    // sums in
    input  wire               in_valid,
    output wire               in_ready,
    input  wire [N*A-1:0]     in_sums,
    input  wire               next_graph,
    // what is sent
    output wire               out_valid,
    output wire               out_end,
    output wire [NODE_W-1:0]  out_node,
    output wire [WORD_W-1:0]  out_word,
    output wire [N*U-1:0]     out_sent
);
    localparam TAG = NODE_W + WORD_W;
    localparam P = (Z + S > SHIFT ? Z + S : SHIFT) + 2;
    localparam [P-1:0] HALF = {{(P-1){1'b0}}, 1'b1} << SHIFT >> 1;

    reg               filling;
    reg [NODE_W-1:0]  node, node1, node2;
    reg [WORD_W-1:0]  first_word, word, word1, word2;  // first_word: of the pass
    reg [CLASS_W-1:0] class_now, class1, class2;
    wire last_word = word == first_word + WORD_W'(WORDS - 1);
    wire last_class = class_now == CLASS_W'(CLASSES - 1);
    wire last_pass = first_word == WORD_W'((PASSES - 1) * WORDS);
    wire last_node = node == NODE_W'(NODES - 1);
    wire go = in_valid && filling;
    wire end_node = last_word && last_class && last_pass;
    assign in_ready = filling;

    reg [1:0]       moving;
    reg [4:0]       valid, ends;
    reg [3*TAG-1:0] tags;  // of the last three clocks
    wire [S-1:0]    scale;
    node_rom #(.WIDTH(S), .NODES(NODES), .NODE_W(NODE_W), .FILE(SCALES)) scales (.clk(clk), .node(node2), .number(scale));

    (* ram_style = "distributed" *) reg [N*Z-1:0] kept [0:(1<<WORD_W)-1];
    wire [N*Z-1:0] so_far = kept[word2];
    wire [N*Z-1:0] totals;
    genvar c;
    generate
        for (c = 0; c < N; c = c + 1) begin : channel
            wire signed [S:0]   times = {1'b0, scale};
            wire signed [Z-1:0] stood = class2 == 0 ? {Z{1'b0}} : so_far[c*Z +: Z];
            reg  signed [P-1:0] scaled;
            wire signed [P-1:0] rounded = scaled + $signed(HALF);
            wire signed [P-1:0] shifted = rounded >>> SHIFT;
            wire unused = &{1'b0, shifted};
            reg  signed [A-1:0] sum;
            reg  signed [Z-1:0] product, total;
            reg  [U-1:0]        sent;
            assign totals[c*Z +: Z] = stood + product;
            if (CLASSES == 1 && Q == 1) begin : as_it_is
                always @(posedge clk) product <= Z'(sum);
            end else begin : times_constant
                wire signed [QB:0] q = {1'b0, Q[class1*QB +: QB]};
                always @(posedge clk) product <= Z'(sum) * Z'(q);
            end
            assign out_sent[c*U +: U] = sent;
            always @(posedge clk) begin
                sum <= in_sums[c*A +: A];
                total <= totals[c*Z +: Z];
                scaled <= P'(total) * P'(times);
                sent <= shifted[U-1:0];
            end
        end
    endgenerate
    assign out_valid = valid[4];
    assign out_end = ends[4];
    assign {out_node, out_word} = tags[3*TAG-1 -: TAG];
    always @(posedge clk) begin
        node1 <= node; word1 <= word; class1 <= class_now;
        node2 <= node1; word2 <= word1; class2 <= class1;
        tags <= (3*TAG)'({tags, node2, word2});
        if (moving[1]) kept[word2] <= totals;
        if (rst) begin
            filling <= 1'b1; node <= 0; first_word <= 0; word <= 0; class_now <= 0; moving <= 0; valid <= 0; ends <= 0;
        end else begin
            moving <= {moving[0], go};
            valid <= 5'({valid, go && last_class});
            ends <= 5'({ends, go && end_node && last_node});
            if (next_graph) filling <= 1'b1;
            if (go) begin
                word <= last_word ? (last_class ? first_word + WORD_W'(WORDS) : first_word) : word + 1'b1;
                if (last_word) class_now <= last_class ? 0 : class_now + 1'b1;
                if (last_word && last_class) first_word <= first_word + WORD_W'(WORDS);
                if (end_node) begin
                    word <= 0;
                    first_word <= 0;
                    node <= last_node ? 0 : node + 1'b1;
                    if (last_node) filling <= 1'b0;
                end
            end
        end
    end
endmodule

`timescale 1ns / 1ps
// Cuts the sums of a row into WORDS words of N channels, and multiplies them by the scale of the row's node.
//
// A row is taken when the last word of the one before leaves; a word leaves in each clock with room, at out_valid one clock later.
module row_words #(
    parameter N = 4, parameter WORDS = 1, parameter WORD_W = 1, parameter R = 24, parameter S = 15, parameter V = 40,
    parameter NODES = 2, parameter NODE_W = 1, parameter SCALES = ""
) (
    input  wire                   clk,
    input  wire                   rst,
    // rows in
    input  wire                   in_valid,
    output wire                   in_ready,
    input  wire [WORDS*N*R-1:0]   in_row,
    // words out
    input  wire                   room,
    output wire                   take,
    output reg                    out_valid,
    output reg  [WORD_W-1:0]      out_word,
    output wire [N*V-1:0]         out_sums
);
    reg                 held;
    reg [WORD_W-1:0]    word;
    reg [WORDS*N*R-1:0] row;
    reg [NODE_W-1:0]    node;
    reg [S-1:0]         scale;
    wire [S-1:0]        node_scale;
    wire last_word = word == WORD_W'(WORDS - 1);
    wire go = in_valid && in_ready;
    wire [NODE_W-1:0] next_node = node == NODE_W'(NODES - 1) ? 0 : node + 1'b1;
    assign take = held && room;
    assign in_ready = !held || (take && last_word);
    // The scale stands when its row comes, even in the clock behind the row before.
    node_rom #(.WIDTH(S), .NODES(NODES), .NODE_W(NODE_W), .FILE(SCALES)) scales (
        .clk(clk), .node(rst ? NODE_W'(0) : go ? next_node : node), .number(node_scale));
    genvar c;
    generate
        for (c = 0; c < N; c = c + 1) begin : channel
            wire signed [R-1:0] sum = row[c*R +: R];
            wire signed [S:0]   times = {1'b0, scale};
            reg  signed [V-1:0] scaled;
            assign out_sums[c*V +: V] = scaled;
            always @(posedge clk) scaled <= V'(sum) * V'(times);
        end
    endgenerate
    always @(posedge clk) begin
        out_word <= word;
        if (rst) begin
            held <= 1'b0; word <= 0; node <= 0; out_valid <= 1'b0;
        end else begin
            out_valid <= take;
            if (take) word <= last_word ? 0 : word + 1'b1;
            if (go) node <= next_node;
            if (go) held <= 1'b1;
            else if (take && last_word) held <= 1'b0;
        end
        if (go) begin
            row <= in_row;
            scale <= node_scale;
        end else if (take) row <= row >> N*R;
    end
endmodule

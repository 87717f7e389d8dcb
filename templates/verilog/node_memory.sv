`timescale 1ns / 1ps
// What each node of a graph sends: written in WORDS words of WIDTH bits a node, read whole, one clock later; held while get is low.
module node_memory #(
    parameter WIDTH = 32, parameter WORDS = 2, parameter WORD_W = 1, parameter NODES = 2, parameter NODE_W = 1
) (
    input  wire                   clk,
    input  wire                   put,
    input  wire [NODE_W-1:0]      put_node,
    input  wire [WORD_W-1:0]      put_word,
    input  wire [WIDTH-1:0]       put_sent,
    input  wire                   get,
    input  wire [NODE_W-1:0]      get_node,
    output wire [WORDS*WIDTH-1:0] sent
);
    genvar w;
    generate
        for (w = 0; w < WORDS; w = w + 1) begin : bank
            reg [WIDTH-1:0] kept [0:NODES-1];
            reg [WIDTH-1:0] word;
            assign sent[w*WIDTH +: WIDTH] = word;
            always @(posedge clk) begin
                if (put && put_word == WORD_W'(w)) kept[put_node] <= put_sent;
                if (get) word <= kept[get_node];
            end
        end
    endgenerate
endmodule

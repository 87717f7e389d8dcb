`timescale 1ns / 1ps
// A number for each node of a graph, one clock behind its address: in LUTs where there are few nodes, else in block RAM.
module node_rom #(
    parameter WIDTH = 15, parameter NODES = 2, parameter NODE_W = 1, parameter FILE = ""
) (
    input  wire              clk,
    input  wire [NODE_W-1:0] node,
    output wire [WIDTH-1:0]  number
);
    localparam FEW = 64;
    generate
        if (NODES <= FEW) begin : in_luts
            lut_rom #(.WIDTH(WIDTH), .DEPTH(NODES), .AW(NODE_W), .FILE(FILE)) rom (.clk(clk), .address(node), .word(number));
        end else begin : in_blocks
            block_rom #(.WIDTH(WIDTH), .DEPTH(NODES), .AW(NODE_W), .FILE(FILE)) rom (.clk(clk), .address(node), .word(number));
        end
    endgenerate
endmodule

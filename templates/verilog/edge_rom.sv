`timescale 1ns / 1ps
// A read-only memory in block RAM with a registered output, held while enable is low. FILE holds one hex word a line.
module edge_rom #(
    parameter WIDTH = 8, parameter DEPTH = 2, parameter AW = 1, parameter FILE = ""
) (
    input  wire             clk,
    input  wire             enable,
    input  wire [AW-1:0]    address,
    output reg  [WIDTH-1:0] word
);
    reg [WIDTH-1:0] words [0:DEPTH-1];
    generate
        if (FILE != "") begin : content
            initial $readmemh(FILE, words);
        end
    endgenerate
    always @(posedge clk) if (enable) word <= words[address];
endmodule

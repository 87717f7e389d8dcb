`timescale 1ns / 1ps
// A read-only memory in block RAM with a registered output: the word of the address of one clock before. FILE holds one hex word a line.
module block_rom #(
    parameter WIDTH = 8, parameter DEPTH = 2, parameter AW = 1, parameter FILE = ""
) (
    input  wire             clk,
    input  wire [AW-1:0]    address,
    output reg  [WIDTH-1:0] word
);
    (* rom_style = "block" *) reg [WIDTH-1:0] words [0:DEPTH-1];
    generate
        if (FILE != "") begin : content
            initial $readmemh(FILE, words);
        end
    endgenerate
    always @(posedge clk) word <= words[address];
endmodule

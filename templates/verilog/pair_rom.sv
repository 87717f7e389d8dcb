`timescale 1ns / 1ps
// A read-only memory in block RAM with two ports, outputs registered: the words of the addresses of one clock before.
module pair_rom #(
    parameter WIDTH = 8, parameter DEPTH = 2, parameter AW = 1, parameter FILE = ""
) (
    input  wire             clk,
    input  wire [AW-1:0]    address_a,
    input  wire [AW-1:0]    address_b,
    output reg  [WIDTH-1:0] word_a,
    output reg  [WIDTH-1:0] word_b
);
    (* rom_style = "block" *) reg [WIDTH-1:0] words [0:DEPTH-1];
    generate
        if (FILE != "") begin : content
            initial $readmemh(FILE, words);
        end
    endgenerate
    always @(posedge clk) begin
        word_a <= words[address_a];
        word_b <= words[address_b];
    end
endmodule

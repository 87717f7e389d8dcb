`timescale 1ns / 1ps
// A read-only memory with two ports, outputs registered: the words of the addresses of one clock before.
//
// Block RAM is as wide as it is: the upper REST bits, which would begin another one, lie in LUTs. REST_FILE holds them.
module pair_rom #(
    parameter WIDTH = 8, parameter REST = 0, parameter DEPTH = 2, parameter AW = 1, parameter FILE = "", parameter REST_FILE = ""
) (
    input  wire             clk,
    input  wire [AW-1:0]    address_a,
    input  wire [AW-1:0]    address_b,
    output wire [WIDTH-1:0] word_a,
    output wire [WIDTH-1:0] word_b
);
    localparam BLOCK = WIDTH - REST;
    (* rom_style = "block" *) reg [BLOCK-1:0] words [0:DEPTH-1];
    reg [BLOCK-1:0] block_a, block_b;
    generate
        if (FILE != "") begin : content
            initial $readmemh(FILE, words);
        end
        if (REST != 0) begin : upper
            wire [REST-1:0] rest_a, rest_b;
            lut_rom #(.WIDTH(REST), .DEPTH(DEPTH), .AW(AW), .FILE(REST_FILE)) rest_of_a (.clk(clk), .address(address_a), .word(rest_a));
            lut_rom #(.WIDTH(REST), .DEPTH(DEPTH), .AW(AW), .FILE(REST_FILE)) rest_of_b (.clk(clk), .address(address_b), .word(rest_b));
            assign word_a = {rest_a, block_a};
            assign word_b = {rest_b, block_b};
        end else begin : whole
            assign word_a = block_a;
            assign word_b = block_b;
        end
    endgenerate
    always @(posedge clk) begin
        block_a <= words[address_a];
        block_b <= words[address_b];
    end
endmodule

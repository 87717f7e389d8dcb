`timescale 1ns / 1ps
// A queue of DEPTH words, first in first out, in registers. DEPTH is a power of two.
module mark_queue #(
    parameter WIDTH = 2, parameter DEPTH = 16
) (
    input  wire             clk,
    input  wire             rst,
    // words in
    input  wire             in_valid,
    output wire             in_ready,
    input  wire [WIDTH-1:0] in_word,
    // words out
    output wire             out_valid,
    input  wire             out_ready,
    output wire [WIDTH-1:0] out_word
);
    localparam AW = $clog2(DEPTH);
    reg [WIDTH-1:0] words [0:DEPTH-1];
    reg [AW:0] written, taken;
    assign out_valid = written != taken;
    assign in_ready = written != (taken ^ {1'b1, {AW{1'b0}}});
    assign out_word = words[taken[AW-1:0]];
    always @(posedge clk) begin
        if (in_valid && in_ready) words[written[AW-1:0]] <= in_word;
        if (rst) begin
            written <= 0;
            taken <= 0;
        end else begin
            if (in_valid && in_ready) written <= written + 1'b1;
            if (out_valid && out_ready) taken <= taken + 1'b1;
        end
    end
endmodule

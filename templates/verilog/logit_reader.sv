`timescale 1ns / 1ps
// Sends the potentials of the output layer, one lane after the other, sign-extended to OB bits. The neurons never fire.
module logit_reader #(
    parameter V = 24, parameter OB = 32
) (
    input  wire                clk,
    input  wire                rst,
    // timing, from and to the control
    input  wire                s0_valid,
    output wire                out_step,
    input  wire signed [V-1:0] potential,
    // logits out
    output reg                 out_valid,
    input  wire                out_ready,
    output reg  signed [OB-1:0] out_word
);
    assign out_step = !out_valid || out_ready;
    always @(posedge clk) begin
        if (rst) out_valid <= 1'b0;
        else if (out_step) out_valid <= s0_valid;
        if (out_step) out_word <= OB'(potential);
    end
endmodule

`timescale 1ns / 1ps
// Takes the zero point off each input value: N values a word, CH words a pixel, each value in a field of FIELD bits.
//
// Values are BITS wide, SIGNED or not; the differences have BITS + 1 bits. ZERO holds the zero points of all CH * N channels.
module zero_point #(
    parameter N = 1, parameter CH = 1, parameter FIELD = 8, parameter BITS = 8, parameter SIGNED = 0,
    parameter [CH*N*(BITS+1)-1:0] ZERO = 0
) (
    input  wire                  clk,
    input  wire                  rst,
    // values in
    input  wire                  in_valid,
    output wire                  in_ready,
    input  wire [N*FIELD-1:0]    in_word,
    // differences out
    output reg                   out_valid,
    input  wire                  out_ready,
    output reg  [N*(BITS+1)-1:0] out_word
);
    localparam CW = CH > 1 ? $clog2(CH) : 1;
    reg [CW-1:0] c;
    assign in_ready = !out_valid || out_ready;
    wire go = in_valid && in_ready;
    genvar n;
    generate
        for (n = 0; n < N; n = n + 1) begin : value
            wire [BITS-1:0] bits = in_word[n*FIELD +: BITS];
            wire [BITS:0] extended = {SIGNED != 0 ? bits[BITS-1] : 1'b0, bits};
            wire [BITS:0] zero = ZERO[({{(32-CW){1'b0}}, c} * N + n)*(BITS+1) +: BITS+1];
            always @(posedge clk) if (go) out_word[n*(BITS+1) +: BITS+1] <= extended - zero;
            if (FIELD > BITS) begin : padding
                wire unused = &{1'b0, in_word[n*FIELD+BITS +: FIELD-BITS]};
            end
        end
    endgenerate
    always @(posedge clk) begin
        if (rst) begin
            out_valid <= 1'b0;
            c <= 0;
        end else begin
            if (in_ready) out_valid <= in_valid;
            if (go) c <= c == CW'(CH - 1) ? 0 : c + 1'b1;
        end
    end
endmodule

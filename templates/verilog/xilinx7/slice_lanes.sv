`timescale 1ns / 1ps
// Two lanes of pairs (pair_lane) in one DSP slice of the 7 series: its adder of 48 bits as two of 24, without its multiplier.
//
// In each lane acc <= shift ? 2 * acc + a : acc + a + b; drain, which comes with valid, tells the last addition of a class. The
// result leaves as sums a clock later than from pair_lane, and acc starts again from 0 with the addition behind it.
// A of up to 24. The slice adds Z + X + Y: Z is P or 0, X is {b, b} or P, Y is {a, a}. The same ports and bits as the portable
// slice_lanes.
module slice_lanes #(
    parameter WB = 8, parameter A = 16
) (
    input  wire            clk,
    input  wire            rst,
    input  wire            valid,
    input  wire            shift,
    input  wire            drain,
    input  wire [2*WB-1:0] a,
    input  wire [2*WB-1:0] b,
    output reg  [2*A-1:0]  sums
);
    localparam [1:0] X_IS_P = 2'b10, X_IS_AB = 2'b11, Y_IS_C = 2'b11;
    localparam [2:0] Z_IS_P = 3'b010, Z_IS_0 = 3'b000;
    reg fresh, leave;
    always @(posedge clk) begin
        if (rst || drain) fresh <= 1'b1;
        else if (valid) fresh <= 1'b0;
        leave <= drain && !rst;
    end
    wire [6:0]  operation = {fresh ? Z_IS_0 : Z_IS_P, Y_IS_C, shift && !fresh ? X_IS_P : X_IS_AB};
    wire [47:0] firsts, seconds, both;
    genvar l;
    generate
        for (l = 0; l < 2; l = l + 1) begin : lane
            assign firsts[24*l +: 24] = {{(24-WB){a[l*WB+WB-1]}}, a[l*WB +: WB]};
            assign seconds[24*l +: 24] = {{(24-WB){b[l*WB+WB-1]}}, b[l*WB +: WB]};
            wire signed [A-1:0] acc = both[24*l +: A];
            always @(posedge clk) if (leave) sums[l*A +: A] <= acc;
        end
    endgenerate
    DSP48E1 #(
        .USE_MULT("NONE"), .USE_SIMD("TWO24"), .AREG(0), .ACASCREG(0), .BREG(0), .BCASCREG(0), .CREG(0), .DREG(0), .ADREG(0), .MREG(0),
        .PREG(1), .INMODEREG(0), .OPMODEREG(0), .ALUMODEREG(0), .CARRYINREG(0), .CARRYINSELREG(0)
    ) adder (
        .CLK(clk), .A(seconds[47:18]), .B(seconds[17:0]), .C(firsts), .D(25'd0), .P(both), .CEP(valid), .RSTP(1'b0),
        .OPMODE(operation), .ALUMODE(4'd0), .INMODE(5'd0), .CARRYIN(1'b0), .CARRYINSEL(3'd0),
        .ACIN(30'd0), .BCIN(18'd0), .PCIN(48'd0), .CARRYCASCIN(1'b0), .MULTSIGNIN(1'b0),
        .CEA1(1'b0), .CEA2(1'b0), .CEAD(1'b0), .CEALUMODE(1'b0), .CEB1(1'b0), .CEB2(1'b0), .CEC(1'b0), .CECARRYIN(1'b0), .CECTRL(1'b0),
        .CED(1'b0), .CEINMODE(1'b0), .CEM(1'b0), .RSTA(1'b0), .RSTALLCARRYIN(1'b0), .RSTALUMODE(1'b0), .RSTB(1'b0), .RSTC(1'b0),
        .RSTCTRL(1'b0), .RSTD(1'b0), .RSTINMODE(1'b0), .RSTM(1'b0),
        .ACOUT(), .BCOUT(), .CARRYCASCOUT(), .CARRYOUT(), .MULTSIGNOUT(), .OVERFLOW(), .PATTERNBDETECT(), .PATTERNDETECT(), .PCOUT(),
        .UNDERFLOW());
endmodule

`timescale 1ns / 1ps
// One of LANES words, by its number. Combinational; a number that is no lane gives anything.
//
// The portable form; a board's primitives may stand in for it, with the same ports.
module lane_mux #(
    parameter LANES = 4, parameter LANE_W = 2, parameter WIDTH = 16
) (
    input  wire [LANES*WIDTH-1:0] words,
    input  wire [LANE_W-1:0]      lane,
    output wire [WIDTH-1:0]       word
);
    // At a pitch of a power of two: a plain multiplexer for every synthesizer.
    localparam PITCH = 1 << $clog2(WIDTH);
    wire [(PITCH<<LANE_W)-1:0] padded;
    genvar l;
    generate
        for (l = 0; l < 1 << LANE_W; l = l + 1) begin : place
            assign padded[l*PITCH +: PITCH] = l < LANES ? PITCH'(words[(l < LANES ? l : 0)*WIDTH +: WIDTH]) : {PITCH{1'b0}};
        end
    endgenerate
    assign word = padded[lane*PITCH +: WIDTH];
endmodule

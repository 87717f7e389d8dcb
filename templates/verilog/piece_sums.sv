`timescale 1ns / 1ps
// Adds up what the neurons of one group of lanes have integrated over the pieces of a window, which follow one another.
//
// In:  the sums of a piece, lane by lane, with the piece's number. Out: the sums of the window, two clocks after those of the
//      last piece. A lane's next piece comes two clocks later or more: its sum waits in memory.
module piece_sums #(
    parameter LANES = 4, parameter LANE_W = 2, parameter V = 24, parameter PIECES = 2, parameter PIECE_W = 1
) (
    input  wire                clk,
    input  wire                rst,
    // a piece
    input  wire                in_valid,
    input  wire [LANE_W-1:0]   in_lane,
    input  wire [PIECE_W-1:0]  in_piece,
    input  wire signed [V-1:0] in_sum,
    // the window
    output reg                 out_valid,
    output reg  [LANE_W-1:0]   out_lane,
    output reg  signed [V-1:0] out_sum
);
    (* ram_style = "distributed" *) reg signed [V-1:0] sums [0:LANES-1];
    reg                valid, ends;
    reg [LANE_W-1:0]   lane;
    reg signed [V-1:0] sum, so_far;
    wire signed [V-1:0] total = so_far + sum;
    always @(posedge clk) begin
        valid <= in_valid && !rst;
        ends <= in_piece == PIECE_W'(PIECES - 1);
        lane <= in_lane;
        sum <= in_sum;
        so_far <= in_piece == 0 ? {V{1'b0}} : sums[in_lane];
        if (valid) sums[lane] <= total;
        out_valid <= valid && ends && !rst;
        out_lane <= lane;
        out_sum <= total;
    end
endmodule

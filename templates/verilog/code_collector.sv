`timescale 1ns / 1ps
// Gathers the codes of one window, GROUPS at a time, and sends them as words of N codes, lowest channel first.
//
// Group g delivers channels g * LANES .. in turn. Two windows may be under way: room is high where one more may begin.
module code_collector #(
    parameter GROUPS = 1, parameter LANES = 4, parameter TW = 4, parameter N = 4
) (
    input  wire                 clk,
    input  wire                 rst,
    // codes in
    output wire                 room,
    input  wire                 begin_window,
    input  wire                 code_valid,
    input  wire [GROUPS*TW-1:0] codes,
    // words out
    output wire                 out_valid,
    input  wire                 out_ready,
    output wire [N*TW-1:0]      out_word
);
    localparam CHANNELS = GROUPS * LANES;
    localparam WORDS = CHANNELS / N;
    localparam CW = $clog2(LANES + 1);
    localparam WW = $clog2(WORDS + 1);
    reg [CHANNELS*TW-1:0] gathered, leaving;
    reg [CW-1:0]          count;
    reg [1:0]             windows;  // begun, and not all out
    reg [WW-1:0]          words_left;
    wire full = count == CW'(LANES);
    wire move = full && (words_left == 0 || (words_left == 1 && out_ready));
    wire gone = out_valid && out_ready && words_left == 1;
    assign room = !windows[1];
    assign out_valid = words_left != 0;
    localparam PW = WORDS > 1 ? $clog2(WORDS) : 1;
    wire [PW-1:0] place = PW'(WW'(WORDS) - words_left);
    assign out_word = leaving[place*N*TW +: N*TW];
    genvar g;
    generate
        for (g = 0; g < GROUPS; g = g + 1) begin : group
            always @(posedge clk) begin
                if (code_valid) gathered[g*LANES*TW +: LANES*TW] <=
                    (LANES*TW)'({codes[g*TW +: TW], gathered[g*LANES*TW +: LANES*TW]} >> TW);
            end
        end
    endgenerate
    always @(posedge clk) begin
        if (rst) begin
            count <= 0; windows <= 0; words_left <= 0;
        end else begin
            windows <= windows + 2'(begin_window) - 2'(gone);
            count <= (move ? CW'(0) : count) + CW'(code_valid);
            if (move) words_left <= WW'(WORDS);
            else if (out_valid && out_ready) words_left <= words_left - 1'b1;
        end
        if (move) leaving <= gathered;
    end
endmodule

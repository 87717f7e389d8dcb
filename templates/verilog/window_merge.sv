`timescale 1ns / 1ps
// Puts the words of ENGINES engines, which take the windows in turn, back in the order of the windows.
//
// Each window gives WORDS words; an image has WINDOWS windows. out_last marks the last word of an image. Combinational but
// for the counters: a word passes in the clock in which its engine offers it.
module window_merge #(
    parameter ENGINES = 2, parameter WIDTH = 16, parameter WORDS = 1, parameter WINDOWS = 4
) (
    input  wire                     clk,
    input  wire                     rst,
    // words in, one port for each engine
    input  wire [ENGINES-1:0]       in_valid,
    output wire [ENGINES-1:0]       in_ready,
    input  wire [ENGINES*WIDTH-1:0] in_word,
    // words out
    output wire                     out_valid,
    input  wire                     out_ready,
    output wire [WIDTH-1:0]         out_word,
    output wire                     out_last
);
    localparam EW = ENGINES > 1 ? $clog2(ENGINES) : 1;
    localparam CW = WORDS > 1 ? $clog2(WORDS) : 1;
    localparam NW = WINDOWS > 1 ? $clog2(WINDOWS) : 1;
    reg [EW-1:0] turn;
    reg [CW-1:0] word;
    reg [NW-1:0] window;
    wire last_word = word == CW'(WORDS - 1);
    wire last_window = window == NW'(WINDOWS - 1);
    wire go = out_valid && out_ready;
    assign out_valid = in_valid[turn];
    assign out_word = in_word[turn*WIDTH +: WIDTH];
    assign out_last = last_word && last_window;
    genvar e;
    generate
        for (e = 0; e < ENGINES; e = e + 1) begin : engine
            assign in_ready[e] = out_ready && turn == EW'(e);
        end
    endgenerate
    always @(posedge clk) begin
        if (rst) begin
            turn <= 0; word <= 0; window <= 0;
        end else if (go) begin
            word <= last_word ? 0 : word + 1'b1;
            if (last_word) begin
                turn <= turn == EW'(ENGINES - 1) ? 0 : turn + 1'b1;
                window <= last_window ? 0 : window + 1'b1;
            end
        end
    end
endmodule

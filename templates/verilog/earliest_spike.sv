`timescale 1ns / 1ps
// Max pooling on phase codes: the earliest spike of each window, which is the smallest code, for N channels side by side.
//
// In: the WORDS words of a window, one after the other. Out: one word a window.
module earliest_spike #(
    parameter N = 4, parameter TW = 4, parameter WORDS = 4
) (
    input  wire            clk,
    input  wire            rst,
    // words of windows in
    input  wire            in_valid,
    output wire            in_ready,
    input  wire [N*TW-1:0] in_word,
    // words out
    output reg             out_valid,
    input  wire            out_ready,
    output reg  [N*TW-1:0] out_word
);
    localparam CW = WORDS > 1 ? $clog2(WORDS) : 1;
    reg  [CW-1:0]   count;
    wire            first = count == 0;
    wire            last = count == CW'(WORDS - 1);
    reg  [N*TW-1:0] held;
    wire [N*TW-1:0] earliest;
    assign in_ready = !out_valid || out_ready;
    wire go = in_valid && in_ready;
    genvar n;
    generate
        for (n = 0; n < N; n = n + 1) begin : channel
            wire [TW-1:0] code = in_word[n*TW +: TW];
            wire [TW-1:0] previous = held[n*TW +: TW];
            assign earliest[n*TW +: TW] = first || code < previous ? code : previous;
        end
    endgenerate
    always @(posedge clk) begin
        if (rst) begin
            out_valid <= 1'b0;
            count <= 0;
        end else begin
            if (in_ready) out_valid <= go && last;
            if (go) count <= last ? 0 : count + 1'b1;
        end
        if (go) held <= earliest;
        if (go && last) out_word <= earliest;
    end
endmodule

`timescale 1ns / 1ps
// For each phase: does the word hold a spike of this phase? One flag a phase, of N phase codes. Combinational.
module phase_flags #(
    parameter N = 4, parameter T = 8, parameter TW = 4
) (
    input  wire [N*TW-1:0] word,
    output wire [T-1:0]    flags
);
    genvar p, n;
    generate
        for (p = 0; p < T; p = p + 1) begin : phase
            wire [N-1:0] hit;
            for (n = 0; n < N; n = n + 1) begin : channel
                assign hit[n] = word[n*TW +: TW] == TW'(p);
            end
            assign flags[p] = |hit;
        end
    endgenerate
endmodule

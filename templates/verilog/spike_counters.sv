`timescale 1ns / 1ps
// What an engine did with its clocks since the reset: one counter of 32 bits for each of COUNT events, the first in the lowest bits.
module spike_counters #(
    parameter COUNT = 6
) (
    input  wire                clk,
    input  wire                rst,
    input  wire [COUNT-1:0]    events,
    output reg  [COUNT*32-1:0] counts
);
    genvar i;
    generate
        for (i = 0; i < COUNT; i = i + 1) begin : counter
            always @(posedge clk) counts[i*32 +: 32] <= rst ? 0 : counts[i*32 +: 32] + 32'(events[i]);
        end
    endgenerate
endmodule

`timescale 1ns / 1ps
// One stream for READERS readers: a word is taken when all of them take it.
//
// Each reader has a queue in front of it, long enough that none waits for a word that another one holds up (top.sv).
module word_fork #(
    parameter READERS = 2
) (
    input  wire               in_valid,
    output wire               in_ready,
    output wire [READERS-1:0] out_valid,
    input  wire [READERS-1:0] out_ready
);
    assign in_ready = &out_ready;
    assign out_valid = {READERS{in_valid && in_ready}};
endmodule

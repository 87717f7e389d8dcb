`timescale 1ns / 1ps
// The entries of the column lists: one write port, two read ports with registered outputs (the entries of one clock before).
module list_memory #(
    parameter ENTRY_W = 6, parameter ADDRESS_W = 8
) (
    input  wire                 clk,
    input  wire                 put,
    input  wire [ADDRESS_W-1:0] put_address,
    input  wire [ENTRY_W-1:0]   put_entry,
    input  wire [ADDRESS_W-1:0] address_a,
    input  wire [ADDRESS_W-1:0] address_b,
    output reg  [ENTRY_W-1:0]   entry_a,
    output reg  [ENTRY_W-1:0]   entry_b
);
    reg [ENTRY_W-1:0] entries [0:(1<<ADDRESS_W)-1];
    always @(posedge clk) begin
        if (put) entries[put_address] <= put_entry;
        entry_a <= entries[address_a];
        entry_b <= entries[address_b];
    end
endmodule

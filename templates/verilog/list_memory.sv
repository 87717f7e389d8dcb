`timescale 1ns / 1ps
// The ring of the column lists' entries: one write port, two read ports with registered outputs (the entries of one clock before).
// An entry is read when its list is complete.
module list_memory #(
    parameter ENTRY_W = 6, parameter PLACE_W = 8
) (
    input  wire                 clk,
    input  wire                 put,
    input  wire [PLACE_W-1:0] put_place,
    input  wire [ENTRY_W-1:0]   put_entry,
    input  wire [PLACE_W-1:0] place_a,
    input  wire [PLACE_W-1:0] place_b,
    output reg  [ENTRY_W-1:0]   entry_a,
    output reg  [ENTRY_W-1:0]   entry_b
);
    (* ram_style = "distributed", no_rw_check *) reg [ENTRY_W-1:0] entries [0:(1<<PLACE_W)-1];
    always @(posedge clk) begin
        if (put) entries[put_place] <= put_entry;
        entry_a <= entries[place_a];
        entry_b <= entries[place_b];
    end
endmodule

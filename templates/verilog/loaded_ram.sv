`timescale 1ns / 1ps
// A memory of one port for weights that are loaded at start; its output is registered: the word of the address of one clock before.
//
// load_valid stores a byte at {row, byte of the row}, and takes the clock from the reader. The memory is empty at power-up; in a
// simulation without +empty_memories it holds FILE, one hex word a line.
module loaded_ram #(
    parameter WIDTH = 8, parameter DEPTH = 2, parameter AW = 1, parameter FILE = "",
    parameter BYTE_W = 0  // address bits of a byte in a row
) (
    input  wire                 clk,
    input  wire [AW-1:0]        address,
    output wire [WIDTH-1:0]     word,
    input  wire                 load_valid,
    input  wire [AW+BYTE_W-1:0] load_address,
    input  wire [7:0]           load_byte
);
    localparam BYTES = (WIDTH + 7) / 8;
    (* ram_style = "huge" *) reg [8*BYTES-1:0] words [0:DEPTH-1];
    reg  [8*BYTES-1:0] read_word;
    wire [AW-1:0] row = load_valid ? load_address[AW+BYTE_W-1:BYTE_W] : address;
    wire [BYTES-1:0] enable;
    assign word = read_word[WIDTH-1:0];
    genvar b;
    generate
        for (b = 0; b < BYTES; b = b + 1) begin : of_row
            if (BYTES == 1) begin : alone
                assign enable[b] = load_valid;
            end else begin : chosen
                assign enable[b] = load_valid && load_address[BYTE_W-1:0] == BYTE_W'(b);
            end
        end
        if (8 * BYTES > WIDTH) begin : padding
            wire unused = &{1'b0, read_word[8*BYTES-1:WIDTH]};
        end
    endgenerate
    integer i;
    always @(posedge clk) begin
        for (i = 0; i < BYTES; i = i + 1) if (enable[i]) words[row][8*i +: 8] <= load_byte;
        if (!load_valid) read_word <= words[row];
    end
`ifndef SYNTHESIS
    initial if (!$test$plusargs("empty_memories")) $readmemh(FILE, words);
`endif
endmodule

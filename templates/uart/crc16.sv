`timescale 1ns / 1ps
// The check sum of a frame, a byte at a time: CRC-16 with the polynomial x^16 + x^12 + x^5 + 1, highest bit first, all ones at the
// beginning (Python: binascii.crc_hqx(frame, 0xFFFF)).
module crc16 (
    input  wire        clk,
    input  wire        start,  // of a frame: forget what was
    input  wire        valid,
    input  wire [7:0]  data,
    output reg  [15:0] crc
);
    integer i;
    reg [15:0] next;
    always @* begin
        next = (start ? 16'hFFFF : crc) ^ {valid ? data : 8'h00, 8'h00};
        for (i = 0; i < 8; i = i + 1) next = next[15] ? {next[14:0], 1'b0} ^ 16'h1021 : {next[14:0], 1'b0};
        if (!valid) next = start ? 16'hFFFF : crc;
    end
    always @(posedge clk) crc <= next;
endmodule

`timescale 1ns / 1ps
// Keeps the last rows of an image and reads them out window by window, padding included.
//
// In:  the words of an image, row by row, pixel by pixel, CH words a pixel (one word = N channels).
// Out: for each of OH x OW windows, in the same order: for each of the CH words, KW columns of KH rows each.
//      A place outside the image gives the word SILENT.
// It does not look at what a word holds. Rows are freed as soon as no window needs them; images follow without a gap.
module line_buffer #(
    parameter WORD = 8,
    parameter [WORD-1:0] SILENT = 0,
    parameter IH = 4, parameter IW = 4, parameter CH = 1,
    parameter KH = 3, parameter KW = 3, parameter SH = 1, parameter SW = 1, parameter PH = 1, parameter PW = 1,
    parameter OH = 4, parameter OW = 4,
    parameter LINES = KH + 1
) (
    input  wire            clk,
    input  wire            rst,
    // words in
    input  wire            in_valid,
    output wire            in_ready,
    input  wire [WORD-1:0] in_word,
    // words out
    output reg             out_valid,
    input  wire            out_ready,
    output reg  [WORD-1:0] out_word
);
    localparam LINE = IW * CH, PLACES = LINES * LINE;
    localparam AW = $clog2(PLACES) > 0 ? $clog2(PLACES) : 1;
    localparam YW = $clog2(IH + 2 * PH + SH + KH + LINES + 1);  // holds a padded row, and a number of lines
    localparam XW = $clog2(IW + 2 * PW + SW + KW + 1);
    localparam CW = CH > 1 ? $clog2(CH) : 1;

    // Write side: full_lines complete lines, the oldest one image row base_row, and a part of one more. Rows of all images are
    // numbered through, modulo 2^YW, and lie one behind the other in a ring.
    reg [AW-1:0] write_address;
    reg [YW-1:0] write_row;
    reg [XW-1:0] write_x;
    reg [CW-1:0] write_c;
    reg [YW-1:0] full_lines;
    reg [YW-1:0] base_row;
    assign in_ready = full_lines != LINES[YW-1:0];
    wire put = in_valid & in_ready;
    wire put_pixel = put && write_c == CW'(CH - 1);
    wire put_line = put_pixel && write_x == XW'(IW - 1);

    // Read side: window (oy, ox), word c, column kx, row ky; top is the padded row of ky = 0, x the column of kx in the image.
    // first and now: running number, and place in the ring, of the rows of ky = 0 and of ky; offset of the word in its row.
    // All of them are registers, so that little stands between them and the memory.
    localparam STEP = SH % LINES * LINE, LAST_STEP = ((IH - (OH - 1) * SH) % LINES + LINES) % LINES * LINE;
    localparam ABOVE = (LINES - PH % LINES) % LINES * LINE;
    // Where a window begins in the image. Constants, since yosys (0.23, 0.70) drops the sign of -W'(N).
    localparam [YW-1:0] FIRST_ROW = 0 - PH;
    localparam [XW-1:0] FIRST_X = 0 - PW;
    localparam [AW-1:0] FIRST_OFFSET = 0 - PW * CH;
    reg [YW-1:0] oy, ky, top, row, first_row, now_row;
    reg [XW-1:0] ox, kx, x;
    reg [AW-1:0] first_place, now_place, offset;
    reg [CW-1:0] c;
    reg [YW-1:0] to_free;
    wire on_image = row < YW'(IH) && x < XW'(IW);  // both wrap to more in front of the image
    wire [YW-1:0] ahead = write_row - now_row;     // wraps to more than LINES where the row has not begun
    wire there = ahead == 0 ? x < write_x : ahead <= YW'(LINES);
    wire can_read = to_free == 0 && (!on_image || there);
    reg  read_valid;
    wire leaves = !out_valid || out_ready;
    wire go = can_read && (!read_valid || leaves);
    wire end_ky = ky == YW'(KH - 1);
    wire end_kx = end_ky && kx == XW'(KW - 1);
    wire end_window = end_kx && c == CW'(CH - 1);
    wire end_row = end_window && ox == XW'(OW - 1);
    wire end_image = end_row && oy == YW'(OH - 1);
    wire free = to_free != 0 && full_lines != 0;
    wire [AW-1:0] read_address = now_place + offset;

    function [AW-1:0] moved(input [AW-1:0] place, input [AW:0] by);  // in the ring
        moved = AW'({1'b0, place} + by >= (AW+1)'(PLACES) ? {1'b0, place} + by - (AW+1)'(PLACES) : {1'b0, place} + by);
    endfunction

    // Rows that no window needs once row oy of the windows is done: the whole image behind its last one, and not before,
    // though rows of windows below the image need none of it.
    wire [YW-1:0] next_top = top + YW'(SH);
    function [YW-1:0] base_below(input [YW-1:0] padded);  // the first row that windows from this padded row on need
        base_below = padded >= YW'(PH + IH) ? YW'(IH - 1) : padded > YW'(PH) ? padded - YW'(PH) : 0;
    endfunction
    localparam [YW-1:0] FIRST_BASE = OH == 1 ? IH : SH >= PH + IH ? IH - 1 : SH > PH ? SH - PH : 0;
    reg  [YW-1:0] wanted_base;  // once this row of windows is done

    (* no_rw_check *) reg [WORD-1:0] storage [0:PLACES-1];  // no word is read before it is there
    wire [YW-1:0] next_first_row = first_row + (oy == YW'(OH - 1) ? YW'(IH - (OH - 1) * SH) : YW'(SH));
    wire [AW-1:0] next_first_place = moved(first_place, oy == YW'(OH - 1) ? (AW+1)'(LAST_STEP) : (AW+1)'(STEP));
    reg [WORD-1:0] read_word;
    reg            read_inside;
    always @(posedge clk) begin
        if (put) storage[write_address] <= in_word;
        if (go) read_word <= storage[read_address];
        if (leaves) out_word <= read_inside ? read_word : SILENT;  // block RAM is slow: nothing but this behind it
    end

    always @(posedge clk) begin
        if (rst) begin
            write_address <= 0; write_row <= 0; write_x <= 0; write_c <= 0; full_lines <= 0; base_row <= 0;
            oy <= 0; ky <= 0; top <= 0; ox <= 0; kx <= 0; c <= 0; to_free <= 0;
            row <= FIRST_ROW; first_row <= FIRST_ROW; now_row <= FIRST_ROW; first_place <= AW'(ABOVE); now_place <= AW'(ABOVE);
            wanted_base <= FIRST_BASE; x <= FIRST_X; offset <= FIRST_OFFSET;
            read_valid <= 1'b0; out_valid <= 1'b0;
        end else begin
            if (leaves) out_valid <= read_valid;
            if (put) write_c <= put_pixel ? 0 : write_c + 1'b1;
            if (put_pixel) write_x <= put_line ? 0 : write_x + 1'b1;
            if (put) write_address <= write_address == AW'(PLACES - 1) ? 0 : write_address + 1'b1;
            if (put_line) write_row <= write_row + 1'b1;
            full_lines <= full_lines + YW'(put_line) - YW'(free);
            if (free) begin
                base_row <= base_row == YW'(IH - 1) ? 0 : base_row + 1'b1;
                to_free <= to_free - 1'b1;
            end
            if (go) begin
                read_valid <= 1'b1;
                ky <= end_ky ? 0 : ky + 1'b1;
                row <= end_image ? FIRST_ROW : end_row ? next_top - YW'(PH) : end_ky ? top - YW'(PH) : row + 1'b1;
                now_row <= !end_ky ? now_row + 1'b1 : end_row ? next_first_row : first_row;
                now_place <= !end_ky ? moved(now_place, (AW+1)'(LINE)) : end_row ? next_first_place : first_place;
                if (end_ky) begin
                    kx <= end_kx ? 0 : kx + 1'b1;
                    x <= !end_kx ? x + 1'b1 : end_row ? FIRST_X : end_window ? x - XW'(KW - 1) + XW'(SW) : x - XW'(KW - 1);
                    offset <= !end_kx ? offset + AW'(CH) : end_row ? FIRST_OFFSET :
                              end_window ? offset + AW'(1 - (KW - 1) * CH - CH + SW * CH) : offset + AW'(1 - (KW - 1) * CH);
                end
                if (end_kx) c <= end_window ? 0 : c + 1'b1;
                if (end_window) ox <= end_row ? 0 : ox + 1'b1;
                if (end_row) begin
                    oy <= end_image ? 0 : oy + 1'b1;
                    top <= end_image ? 0 : next_top;
                    first_row <= next_first_row;
                    first_place <= next_first_place;
                    to_free <= wanted_base - base_row;
                    wanted_base <= end_image ? FIRST_BASE : oy == YW'(OH - 2) ? YW'(IH) : base_below(top + YW'(2 * SH));
                end
            end else if (leaves) read_valid <= 1'b0;
        end
        if (go) read_inside <= on_image;
    end
endmodule

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
    output wire [WORD-1:0] out_word
);
    localparam LINE = IW * CH;
    localparam AW = $clog2(LINES * LINE) > 0 ? $clog2(LINES * LINE) : 1;
    localparam LW = LINES > 1 ? $clog2(LINES) : 1;
    localparam YW = $clog2(IH + 2 * PH + SH + KH + LINES + 1);  // holds a padded row, and a number of lines
    localparam XW = $clog2(IW + 2 * PW + SW + KW + 1);
    localparam CW = CH > 1 ? $clog2(CH) : 1;

    // Write side: full_lines complete lines, the oldest one image row base_row in slot base_slot, and a part of one more.
    reg [YW-1:0] write_slot;
    reg [XW-1:0] write_x;
    reg [CW-1:0] write_c;
    reg [YW-1:0] full_lines;
    reg [YW-1:0] base_slot;
    reg [YW-1:0] base_row;
    assign in_ready = full_lines != LINES[YW-1:0];
    wire put = in_valid & in_ready;
    wire put_pixel = put && write_c == CW'(CH - 1);
    wire put_line = put_pixel && write_x == XW'(IW - 1);

    // Read side: window (oy, ox), word c, column kx, row ky; top is the padded row of ky = 0, left the padded column of kx = 0.
    reg [YW-1:0] oy, ky, top;
    reg [XW-1:0] ox, kx, left;
    reg [CW-1:0] c;
    reg [YW-1:0] to_free;
    wire [YW-1:0] row = top + ky;
    wire [XW-1:0] column = left + kx;
    wire [XW-1:0] x = column - XW'(PW);
    wire [YW-1:0] y = row - YW'(PH);  // wraps to more than IH above the image
    wire on_image = y < YW'(IH) && x < XW'(IW);
    wire [YW-1:0] depth = y - base_row;
    wire there = depth < full_lines || (depth == full_lines && x < write_x);
    wire can_read = to_free == 0 && (!on_image || there);
    wire go = can_read && (!out_valid || out_ready);
    wire end_ky = ky == YW'(KH - 1);
    wire end_kx = end_ky && kx == XW'(KW - 1);
    wire end_window = end_kx && c == CW'(CH - 1);
    wire end_row = end_window && ox == XW'(OW - 1);
    wire end_image = end_row && oy == YW'(OH - 1);
    wire free = to_free != 0 && full_lines != 0;

    wire [YW-1:0] slot_sum = base_slot + depth;
    wire [LW-1:0] slot = LW'(slot_sum >= YW'(LINES) ? slot_sum - YW'(LINES) : slot_sum);
    wire [AW-1:0] read_address = AW'(slot) * AW'(LINE) + AW'(x) * AW'(CH) + AW'(c);
    wire [AW-1:0] write_address = AW'(write_slot) * AW'(LINE) + AW'(write_x) * AW'(CH) + AW'(write_c);

    // Rows that no window needs once row oy of the windows is done: the whole image behind its last one, and not before,
    // though rows of windows below the image need none of it.
    wire [YW-1:0] next_top = top + YW'(SH);
    wire [YW-1:0] next_base = next_top >= YW'(PH + IH) ? YW'(IH - 1) : next_top > YW'(PH) ? next_top - YW'(PH) : 0;
    wire [YW-1:0] wanted_base = end_image ? YW'(IH) : next_base;

    reg [WORD-1:0] storage [0:LINES*LINE-1];
    reg [WORD-1:0] read_word;
    reg            read_inside;
    assign out_word = read_inside ? read_word : SILENT;
    always @(posedge clk) begin
        if (put) storage[write_address] <= in_word;
        if (go) read_word <= storage[read_address];
    end

    always @(posedge clk) begin
        if (rst) begin
            write_slot <= 0; write_x <= 0; write_c <= 0; full_lines <= 0; base_slot <= 0; base_row <= 0;
            oy <= 0; ky <= 0; top <= 0; ox <= 0; kx <= 0; left <= 0; c <= 0; to_free <= 0;
            out_valid <= 1'b0;
        end else begin
            if (put) write_c <= put_pixel ? 0 : write_c + 1'b1;
            if (put_pixel) write_x <= put_line ? 0 : write_x + 1'b1;
            if (put_line) write_slot <= write_slot == YW'(LINES - 1) ? 0 : write_slot + 1'b1;
            full_lines <= full_lines + YW'(put_line) - YW'(free);
            if (free) begin
                base_slot <= base_slot == YW'(LINES - 1) ? 0 : base_slot + 1'b1;
                base_row <= base_row == YW'(IH - 1) ? 0 : base_row + 1'b1;
                to_free <= to_free - 1'b1;
            end
            if (go) begin
                out_valid <= 1'b1;
                ky <= end_ky ? 0 : ky + 1'b1;
                if (end_ky) kx <= end_kx ? 0 : kx + 1'b1;
                if (end_kx) c <= end_window ? 0 : c + 1'b1;
                if (end_window) begin
                    ox <= end_row ? 0 : ox + 1'b1;
                    left <= end_row ? 0 : left + XW'(SW);
                end
                if (end_row) begin
                    oy <= end_image ? 0 : oy + 1'b1;
                    top <= end_image ? 0 : next_top;
                    to_free <= wanted_base - base_row;
                end
            end else if (out_ready) out_valid <= 1'b0;
        end
        if (go) read_inside <= on_image;
    end
endmodule

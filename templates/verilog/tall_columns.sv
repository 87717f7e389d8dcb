`timescale 1ns / 1ps
// Whole columns of KH rows from an image that comes row by row: each word in gives a column out, with the words above it.
//
// In:  the words of an image, row by row, pixel by pixel, CH words a pixel.
// Out: for each row of windows COLUMNS columns of CH tall words (row 0 in the lowest bits), padding included as the word SILENT.
// It keeps KH - 1 rows, of two words or more. Below the image it goes on without input. Combinational from in_word to out_word.
module tall_columns #(
    parameter WORD = 8,
    parameter [WORD-1:0] SILENT = 0,
    parameter IH = 4, parameter IW = 4, parameter CH = 1,
    parameter KH = 3, parameter SH = 1, parameter PH = 1, parameter PW = 1, parameter OH = 4, parameter COLUMNS = 6
) (
    input  wire               clk,
    input  wire               rst,
    // words in
    input  wire               in_valid,
    output wire               in_ready,
    input  wire [WORD-1:0]    in_word,
    // columns out
    output wire               out_valid,
    input  wire               out_ready,
    output wire [KH*WORD-1:0] out_word
);
    localparam NEEDED = (OH - 1) * SH + KH - PH;                 // rows until the last window is complete
    localparam ROWS = NEEDED > IH ? NEEDED : IH;
    localparam PLACES = PW + IW > COLUMNS ? PW + IW : COLUMNS;   // columns of a row, padding included
    localparam YW = $clog2(ROWS + 2 * KH + 1);
    localparam XW = $clog2(PLACES + IW + PW + 1);
    localparam CW = CH > 1 ? $clog2(CH) : 1;
    localparam AW = IW * CH > 1 ? $clog2(IW * CH) : 1;
    localparam SW = $clog2(KH + SH);
    localparam OW = $clog2(OH + 1);

    // Where the next column stands. skip: rows to go before a row that completes windows.
    reg [YW-1:0] y;
    reg [XW-1:0] x;
    reg [CW-1:0] c;
    reg [SW-1:0] skip;
    reg [OW-1:0] given;
    wire end_pixel = c == CW'(CH - 1);
    wire end_row = end_pixel && x == XW'(PLACES - 1);
    wire end_image = end_row && y == YW'(ROWS - 1);
    wire [XW-1:0] image_x = x - XW'(PW);  // wraps to more than IW in front of the image
    wire in_columns = image_x < XW'(IW);
    wire gives = skip == 0 && given != OW'(OH);
    wire [AW-1:0] place = AW'(image_x) * AW'(CH) + AW'(c);

    // One column behind: with the rows above it.
    reg           valid, takes, shows, on_image;
    reg [YW-1:0]  row;
    reg [AW-1:0]  address;
    reg [(KH-1)*WORD-1:0] above;
    wire advance = !valid || ((!takes || in_valid) && (!shows || out_ready));
    wire [WORD-1:0] newest = takes ? in_word : SILENT;
    wire [KH*WORD-1:0] column = {newest, above};
    assign in_ready = valid && takes && (!shows || out_ready);
    assign out_valid = valid && shows && (!takes || in_valid);
    genvar r;
    generate
        for (r = 0; r < KH; r = r + 1) begin : rows
            wire there = on_image && row + YW'(r) >= YW'(KH - 1) && row + YW'(r) < YW'(IH + KH - 1);
            assign out_word[r*WORD +: WORD] = there ? column[r*WORD +: WORD] : SILENT;
        end
    endgenerate

    (* no_rw_check *) reg [(KH-1)*WORD-1:0] storage [0:IW*CH-1];  // written one column behind where it is read
    always @(posedge clk) begin
        if (advance) above <= storage[place];
        if (valid && advance && on_image) storage[address] <= column[KH*WORD-1:WORD];
        if (rst) begin
            valid <= 1'b0; y <= 0; x <= 0; c <= 0; skip <= SW'(KH - 1 - PH); given <= 0;
        end else if (advance) begin
            valid <= 1'b1;
            c <= end_pixel ? 0 : c + 1'b1;
            if (end_pixel) x <= end_row ? 0 : x + 1'b1;
            if (end_row) begin
                y <= end_image ? 0 : y + 1'b1;
                skip <= end_image ? SW'(KH - 1 - PH) : skip == 0 ? SW'(SH - 1) : skip - 1'b1;
                if (end_image) given <= 0;
                else if (gives) given <= given + 1'b1;
            end
        end
        if (advance) begin
            takes <= in_columns && y < YW'(IH);
            shows <= gives && x < XW'(COLUMNS);
            on_image <= in_columns;
            row <= y;
            address <= place;
        end
    end
endmodule

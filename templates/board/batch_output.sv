`timescale 1ns / 1ps
// Lets logits out as one packet a batch: tlast with the last logit of the image whose mark says so.
//
// An image's last logit waits for the image's mark. The logits of an image that was cut short become the smallest number once
// its mark is there. It drops nothing, however long the reader takes.
module batch_output #(
    parameter BITS = 32
) (
    input  wire            clk,
    input  wire            rst,
    input  wire [31:0]     patience,
    // marks in, one an image
    input  wire            mark_valid,
    output wire            mark_ready,
    input  wire            mark_last,
    input  wire            mark_cut,
    // logits in
    input  wire            in_valid,
    output wire            in_ready,
    input  wire [BITS-1:0] in_word,
    input  wire            in_last,
    // logits out
    output reg             out_valid,
    input  wire            out_ready,
    output reg  [BITS-1:0] out_word,
    output reg             out_last,
    // what went on, a clock each
    output reg             image_left,
    output reg             image_dropped,
    output reg             batch_left,
    output reg             timed_out
);
    wire go = in_valid && in_ready;
    reg [31:0] idle;
    assign in_ready = (!out_valid || out_ready) && (!in_last || mark_valid);
    assign mark_ready = go && in_last;

    wire waiting = out_valid && !out_ready;
    always @(posedge clk) begin
        if (rst) out_valid <= 1'b0;
        else if (!out_valid || out_ready) out_valid <= go;
        if (go) begin
            out_word <= mark_valid && mark_cut ? {1'b1, {BITS-1{1'b0}}} : in_word;
            out_last <= in_last && mark_last;
        end
        image_left <= !rst && mark_ready && !mark_cut;
        image_dropped <= !rst && mark_ready && mark_cut;
        batch_left <= !rst && out_valid && out_ready && out_last;
        timed_out <= !rst && waiting && patience != 32'd0 && idle == patience;
        idle <= !waiting || rst ? 32'd0 : idle + 1'b1;
    end
endmodule

`timescale 1ns / 1ps
// Adds up what the edges into each node bring: the sum of weight * what the node at the other end sends, all channels at once.
//
// The list of edges, row after row: {weight, last of its row, none, node that sends}, an edge a clock; a node without edges has one
// entry that brings nothing (none). W = 0: every edge counts once.
// start walks the list once; done, when the node memory has been read for the last time. A row is taken with row_ready; until then
// the walk stands still.
module edge_sums #(
    parameter CHANNELS = 4, parameter U = 20, parameter R = 24, parameter W = 0, parameter NODE_W = 1,
    parameter ENTRIES = 2, parameter ENTRY_W = 1, parameter EDGES = ""
) (
    input  wire                  clk,
    input  wire                  rst,
    input  wire                  start,
    output wire                  done,
    // what a node sends, one clock behind its number
    output wire                  get,
    output wire [NODE_W-1:0]     get_node,
    input  wire [CHANNELS*U-1:0] sent,
    // sums of a row
    output wire                  row_valid,
    input  wire                  row_ready,
    output wire [CHANNELS*R-1:0] row
);
    localparam ENTRY = W + 2 + NODE_W;
    reg                walking, valid1;
    reg [ENTRY_W-1:0]  place;
    wire               step;
    wire               end_list = place == ENTRY_W'(ENTRIES - 1);
    wire [ENTRY-1:0]   entry;
    edge_rom #(.WIDTH(ENTRY), .DEPTH(ENTRIES), .AW(ENTRY_W), .FILE(EDGES)) list (.clk(clk), .enable(step), .address(place), .word(entry));
    assign get = step;
    assign get_node = entry[NODE_W-1:0];
    reg valid2, last2, none2, end1;
    assign done = step && valid1 && end1;
    always @(posedge clk) begin
        if (rst) begin
            walking <= 1'b0; place <= 0; valid1 <= 1'b0; valid2 <= 1'b0;
        end else begin
            if (start) walking <= 1'b1;
            if (step) begin
                valid1 <= walking;
                valid2 <= valid1;
                if (walking) begin
                    place <= end_list ? 0 : place + 1'b1;
                    if (end_list) walking <= 1'b0;
                end
            end
        end
        if (step) begin
            end1 <= end_list;
            last2 <= entry[NODE_W+1];
            none2 <= entry[NODE_W];
        end
    end

    // What an edge brings; a product takes one clock more.
    wire valid, last;
    wire [CHANNELS*R-1:0] brought;
    genvar c;
    generate
        if (W == 0) begin : plain
            assign valid = valid2;
            assign last = last2;
            for (c = 0; c < CHANNELS; c = c + 1) begin : channel
                wire signed [U-1:0] one = sent[c*U +: U];
                assign brought[c*R +: R] = none2 ? {R{1'b0}} : R'(one);
            end
        end else begin : weighted
            reg valid3, last3;
            reg signed [W-1:0] weight;
            assign valid = valid3;
            assign last = last3;
            always @(posedge clk) begin
                if (rst) valid3 <= 1'b0;
                else if (step) valid3 <= valid2;
                if (step) begin
                    last3 <= last2;
                    weight <= entry[ENTRY-1 -: W];
                end
            end
            for (c = 0; c < CHANNELS; c = c + 1) begin : channel
                wire signed [U-1:0] one = sent[c*U +: U];
                reg  signed [R-1:0] product;
                assign brought[c*R +: R] = product;
                always @(posedge clk) if (step) product <= none2 ? {R{1'b0}} : R'(one) * R'(weight);
            end
        end
        for (c = 0; c < CHANNELS; c = c + 1) begin : total
            reg  signed [R-1:0] so_far;
            wire signed [R-1:0] next = so_far + $signed(brought[c*R +: R]);
            assign row[c*R +: R] = next;
            always @(posedge clk)
                if (rst || (step && valid && last)) so_far <= 0;
                else if (step && valid) so_far <= next;
        end
    endgenerate
    assign row_valid = valid && last;
    assign step = !row_valid || row_ready;
endmodule

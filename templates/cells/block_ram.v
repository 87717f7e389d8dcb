`timescale 1ns / 1ps
// A block RAM of 2,048 units of 8 or 9 bits with two ports, for simulation: what yosys's libraries of ECP5 and Gowin leave out.
//
// A port of WIDTH bits (1, 2, 4: within a unit; UNIT, 2 or 4 of them) addresses bits: its units or bits are at the upper bits of a
// 14-bit address; of ports of several units the lowest address bits enable each unit's write. MODE: what a port that writes shows,
// 0 nothing new, 1 what it writes, 2 what was there. Reading what the other port writes in the same clock gives x.
module onespike_block_ram #(
    parameter UNIT = 9, parameter WIDTH_A = 18, parameter WIDTH_B = 18, parameter MODE_A = 0, parameter MODE_B = 0,
    parameter [2048*UNIT-1:0] INIT = 0
) (
    input  wire              clk_a,
    input  wire              ce_a,
    input  wire              we_a,
    input  wire              rst_a,
    input  wire [13:0]       ad_a,
    input  wire [4*UNIT-1:0] di_a,
    output reg  [4*UNIT-1:0] do_a,
    input  wire              clk_b,
    input  wire              ce_b,
    input  wire              we_b,
    input  wire              rst_b,
    input  wire [13:0]       ad_b,
    input  wire [4*UNIT-1:0] di_b,
    output reg  [4*UNIT-1:0] do_b
);
    reg [UNIT-1:0] mem [0:2047];
    integer i;
    initial begin
        for (i = 0; i < 2048; i = i + 1) mem[i] = INIT[i*UNIT +: UNIT];
        do_a = 0;
        do_b = 0;
    end

    function [10:0] first_unit(input integer width, input [13:0] ad);
        first_unit = width == 4 * UNIT ? {ad[13:5], 2'b00} : width == 2 * UNIT ? {ad[13:4], 1'b0} : ad[13:3];
    endfunction
    function integer units(input integer width);
        units = width == 4 * UNIT ? 4 : width == 2 * UNIT ? 2 : 1;
    endfunction
    function [4*UNIT-1:0] stored(input integer width, input [13:0] ad);
        integer u;
        reg [10:0] at;
        begin
            at = first_unit(width, ad);
            stored = 0;
            for (u = 0; u < units(width); u = u + 1) stored[u*UNIT +: UNIT] = mem[at + u];
            if (width < UNIT) stored = stored >> (width == 4 ? {ad[2], 2'b00} : width == 2 ? {ad[2:1], 1'b0} : ad[2:0]) & ((1 << width) - 1);
        end
    endfunction
    function [4*UNIT-1:0] changed(input integer width, input [13:0] ad, input [4*UNIT-1:0] data);  // the units as written
        integer u;
        reg [10:0] at;
        reg [2:0]  place;
        begin
            at = first_unit(width, ad);
            changed = 0;
            for (u = 0; u < units(width); u = u + 1)
                changed[u*UNIT +: UNIT] = units(width) == 1 || ad[u] ? data[u*UNIT +: UNIT] : mem[at + u];
            if (width < UNIT) begin
                place = width == 4 ? {ad[2], 2'b00} : width == 2 ? {ad[2:1], 1'b0} : ad[2:0];
                changed = mem[at] & ~(((1 << width) - 1) << place) | (data & ((1 << width) - 1)) << place;
            end
        end
    endfunction

    function enabled(input integer width, input [13:0] ad);
        enabled = units(width) == 1 || (units(width) == 2 ? |ad[1:0] : |ad[3:0]);
    endfunction

    wire writes_a = ce_a && we_a && enabled(WIDTH_A, ad_a), writes_b = ce_b && we_b && enabled(WIDTH_B, ad_b);
    localparam WIDER = WIDTH_A > WIDTH_B ? WIDTH_A : WIDTH_B;
    localparam BELOW = WIDER == 4 * UNIT ? 5 : WIDER == 2 * UNIT ? 4 : WIDER == UNIT ? 3 : WIDER == 4 ? 2 : WIDER == 2 ? 1 : 0;
    wire same = ad_a >> BELOW == ad_b >> BELOW;  // both are at the same bits, or one at some of the other's
    always @(posedge clk_a) begin : port_a
        integer u;
        reg [4*UNIT-1:0] new_units, old;
        new_units = changed(WIDTH_A, ad_a, di_a);
        old = writes_b && same ? {4*UNIT{1'bx}} : stored(WIDTH_A, ad_a);
        if (rst_a) do_a <= 0;
        else if (ce_a && (!we_a || MODE_A == 2)) do_a <= old;
        else if (ce_a && MODE_A == 1) do_a <= di_a;
        if (writes_a) for (u = 0; u < units(WIDTH_A); u = u + 1) mem[first_unit(WIDTH_A, ad_a) + u] <= new_units[u*UNIT +: UNIT];
    end
    always @(posedge clk_b) begin : port_b
        integer u;
        reg [4*UNIT-1:0] new_units, old;
        new_units = changed(WIDTH_B, ad_b, di_b);
        old = writes_a && same ? {4*UNIT{1'bx}} : stored(WIDTH_B, ad_b);
        if (rst_b) do_b <= 0;
        else if (ce_b && (!we_b || MODE_B == 2)) do_b <= old;
        else if (ce_b && MODE_B == 1) do_b <= di_b;
        if (writes_b) for (u = 0; u < units(WIDTH_B); u = u + 1) mem[first_unit(WIDTH_B, ad_b) + u] <= new_units[u*UNIT +: UNIT];
    end
endmodule

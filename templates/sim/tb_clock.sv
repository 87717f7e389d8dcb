`timescale 1ns / 1ps
// The clock for tb, on simulators with events (Icarus). Verilator drives tb's clock from main.cpp.
module tb_clock;
    reg clk = 1'b0;
    always #5 clk = ~clk;
    tb bench (.clk(clk));
endmodule

// Drives the clock of tb under Verilator, until the test bench says $finish.
#include "Vtb.h"
#include "verilated.h"

int main(int argc, char **argv) {
    VerilatedContext context;
    context.commandArgs(argc, argv);
    Vtb bench{&context};
    while (!context.gotFinish()) {
        bench.clk = 0;
        bench.eval();
        bench.clk = 1;
        bench.eval();
        context.timeInc(10);
    }
    bench.final();
    return 0;
}

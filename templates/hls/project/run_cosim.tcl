# Synthesis, and the test bench against the Verilog that comes out.
source project.tcl
csynth_design
cosim_design
exit

# C simulation: the test bench against the C++ code.
source project.tcl
csim_design
exit

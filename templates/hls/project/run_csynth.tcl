# Synthesis, with its report of clocks and resources.
source project.tcl
csynth_design
exit

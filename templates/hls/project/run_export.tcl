# Synthesis, and an IP core for Vivado.
source project.tcl
csynth_design
export_design -format ip_catalog
exit

# The block design: the accelerator, an AXI DMA on both of its streams, and the system of systems/*.tcl around them.
#
# make_system builds what the board has and returns a dictionary of pins and interfaces: clock, reset (active low),
# master (reaches the registers), memory (takes the DMA), clocks (more pins that want the clock), resets (more pins that
# want the reset), irq (takes three interrupts; may be missing). finish_system comes when the addresses are there.

# The newest version of an IP in this Vivado.
proc ip {name} {
    set found [lsort -dictionary [get_ipdefs "xilinx.com:ip:$name:*"]]
    if {[llength $found] == 0} {
        error "this Vivado has no IP $name for this part; install the device family"
    }
    return [lindex $found end]
}

proc larger {a b} {
    return [expr {$a > $b ? $a : $b}]
}

proc clocked {clock pins} {
    foreach pin $pins {
        connect_bd_net $clock [get_bd_pins $pin]
    }
}

create_bd_design design
set parts [make_system]
set clock [get_bd_pins [dict get $parts clock]]

create_bd_cell -type ip -vlnv $ip_vlnv onespike
create_bd_cell -type ip -vlnv [ip axi_dma] dma
# 26 bits of length: a batch of up to 64 MiB
set_property -dict [list \
    CONFIG.c_include_sg 0 \
    CONFIG.c_sg_include_stscntrl_strm 0 \
    CONFIG.c_sg_length_width 26 \
    CONFIG.c_m_axi_mm2s_data_width [larger 32 $pixel_bits] \
    CONFIG.c_m_axis_mm2s_tdata_width $pixel_bits \
    CONFIG.c_m_axi_s2mm_data_width [larger 32 $logit_bits] \
    CONFIG.c_mm2s_burst_size 16 \
    CONFIG.c_s2mm_burst_size 16 \
] [get_bd_cells dma]

create_bd_cell -type ip -vlnv [ip smartconnect] control
set_property -dict {CONFIG.NUM_SI 1 CONFIG.NUM_MI 2} [get_bd_cells control]
create_bd_cell -type ip -vlnv [ip smartconnect] memory
set_property -dict {CONFIG.NUM_SI 2 CONFIG.NUM_MI 1} [get_bd_cells memory]
create_bd_cell -type ip -vlnv [ip proc_sys_reset] reset

foreach {from to} [list \
    dma/M_AXIS_MM2S onespike/s_axis \
    onespike/m_axis dma/S_AXIS_S2MM \
    [dict get $parts master] control/S00_AXI \
    control/M00_AXI onespike/s_axi \
    control/M01_AXI dma/S_AXI_LITE \
    dma/M_AXI_MM2S memory/S00_AXI \
    dma/M_AXI_S2MM memory/S01_AXI \
    memory/M00_AXI [dict get $parts memory] \
] {
    connect_bd_intf_net [get_bd_intf_pins $from] [get_bd_intf_pins $to]
}
clocked $clock [concat {
    onespike/aclk dma/s_axi_lite_aclk dma/m_axi_mm2s_aclk dma/m_axi_s2mm_aclk control/aclk memory/aclk
    reset/slowest_sync_clk
} [dict get $parts clocks]]
connect_bd_net [get_bd_pins [dict get $parts reset]] [get_bd_pins reset/ext_reset_in]
foreach pin [concat {onespike/aresetn dma/axi_resetn control/aresetn memory/aresetn} [dict get $parts resets]] {
    connect_bd_net [get_bd_pins reset/peripheral_aresetn] [get_bd_pins $pin]
}

if {[dict exists $parts irq]} {
    create_bd_cell -type ip -vlnv [ip xlconcat] interrupts
    set_property CONFIG.NUM_PORTS 3 [get_bd_cells interrupts]
    connect_bd_net [get_bd_pins onespike/irq] [get_bd_pins interrupts/In0]
    connect_bd_net [get_bd_pins dma/mm2s_introut] [get_bd_pins interrupts/In1]
    connect_bd_net [get_bd_pins dma/s2mm_introut] [get_bd_pins interrupts/In2]
    connect_bd_net [get_bd_pins interrupts/dout] [get_bd_pins [dict get $parts irq]]
}

assign_bd_address
finish_system
validate_bd_design
save_bd_design

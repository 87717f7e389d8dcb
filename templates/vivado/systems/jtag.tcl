# No processors: the cable reaches the registers, and 64 KiB of block RAM that the DMA reaches too.
proc make_system {} {
    global clock_mhz oscillator_mhz
    create_bd_port -dir I -type clk -freq_hz [expr {round($oscillator_mhz * 1e6)}] oscillator
    set cell [create_bd_cell -type ip -vlnv [ip clk_wiz] pll]
    set_property -dict [list \
        CONFIG.PRIM_IN_FREQ $oscillator_mhz \
        CONFIG.CLKOUT1_REQUESTED_OUT_FREQ $clock_mhz \
        CONFIG.USE_RESET false \
    ] $cell
    connect_bd_net [get_bd_ports oscillator] [get_bd_pins pll/clk_in1]
    create_bd_cell -type ip -vlnv [ip jtag_axi] cable

    # the cable's way to the registers, and its way to the memory, which it shares with the DMA
    set cell [create_bd_cell -type ip -vlnv [ip smartconnect] fork]
    set_property -dict {CONFIG.NUM_SI 1 CONFIG.NUM_MI 2} $cell
    connect_bd_intf_net [get_bd_intf_pins cable/M_AXI] [get_bd_intf_pins fork/S00_AXI]
    set cell [create_bd_cell -type ip -vlnv [ip smartconnect] join]
    set_property -dict {CONFIG.NUM_SI 2 CONFIG.NUM_MI 1} $cell
    connect_bd_intf_net [get_bd_intf_pins fork/M01_AXI] [get_bd_intf_pins join/S00_AXI]
    set cell [create_bd_cell -type ip -vlnv [ip axi_bram_ctrl] ram_port]
    set_property -dict {CONFIG.DATA_WIDTH 32 CONFIG.SINGLE_PORT_BRAM 1} $cell
    create_bd_cell -type ip -vlnv [ip blk_mem_gen] ram
    connect_bd_intf_net [get_bd_intf_pins join/M00_AXI] [get_bd_intf_pins ram_port/S_AXI]
    connect_bd_intf_net [get_bd_intf_pins ram_port/BRAM_PORTA] [get_bd_intf_pins ram/BRAM_PORTA]
    return {
        clock pll/clk_out1 reset pll/locked master fork/M00_AXI memory join/S01_AXI
        clocks {cable/aclk fork/aclk join/aclk ram_port/s_axi_aclk}
        resets {cable/aresetn fork/aresetn join/aresetn ram_port/s_axi_aresetn}
    }
}

proc finish_system {} {
    foreach segment [get_bd_addr_segs -quiet -filter {NAME =~ SEG_ram_port*}] {
        set_property range 64K $segment
    }
}

# Zynq-7000: its processors reach the registers through GP0; the DMA reaches their memory through HP0.
proc make_system {} {
    global clock_mhz has_board
    set cell [create_bd_cell -type ip -vlnv [ip processing_system7] ps]
    apply_bd_automation -rule xilinx.com:bd_rule:processing_system7 -config [list \
        make_external "FIXED_IO, DDR" apply_board_preset $has_board Master Disable Slave Disable] $cell
    set_property -dict [list \
        CONFIG.PCW_FPGA0_PERIPHERAL_FREQMHZ $clock_mhz \
        CONFIG.PCW_USE_M_AXI_GP0 1 \
        CONFIG.PCW_USE_S_AXI_HP0 1 \
        CONFIG.PCW_S_AXI_HP0_DATA_WIDTH 64 \
        CONFIG.PCW_USE_FABRIC_INTERRUPT 1 \
        CONFIG.PCW_IRQ_F2P_INTR 1 \
    ] $cell
    return {
        clock ps/FCLK_CLK0 reset ps/FCLK_RESET0_N master ps/M_AXI_GP0 memory ps/S_AXI_HP0
        clocks {ps/M_AXI_GP0_ACLK ps/S_AXI_HP0_ACLK} resets {} irq ps/IRQ_F2P
    }
}

proc finish_system {} {}

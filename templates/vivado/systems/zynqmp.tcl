# Zynq UltraScale+: its processors reach the registers through HPM0; the DMA reaches their memory through HP0.
proc make_system {} {
    global clock_mhz has_board
    set cell [create_bd_cell -type ip -vlnv [ip zynq_ultra_ps_e] ps]
    if {$has_board} {
        apply_bd_automation -rule xilinx.com:bd_rule:zynq_ultra_ps_e -config {apply_board_preset 1} $cell
    }
    set_property -dict [list \
        CONFIG.PSU__FPGA_PL0_ENABLE 1 \
        CONFIG.PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ $clock_mhz \
        CONFIG.PSU__USE__M_AXI_GP0 1 \
        CONFIG.PSU__USE__M_AXI_GP1 0 \
        CONFIG.PSU__USE__M_AXI_GP2 0 \
        CONFIG.PSU__USE__S_AXI_GP2 1 \
        CONFIG.PSU__SAXIGP2__DATA_WIDTH 128 \
        CONFIG.PSU__USE__IRQ0 1 \
    ] $cell
    return {
        clock ps/pl_clk0 reset ps/pl_resetn0 master ps/M_AXI_HPM0_FPD memory ps/S_AXI_HP0_FPD
        clocks {ps/maxihpm0_fpd_aclk ps/saxihp0_fpd_aclk} resets {} irq ps/pl_ps_irq0
    }
}

proc finish_system {} {}

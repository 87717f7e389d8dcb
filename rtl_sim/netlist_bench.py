"""cocotb test bench of a synthesised chip: the emitted driver sends images, and compares every logit.

Run by rtl_sim.netlist on board_top.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.task import bridge
from cocotb.triggers import ClockCycles

from onespike_hw import golden
from rtl_sim.scoreboard import read_expectation
from rtl_sim.serial_standin import install
from rtl_sim.uart_line import PERIOD_NS, UartLine

sys.path.insert(0, str(Path(os.environ["ONESPIKE_DESIGN"]) / "driver"))

WAKE_CLOCKS = 40
"""Until the power-on reset is over."""
TIMEOUT = 1.0
"""Seconds (serial_standin.CLOCKS_A_SECOND) in which an answer must come."""


@cocotb.test()
async def every_logit(dut: Any) -> None:
    """The chip wakes up, takes its weights where it needs them, and gives the logits of the golden model."""
    expectation = read_expectation(Path(os.environ["ONESPIKE_WORK"]))
    logits = golden.run(expectation.net, expectation.integers, codes=False).logits
    line = UartLine(dut, int(os.environ["ONESPIKE_DIVISOR"]), dut.clk_in)
    install(line)
    Clock(dut.clk_in, PERIOD_NS, unit="ns").start()
    await ClockCycles(dut.clk_in, WAKE_CLOCKS)

    def images() -> None:
        from onespike import OneSpike

        found = OneSpike("netlist", timeout=TIMEOUT).logits(expectation.integers)
        assert np.array_equal(found, logits), f"{found.tolist()} instead of {logits.tolist()}"

    await bridge(images)()

"""The longest paths of the shipped CNN's modules for xc7, as yosys estimates them: logic alone, no routing."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

import onespike_hw as oh
from benchmarks.accelerator.cases import folder, shipped_cnn
from onespike_hw.paths import longest_paths


def run(console: Console, images: int) -> None:
    case = shipped_cnn(images or 1)
    design = oh.generate(case.net, "pynq", folder("timing-design"), force=True, activity=case.activity)
    paths = longest_paths(design)
    table = Table("module", "ns", "MHz", "first name", "last name", "cells on the way")
    table.title = "longest paths of logic for xc7, estimated by yosys sta in this run; routing is not in them"
    for path in paths:
        cells = " ".join(path.cells)
        table.add_row(path.module, f"{path.nanoseconds:.2f}", f"{path.mhz:,.0f}", path.first, path.last, cells)
    console.print(table)
    period = 1000 / design.board.clock_mhz
    console.print(
        f"{paths[0].nanoseconds:.2f} ns of logic in the longest one, to compare with a clock of {period:g} ns"
    )

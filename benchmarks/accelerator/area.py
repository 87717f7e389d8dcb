"""What yosys counts for an emitted design."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass

from onespike_hw.codegen.design import Design

LUTS = {
    **{f"LUT{inputs}": 1 for inputs in range(1, 7)},
    "LUT6_2": 1,
    "SRL16E": 1,
    "SRLC32E": 1,
    "RAM32M": 4,
    "RAM64M": 4,
    "RAM32X1D": 2,
    "RAM64X1D": 2,
    "RAM128X1D": 4,
}
"""LUTs of each cell of the 7 series: logic, shift registers and distributed RAM."""


@dataclass(frozen=True)
class Area:
    """LUTs (distributed RAM and shift registers among them), flip-flops, block RAMs of 36 kbit, DSP slices."""

    luts: int
    ffs: int
    brams: float
    dsps: int


def synthesise(design: Design) -> Area:
    """Run the design's own script for yosys, and count. Raises CalledProcessError where yosys fails."""
    script = (design.path / "synth" / "yosys.ys").resolve()
    done = subprocess.run(
        ["yosys", "-s", str(script)], cwd=design.path / "rtl", capture_output=True, text=True, check=True
    )
    report = done.stdout[done.stdout.rindex("=== design hierarchy ===") :]
    cells = {name: int(count) for name, count in re.findall(r"\n +([A-Z]\w+) +(\d+)(?=\n)", report)}
    return Area(
        luts=sum(LUTS.get(name, 0) * count for name, count in cells.items()),
        ffs=sum(count for name, count in cells.items() if name.startswith("FD")),
        brams=cells.get("RAMB36E1", 0) + cells.get("RAMB18E1", 0) / 2,
        dsps=cells.get("DSP48E1", 0),
    )

"""What yosys counts for an emitted design."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from onespike_hw.codegen.design import Design
from onespike_hw.tools import native_yosys

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


_COUNTED: dict[bytes, Area] = {}
"""Of designs that this process has synthesised: several sections look at the same one, which takes minutes."""


def synthesise(design: Design) -> Area:
    """Run the design's own script for yosys, and count; once for equal designs. Raises ToolError where yosys fails."""
    files = sorted(path for name in ("rtl", "synth") for path in (design.path / name).iterdir())
    key = hashlib.sha256(b"".join(path.name.encode() + path.read_bytes() for path in files)).digest()
    if key not in _COUNTED:
        script = (design.path / "synth" / "yosys.ys").resolve()
        _COUNTED[key] = counted(native_yosys(["-s", str(script)], design.path / "rtl"))
    return _COUNTED[key]


def counted(said: str) -> Area:
    """The area in the last report of `stat` in what yosys printed: of the whole hierarchy where there is one."""
    whole = said.rfind("=== design hierarchy ===")
    report = said[whole if whole >= 0 else said.rindex("Number of cells:") :]
    cells = {name: int(count) for name, count in re.findall(r"\n +([A-Z]\w+) +(\d+)(?=\n)", report)}
    return Area(
        luts=sum(LUTS.get(name, 0) * count for name, count in cells.items()),
        ffs=sum(count for name, count in cells.items() if name.startswith("FD")),
        brams=cells.get("RAMB36E1", 0) + cells.get("RAMB18E1", 0) / 2,
        dsps=cells.get("DSP48E1", 0),
    )

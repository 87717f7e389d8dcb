"""yosys for files that take it hours: label by label of synth_xilinx, so that a second call goes on where one was cut.

The passes and their order are those of the one command, and RTLIL holds all that passes from label to label.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from benchmarks.accelerator.area import Area, counted
from onespike_hw.tools import native_yosys

SYNTHESIS = "synth_xilinx -family xc7 -top peer"
"""The command that the emitted designs get, for a peer's one file."""
LABELS = (
    "begin",
    "prepare",
    "map_dsp",
    "coarse",
    "map_memory",
    "map_ffram",
    "fine",
    "map_cells",
    "map_ffs",
    "map_luts",
    "finalize",
    "check",
)
"""Of synth_xilinx, in its order."""


def synthesised(source: Path) -> Area:
    """What yosys counts for the module `peer` of a Verilog file.

    What each label leaves is kept beside the file, in a folder named after its content.
    """
    place = source.parent / f"synthesis-{hashlib.sha256(source.read_bytes()).hexdigest()[:12]}"
    place.mkdir(exist_ok=True)
    read = f"read_verilog -sv {source.resolve()}; hierarchy -check -top peer"
    for number, label in enumerate(LABELS):
        left = place / f"{number:02}_{label}.il"
        if not left.exists():
            part = left.with_suffix(".part")
            native_yosys(["-q", "-p", f"{read}; {SYNTHESIS} -run {label}:{label}; write_rtlil {part.name}"], place)
            part.rename(left)
        read = f"read_rtlil {left.name}"
    return counted(native_yosys(["-p", f"{read}; stat"], place))

"""yosys for files that take it hours: synth_xilinx step by step, so that a second call goes on where one was cut.

RTLIL holds all that passes from step to step.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from benchmarks.accelerator.area import Area, counted
from onespike_hw.tools import native_yosys

SYNTHESIS = "synth_xilinx -family xc7 -top peer"
"""The command that the emitted designs get, for a peer's one file."""
_ROUND = [*["opt_dff -nodffe -nosdff"] * 8, "opt_clean", "opt_expr"]
_LABELS = (
    *("map_dsp", "coarse", "map_memory", "map_ffram", "fine"),
    *("map_cells", "map_ffs", "map_luts", "finalize", "check"),
)
STEPS = {
    "begin": f"{SYNTHESIS} -run begin:begin",
    "machines": "proc; flatten; tribuf -logic; deminout; opt_expr; opt_clean; check; opt -nodffe -nosdff; fsm",
    "settle": "; ".join(["opt -nodffe -nosdff", "opt_dff", "opt_clean", "opt_expr", *_ROUND * 5]),
    "prepare": "opt; wreduce; peepopt; opt_clean; pmux2shiftx; clean",
    **{label: f"{SYNTHESIS} -run {label}:{label}" for label in _LABELS},
}
"""The labels of synth_xilinx in its order, `prepare` in three steps of which settle is ours.

Long delay chains that begin in a constant lose a register for each round of `opt` in `prepare`, which searches all
multiplexers again each time; settle takes them away without the search: in minutes instead of an hour. Flip-flops,
memories and DSP slices are the same; ABC, which sees its gates in another order, may need 2 % more LUTs or less
(nngen's MLP: 13,151 with it, 12,942 without). It stands behind `fsm`, which finds no machine whose registers have got
enables and resets.
"""


def synthesised(source: Path) -> Area:
    """What yosys counts for the module `peer` of a Verilog file.

    What each step leaves is kept beside the file, in a folder named after its content.
    """
    place = source.parent / f"synthesis-{hashlib.sha256(source.read_bytes()).hexdigest()[:12]}"
    place.mkdir(exist_ok=True)
    read = f"read_verilog -sv {source.resolve()}; hierarchy -check -top peer"
    for number, (name, passes) in enumerate(STEPS.items()):
        left = place / f"{number:02}_{name}.il"
        if not left.exists():
            part = left.with_suffix(".part")
            native_yosys(["-q", "-p", f"{read}; {passes}; write_rtlil {part.name}"], place)
            part.rename(left)
        read = f"read_rtlil {left.name}"
    return counted(native_yosys(["-p", f"{read}; stat"], place))

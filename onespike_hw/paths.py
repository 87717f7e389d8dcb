"""The longest paths of logic of a design for xc7, as yosys estimates them, module by module.

Each layer's engine, and each layer around its engines, is mapped on its own; `sta` then follows the delays of yosys's
cell library (LUTs, carry chains, multiplexers, RAMs, flip-flops with their set-up, of Artix-7 by the prjxray
database). What place and route adds, often as much again, is not in it, nor are paths from one module into another.
Debian's yosys 0.23 does it; PyPI's 0.70 ends in ABC9 without a word here, and 0.23's ABC9 aborts on distributed RAM of
several ports, so that mapping is by ABC.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from onespike_hw.codegen.design import Design
from onespike_hw.errors import ToolError
from onespike_hw.tools import native_yosys

FAMILY = "xc7"
"""The one for which yosys's library has delays."""
LUT6_2 = """\
module LUT6_2 (output O6, output O5, input I0, I1, I2, I3, I4, I5);
    parameter [63:0] INIT = 0;
    specify
        (I0 => O6) = 642; (I1 => O6) = 631; (I2 => O6) = 472; (I3 => O6) = 407; (I4 => O6) = 238; (I5 => O6) = 127;
        (I0 => O5) = 642; (I1 => O5) = 631; (I2 => O5) = 472; (I3 => O5) = 407;
    endspecify
endmodule
"""
"""yosys's library has no delays for this cell; these are those of its LUT6. In pair_lane, the only module that uses it,
O5 is the majority of I0 to I2, shifted, and does not depend on I4, the majority of the bit before."""


@dataclass(frozen=True)
class LongestPath:
    """Of one module.

    nanoseconds  from one flip-flop, memory or port to another
    cells        on the way, from first to last
    first, last  signals or cells on the way that have a name in the source
    """

    module: str
    nanoseconds: float
    cells: tuple[str, ...]
    first: str
    last: str

    @property
    def mhz(self) -> float:
        """The clock that the logic alone would allow."""
        return 1000 / self.nanoseconds


def longest_paths(design: Design, progress: Callable[[int, int], None] | None = None) -> list[LongestPath]:
    """The longest path of each module, the longest first; takes half a minute a module and core.

    progress  called with (modules done, in all)

    Raises ToolError where there is no yosys, where it fails, or where the board is of another family.
    """
    board = design.board
    if board.yosys_family != FAMILY:
        raise ToolError(
            f"{board.name}: yosys knows delays of {FAMILY} alone, not of {board.yosys_family}; leave --paths out, and "
            "take the clock from place and route"
        )
    modules = modules_of(design)
    found = []
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(os.cpu_count()) as pool:
        work = Path(name)
        for part in ("rtl", "synth"):
            shutil.copytree(design.path / part, work / part)
        (work / "rtl" / "lut6_2.v").write_text(LUT6_2)
        for done in as_completed([pool.submit(_longest_path, work, *module) for module in modules]):
            found.append(done.result())
            if progress is not None:
                progress(len(found), len(modules))
    return sorted(found, key=lambda path: (-path.nanoseconds, path.module))


def modules_of(design: Design) -> list[tuple[str, tuple[str, ...]]]:
    """Modules to map, each with those of which only the ports are known."""
    names = {path.stem for path in (design.path / "rtl").glob("*.sv")}
    engines = sorted(name for name in names if name.endswith("_engine"))
    layers = sorted(name for name in names if name.endswith("_layer"))
    return [(name, ()) for name in engines] + [(name, tuple(engines)) for name in layers]


def parsed(module: str, said: str) -> LongestPath:
    """The path that `sta` printed from its end to its start: a cell a line, and below it the signal that enters."""
    path = said[said.rindex("Latest arrival time in") : said.rindex("Arrival histogram")]
    arrival = re.search(r"is (\d+)", path)
    assert arrival is not None
    steps = re.findall(r"\n +\d+ (\S+) \((\w+)\.[^)]*\)(?:\n {11}(\S+(?: \[\d+\])?))?", path)
    named = [name for step in steps for name in (step[0], step[2]) if name and not name.startswith("$")]
    signals = [name.lstrip("\\") for name in named if name != "\\clk"]
    cells = tuple(cell for _, cell, _ in reversed(steps))
    first, last = (signals[-1], signals[0]) if signals else ("", "")
    return LongestPath(module, int(arrival[1]) / 1000, cells, first, last)


def _longest_path(work: Path, module: str, engines: Collection[str]) -> LongestPath:
    """Map one module of the design in the folder, flat; of the modules named in `engines` only the ports are known."""
    script = (work / "synth" / "yosys.ys").read_text()
    reads = [line for line in script.splitlines() if line.startswith("read_verilog")]
    boxes = {f"{name}.sv" for name in engines}
    reads = [line.replace(" -sv ", " -sv -lib ") if line.split()[-1] in boxes else line for line in reads]
    commands = [
        *reads,
        f"synth_xilinx -family {FAMILY} -flatten -noiopad -noclkbuf -top {module}",
        "read_verilog -overwrite -lib -specify +/xilinx/cells_sim.v",
        "read_verilog -overwrite -lib -specify lut6_2.v",
        "sta",
    ]
    try:
        return parsed(module, native_yosys(["-p", "; ".join(commands)], work / "rtl"))
    except ToolError as error:
        raise ToolError(f"{module}: {error}") from error

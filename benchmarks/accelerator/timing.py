"""The longest paths of the shipped CNN's modules for xc7, as yosys estimates them: logic alone, no routing.

Each layer's engine, and each layer around its engines, is mapped on its own; `sta` then follows the delays of yosys's
cell library (LUTs, carry chains, multiplexers, RAMs, flip-flops with their set-up, of Artix-7 by the prjxray
database). What place and route adds, often as much again, is not in it, nor are paths from one module into another.
Mapping is by ABC: ABC9 of yosys 0.23 aborts on distributed RAMs of several ports.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

import onespike_hw as oh
from benchmarks.accelerator.area import yosys
from benchmarks.accelerator.cases import folder, shipped_cnn
from onespike_hw.codegen.design import Design

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


def longest_path(design: Design, module: str, engines: Iterable[str] = ()) -> LongestPath:
    """Map one module of a design, flat; of the modules named in `engines` only the ports are known."""
    script = (design.path / "synth" / "yosys.ys").read_text()
    reads = [line for line in script.splitlines() if line.startswith("read_verilog")]
    boxes = {f"{name}.sv" for name in engines}
    reads = [line.replace(" -sv ", " -sv -lib ") if line.split()[-1] in boxes else line for line in reads]
    cells = folder("timing") / "lut6_2.v"
    cells.parent.mkdir(parents=True, exist_ok=True)
    cells.write_text(LUT6_2)
    commands = [
        *reads,
        f"synth_xilinx -family xc7 -flatten -noiopad -noclkbuf -top {module}",
        "read_verilog -overwrite -lib -specify +/xilinx/cells_sim.v",
        f"read_verilog -overwrite -lib -specify {cells.resolve()}",
        "sta",
    ]
    return parsed(module, yosys(["-p", "; ".join(commands)], design.path / "rtl"))


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


def modules_of(design: Design) -> list[tuple[str, tuple[str, ...]]]:
    """Modules to map, each with those of which only the ports are known."""
    names = {path.stem for path in Path(design.path / "rtl").glob("*.sv")}
    engines = sorted(name for name in names if name.endswith("_engine"))
    layers = sorted(name for name in names if name.endswith("_layer"))
    return [(name, ()) for name in engines] + [(name, tuple(engines)) for name in layers]


def run(console: Console, images: int) -> None:
    case = shipped_cnn(images or 1)
    design = oh.generate(case.net, "pynq", folder("timing-design"), force=True, activity=case.activity)
    paths = [longest_path(design, module, engines) for module, engines in modules_of(design)]
    table = Table("module", "ns", "MHz", "first name", "last name", "cells on the way")
    table.title = "longest paths of logic for xc7, estimated by yosys sta in this run; routing is not in them"
    for path in sorted(paths, key=lambda path: -path.nanoseconds):
        mhz = f"{1000 / path.nanoseconds:,.0f}"
        table.add_row(path.module, f"{path.nanoseconds:.2f}", mhz, path.first, path.last, " ".join(path.cells))
    console.print(table)
    slowest = max(path.nanoseconds for path in paths)
    clock = design.board.clock_mhz
    console.print(f"{slowest:.2f} ns of logic in the longest one, to compare with {1000 / clock:g} ns at {clock:g} MHz")

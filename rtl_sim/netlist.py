"""Simulates what yosys made of a chip: its netlist, with the models of the family's cells, against the golden model."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from onespike_hw import resources
from onespike_hw.codegen.board import Board
from onespike_hw.codegen.design import Design
from onespike_hw.codegen.uart import TOP
from onespike_hw.network import Int64
from onespike_hw.open_tools import run_tool, synthesize
from onespike_hw.tools import yosys_share
from rtl_sim.cocotb_runner import Bench, run_bench

MODELS = (
    "read_verilog netlist.v library.v",
    "read_verilog -lib cells.v memories.v",
    "hierarchy -top {top}",
    "proc",
    "flatten",
    "opt_expr",
    "opt_clean -purge",
    "write_verilog -noattr flat.v",
)
"""How yosys puts its library's models in the places of the cells. Those with a memory stay modules: of a memory that is
read and written at an address not known at first, yosys's Verilog is not what Verilator reads."""
_MEMORY = re.compile(r"\breg\b.*\bmem(ory)?\s*\[")
_PLAIN_PORTS = "`define NO_ICE40_DEFAULT_ASSIGNMENTS\n"
"""Defaults of ports that are not connected are not for every simulator; yosys connects them all."""
_INCLUDE = re.compile(r'^`include "(.+)"$', re.MULTILINE)
_MODULE = re.compile(r"^module (\w+).*?\bendmodule\b", re.MULTILINE | re.DOTALL)

LIBRARIES = {
    "ecp5": ("ecp5/cells_sim.v",),
    "ice40": ("ice40/cells_sim.v",),
    "gowin": ("gowin/cells_sim.v",),
}
"""Of yosys, by family, in its folder share."""


def check_netlist(design: Design, integers: Int64, work: Path) -> None:
    """Synthesise a chip, and send input integers [N, *net.input_shape] over its UART; SimulatorError says what differs.

    work  folder for the cells, the build and the logs
    """
    netlist = synthesize(design) / "netlist.v"
    work.mkdir(parents=True, exist_ok=True)
    bench = Bench(
        ("rtl_sim.netlist_bench",),
        TOP,
        (),
        files=tuple(with_models(design.board, netlist.read_text(), work)),
        settings={"DIVISOR": design.board.uart_divisor},
        warnings=False,
    )
    run_bench(design, integers, "verilator", work, bench=bench)


def with_models(board: Board, netlist: str, folder: Path, top: str = TOP) -> list[Path]:
    """A netlist with the models of its cells: those of yosys's library, and ours for those that it only declares.

    yosys itself puts its models in the places of the cells, and works out what their parameters settle: a simulator
    that follows the clock through the multiplexers of every flip-flop takes many times as long.
    """
    jinja = Environment(loader=FileSystemLoader(resources.templates() / "cells"), undefined=StrictUndefined)
    ours = jinja.get_template(f"{board.yosys_family}.v.j2").render()
    source = "".join(_with_includes(yosys_share() / name) for name in LIBRARIES[board.yosys_family])
    library = _modules(source)
    wanted = set(re.findall(r"^  (\w+) ", netlist, re.MULTILINE)) & set(library) - set(_modules(ours))
    needed: set[str] = set()
    while wanted:
        needed |= wanted
        inside = (set(re.findall(r"\w+", library[name])) for name in wanted)
        wanted = set().union(*inside) & set(library) - needed
    memories = {name for name in needed if _MEMORY.search(library[name])}
    texts = {
        "netlist.v": netlist,
        "library.v": _directives(source) + _joined(library[name] for name in library if name in needed - memories),
        "memories.v": _PLAIN_PORTS
        + _directives(source)
        + _joined(library[name] for name in library if name in memories),
        "cells.v": ours,
        "block_ram.v": (resources.templates() / "cells" / "block_ram.v").read_text(),
        "models.ys": "\n".join((*MODELS, "")).format(top=top),
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    run_tool(["yosys", "-q", "-s", "models.ys"], folder, folder / "yosys.log")
    return [folder / name for name in ("flat.v", "cells.v", "block_ram.v", "memories.v")]


def _joined(modules: Iterable[str]) -> str:
    return "".join(module + "\n" for module in modules)


def _with_includes(path: Path) -> str:
    """A file with those that it includes in their places."""
    return _INCLUDE.sub(lambda found: _with_includes(path.parent / found[1]), path.read_text())


def _directives(text: str) -> str:
    """The lines of a compiler directive in front of the first module: macros that modules use."""
    head, *_ = re.split(r"^module ", text, maxsplit=1, flags=re.MULTILINE)
    return "".join(line + "\n" for line in head.splitlines() if line.startswith("`"))


def _modules(text: str) -> dict[str, str]:
    """By name; where there are several of one, the first."""
    return {found[1]: found[0] for found in reversed(list(_MODULE.finditer(text)))}

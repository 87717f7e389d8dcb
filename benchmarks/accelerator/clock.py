"""The clock that the shipped CNN reaches on an ECP5, placed and routed by yosys and nextpnr in this run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

import onespike_hw as oh
from benchmarks.accelerator.cases import folder, shipped_cnn
from onespike_hw.open_tools import place_and_route

BOARD = "ulx3s-85f"


def run(console: Console, images: int) -> None:
    case = shipped_cnn(images or 1)
    with console.status("yosys and nextpnr take half an hour ..."):
        design = oh.generate(case.net, BOARD, folder("clock-design"), force=True, activity=case.activity)
        placed = place_and_route(design)
    table = Table("kind of cell", "used", "on the chip", title=f"{design.board.part}, seed {placed.seed}")
    for cell in placed.cells:
        table.add_row(cell.name, f"{cell.used:,}", f"{cell.available:,}")
    console.print(table)
    console.print(f"{placed.fmax_mhz:g} MHz, to compare with {placed.clock_mhz:g} MHz asked for")
    console.print(_longest(design.path))


def _longest(design: Path) -> str:
    """Where the longest path within a clock begins and ends, and what it takes."""
    report = json.loads((design / "pnr" / "build" / "report.json").read_text())
    inside = [path for path in report["critical_paths"] if path["from"] == path["to"]]
    hops = max((path["path"] for path in inside), key=_nanoseconds)
    wires = _nanoseconds([hop for hop in hops if hop["type"] == "routing"])
    return (
        f"the longest path takes {_nanoseconds(hops):.2f} ns, {wires:.2f} of them on wires, from "
        f"{hops[0]['from']['cell']} to {hops[-1]['to']['cell']}"
    )


def _nanoseconds(hops: list[dict[str, Any]]) -> float:
    return float(sum(hop["delay"] for hop in hops))

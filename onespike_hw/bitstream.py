"""From an emitted folder to a bitstream, with open tools, or those of the FPGA's maker where they are installed."""

from __future__ import annotations

import subprocess
from pathlib import Path

from onespike_hw.codegen.design import Design
from onespike_hw.errors import ToolError
from onespike_hw.measured import Placed
from onespike_hw.open_tools import place_and_route

VIVADO = ("vivado", "-mode", "batch", "-nojournal", "-nolog", "-source", "build.tcl")
_MARK = "ONESPIKE: "
"""How the emitted scripts begin a line that is for people."""


def make_bitstream(design: Design) -> str:
    """Build the bitstream of a design; returns what was made, in a line for people.

    The tools' own words go into logs under vivado/build or pnr/build. Raises ToolError, with the way out, where the
    folder has no scripts, a tool is missing, or it fails.
    """
    board, scripts = design.board, design.path / "vivado"
    if board.system == "uart" and design.backend == "verilog":
        return _describe(design, place_and_route(design))
    if board.toolchain != "vivado" or not scripts.is_dir():
        raise ToolError(
            f"{design.path}: holds no scripts that make a bitstream of a {design.backend} design for {board.name}; "
            "use the verilog backend, and a board whose system is not none"
        )
    missing = board.missing_tools()
    if missing:
        raise ToolError(
            f"{', '.join(missing)}: not on PATH, and nothing else makes a bitstream for {board.part}. Install AMD "
            f"Vivado with the {board.family} devices (www.amd.com, Vivado downloads), source its settings64.sh and run "
            f"this again; or copy {design.path} to a machine that has it and run there, in its folder vivado: "
            f"{' '.join(VIVADO)}"
        )
    return _run(scripts)


def _describe(design: Design, placed: Placed) -> str:
    cells = ", ".join(f"{cell.used:,} of {cell.available:,} {cell.name}" for cell in placed.cells)
    speed = placed.images_per_second
    at_clock = "" if speed is None else f"; {speed:,.0f} images a second at the clock"
    return (
        f"{design.path / 'pnr' / placed.bitstream}: {placed.fmax_mhz:g} MHz for {placed.clock_mhz:g} MHz; {cells}"
        f"{at_clock}, {placed.line:,.0f} over the UART"
    )


def _run(scripts: Path) -> str:
    log = scripts / "build" / "vivado.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("w") as stream:
        done = subprocess.run(VIVADO, cwd=scripts, stdout=stream, stderr=subprocess.STDOUT, check=False)
    lines = log.read_text(errors="replace").splitlines()
    said = [line.removeprefix(_MARK) for line in lines if line.startswith(_MARK)]
    if done.returncode or not said:
        errors = [line for line in lines if "ERROR" in line or _MARK in line] or lines[-3:] or ["it said nothing"]
        raise ToolError(f"vivado: failed: {' | '.join(errors[:3])}; the log is {log}")
    return said[-1]

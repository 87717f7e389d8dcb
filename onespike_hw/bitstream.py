"""From an emitted folder to a bitstream, with the tools of the board's maker where they are installed."""

from __future__ import annotations

import subprocess
from pathlib import Path

from onespike_hw.codegen.design import Design
from onespike_hw.errors import ToolError

VIVADO = ("vivado", "-mode", "batch", "-nojournal", "-nolog", "-source", "build.tcl")
_MARK = "ONESPIKE: "
"""How the emitted scripts begin a line that is for people."""


def make_bitstream(design: Design) -> str:
    """Build the bitstream of a design; returns what was made, in a line for people.

    The tool's own words go into vivado/build/vivado.log. Raises ToolError, with the way out, where the folder has no
    scripts, a tool is missing, or it fails.
    """
    board, scripts = design.board, design.path / "vivado"
    if board.toolchain != "vivado" or not scripts.is_dir():
        raise ToolError(
            f"{design.path}: holds no scripts that make a bitstream of a {design.backend} design for {board.name}; "
            "use a board whose toolchain is vivado, with the verilog backend"
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

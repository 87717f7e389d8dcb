"""Renders vivado/: Tcl that packages the accelerator as an IP and makes a board's block design and bitstream."""

from __future__ import annotations

from onespike_hw import resources
from onespike_hw.codegen.board import Board
from onespike_hw.codegen.plan import Plan
from onespike_hw.codegen.registers import beat_bytes
from onespike_hw.codegen.verilog import environment

IP_VERSION = "1.0"
BUILD = "build.tcl"


def render(plan: Plan, board: Board) -> dict[str, str]:
    """File name -> text of everything under vivado/."""
    folder, jinja = resources.templates() / "vivado", environment()
    facts = {"board": board, "oscillator": board.oscillator_facts}
    files = {path.name: path.read_text() for path in sorted(folder.glob("*.tcl"))}
    files["settings.tcl"] = jinja.get_template("vivado/settings.tcl.j2").render(
        **facts, pixel_bits=8 * beat_bytes(plan), logit_bits=plan.logit_bits, version=IP_VERSION
    )
    if board.system != "ip":
        name = f"systems/{board.system}.tcl"
        files[name] = (folder / name).read_text()
        files["constraints.xdc"] = jinja.get_template("vivado/constraints.xdc.j2").render(**facts)
    return files

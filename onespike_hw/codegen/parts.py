"""Part numbers of the open toolchains' FPGAs, as nextpnr's arguments."""

from __future__ import annotations

import re

from onespike_hw.codegen.board import Board
from onespike_hw.errors import BoardError

_PATTERNS = {
    "ecp5": (r"LFE5U-(\d+)F-(\d)BG(\d+)[CI]", "LFE5U-85F-6BG381C"),
    "ice40": (r"iCE40(UP5K)-(SG48)", "iCE40UP5K-SG48"),
    "gowin": (r"(GW\d[A-Z]+)-[LU]V(\d+)\w+/\w+", "GW2AR-LV18QN88C8/I7"),
}


def synthesis_command(board: Board) -> str:
    """What yosys runs to map a chip onto this part."""
    if board.yosys_family == "gowin":
        return f"{board.synthesis_command} -family {_parts(board)[0][:4].lower()}"
    return board.synthesis_command


def nextpnr_arguments(board: Board) -> tuple[str, ...]:
    """What tells nextpnr the device, package and speed grade. Raises BoardError for a part of another form."""
    parts = _parts(board)
    if board.yosys_family == "ecp5":
        size, speed, pins = parts
        return (f"--{size}k", "--speed", speed, "--package", f"CABGA{pins}")
    if board.yosys_family == "ice40":
        device, package = parts
        return (f"--{device.lower()}", "--package", package.lower())
    return ("--device", board.part, "--vopt", f"family={gowin_family(board)}")


def gowin_family(board: Board) -> str:
    """The die of a Gowin part: GW2A-18C of GW2AR-LV18QN88C8/I7, where the R stands for RAM in the same package."""
    series, size = _parts(board)
    return f"{series.removesuffix('R')}-{size}C"


def gowin_device(board: Board) -> str:
    """How Gowin's PLL wants to hear its device: GW2AR-18C for the part GW2AR-LV18QN88C8/I7."""
    series, size = _parts(board)
    return f"{series}-{size}C"


def _parts(board: Board) -> tuple[str, ...]:
    pattern, example = _PATTERNS[board.yosys_family]
    match = re.fullmatch(pattern, board.part)
    if match is None:
        raise BoardError(
            f"{board.name}: part: {board.part!r} is not of a form that {board.toolchain} is known to take; "
            f"give one such as {example!r}"
        )
    return match.groups()

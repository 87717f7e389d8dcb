"""onespike-hw boards: the boards there are, their resources, and whether a bitstream can be made here."""

from __future__ import annotations

import argparse

from rich.console import Console

from onespike_hw.cli.console import listing
from onespike_hw.codegen.board import Board, list_boards

_COLUMNS = ("name", "board", "part", "LUTs", "RAM kbit", "DSPs", "MHz", "toolchain", "bitstream here")
_RIGHT = frozenset({"LUTs", "RAM kbit", "DSPs", "MHz"})


def run(args: argparse.Namespace, console: Console) -> int:
    console.print(listing(_COLUMNS, (_row(board) for board in list_boards()), _RIGHT))
    return 0


def _row(board: Board) -> tuple[str, ...]:
    missing = board.missing_tools()
    return (
        board.name,
        board.title,
        board.part,
        f"{board.luts:,}",
        f"{board.memory_kbits:,}",
        f"{board.dsps:,}",
        f"{board.clock_mhz:g}",
        board.toolchain,
        f"needs {', '.join(missing)}" if missing else "yes",
    )

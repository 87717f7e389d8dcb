"""onespike-hw bitstream: the bitstream of an accelerator that was emitted earlier."""

from __future__ import annotations

import argparse

from rich.console import Console

import onespike_hw as oh
from onespike_hw.bitstream import make_bitstream
from onespike_hw.cli.console import step, summary


def run(args: argparse.Namespace, console: Console) -> int:
    design = oh.load_design(args.folder)
    step(console, f"building the bitstream for {design.board.title} with {design.board.toolchain}")
    made = make_bitstream(design)
    console.print(summary([("board", f"{design.board.title}, {design.board.part}"), ("made", made)]))
    return 0

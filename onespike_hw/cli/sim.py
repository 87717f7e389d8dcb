"""onespike-hw sim: images through an accelerator that was emitted earlier, every bit compared."""

from __future__ import annotations

import argparse

from rich.console import Console

import onespike_hw as oh
from onespike_hw.cli.check import Player, play, verdict
from onespike_hw.cli.console import step, summary
from onespike_hw.cli.sources import load_data
from onespike_hw.report.figures import describe


def run(args: argparse.Namespace, console: Console) -> int:
    design = oh.load_design(args.folder)
    data = load_data(args, design.net.input_shape).first(args.images)
    player = Player(args.simulator, args.pause_in, args.pause_out, args.seed, args.work)
    step(console, f"playing {len(data.images)} images through the Verilog, on {player}")
    check = play(design, data.images, player)
    rows = [
        ("network", describe(design.net)),
        ("board", f"{design.board.title}, {design.board.part}"),
        ("images", f"{len(data.images):,}: {data.name}"),
        ("cycles", check.cycles),
        ("check", check.compared),
    ]
    console.print(summary(rows))
    return verdict(check, console)

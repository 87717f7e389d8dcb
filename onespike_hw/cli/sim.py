"""onespike-hw sim: images through an accelerator that was emitted earlier, Verilog or C++, every bit compared."""

from __future__ import annotations

import argparse

from rich.console import Console

import onespike_hw as oh
from onespike_hw.cli.check import Check, Player, play, predict, verdict
from onespike_hw.cli.console import step, summary
from onespike_hw.cli.sources import Images, load_data
from onespike_hw.errors import SimulatorError
from onespike_hw.report.figures import describe


def run(args: argparse.Namespace, console: Console) -> int:
    design = oh.load_design(args.folder)
    data = load_data(args, design.net.sample_shape).first(args.images)
    run_images = _predict if design.backend == "hls" else _play
    check = run_images(args, design, data.images, console)
    rows = [
        ("network", describe(design.net)),
        ("board", f"{design.board.title}, {design.board.part}"),
        ("images", f"{len(data.images):,}: {data.name}"),
        ("cycles", check.cycles),
        ("check", check.compared),
    ]
    console.print(summary(rows))
    return verdict(check, console)


def _play(args: argparse.Namespace, design: oh.Design, images: Images, console: Console) -> Check:
    player = Player(args.simulator or Player.simulator, args.pause_in, args.pause_out, args.seed, args.work)
    step(console, f"playing {len(images)} images through the Verilog, on {player}")
    return play(design, images, player)


def _predict(args: argparse.Namespace, design: oh.Design, images: Images, console: Console) -> Check:
    if args.simulator or args.pause_in or args.pause_out or args.work:
        raise SimulatorError(
            f"{design.path}: holds C++, which runs without a simulator; leave out --simulator, --pause-in, --pause-out "
            "and --work, or generate it with --backend verilog"
        )
    step(console, f"running {len(images)} images through the C++, compiled with g++")
    return predict(design, images)

"""onespike-hw gen: the main job, from a trained network to an accelerator whose every bit is compared."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

import onespike_hw as oh
from onespike_hw import measured
from onespike_hw.cli import evaluate
from onespike_hw.cli.check import Check, Player, play, predict, verdict
from onespike_hw.cli.console import step, summary
from onespike_hw.codegen.activity import measure
from onespike_hw.codegen.board import load_board
from onespike_hw.codegen.folder import check_target
from onespike_hw.codegen.order import orders
from onespike_hw.codegen.planner import Goal

ACTIVITY_IMAGES = 32
"""Images on whose codes the planner bases the lanes."""


def run(args: argparse.Namespace, console: Console) -> int:
    board = load_board(args.board)
    if args.model is None and args.network is None:
        args.model = board.model
    out = Path(args.out or f"build/{board.name}")
    check_target(out, force=args.force)
    evaluation = evaluate.prepare(args, console)
    step(console, f"generating for {board.title} into {out}")
    net = evaluation.source.net
    images = evaluation.data.images[: args.images]
    vectors = _vectors(net, images) if args.backend == "hls" or board.has_driver else None
    seen = evaluation.data.images[:ACTIVITY_IMAGES]
    codes, integers = oh.golden.run(net, seen).codes, oh.golden.quantize_input(net, seen)
    activity = measure(net, codes, integers)
    goal = Goal(args.target_fps, args.lanes, args.utilisation)
    design = oh.generate(
        net, board, out, backend=args.backend, force=args.force, activity=activity, goal=goal, vectors=vectors
    )
    check = _play(design, images, console)
    if check.simulated is not None:
        measured.save(design.path, check.simulated)
    order = [("order", str(each)) for each in orders(net, integers, codes)]
    console.print(summary([*evaluate.rows(evaluation), *_rows(design, check), *order]))
    return verdict(check, console)


def _vectors(net: oh.Network, images: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Input integers and golden logits, for the test bench of an HLS project and the notebook of a driver."""
    return oh.golden.quantize_input(net, images), oh.golden.run(net, images, codes=False).logits


def _play(design: oh.Design, images: NDArray[Any], console: Console) -> Check:
    if design.backend == "hls":
        step(console, f"running {len(images)} images through the C++, compiled with g++")
        return predict(design, images)
    player = Player()
    step(console, f"playing {len(images)} images through the Verilog, on {player}")
    return play(design, images, player)


def _rows(design: oh.Design, check: Check) -> list[tuple[str, str]]:
    plan, board = design.plan, design.board
    return [
        ("board", f"{board.title}, {board.part}"),
        ("cycles", check.cycles),
        ("lanes", f"{plan.lanes:,}, which add {plan.weights_per_cycle:,} weights a cycle"),
        ("memory", f"{plan.weight_memory_bits:,} bits of weights"),
        ("files", str(design.path)),
        ("check", check.compared),
    ]

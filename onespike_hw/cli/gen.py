"""onespike-hw gen: the main job, from a trained network to an accelerator whose every bit is compared."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from rich.console import Console

import onespike_hw as oh
from onespike_hw import golden
from onespike_hw.cli import evaluate
from onespike_hw.cli.console import step, summary
from onespike_hw.codegen.board import load_board
from onespike_hw.codegen.folder import check_target

SIMULATOR = "verilator"
DIFFERENT = 1


@dataclass(frozen=True)
class Check:
    """What the hardware did with some images, against the golden model."""

    images: int
    layers: int
    result: oh.SimulationResult
    difference: golden.Difference | None


def run(args: argparse.Namespace, console: Console) -> int:
    board = load_board(args.board)
    out = Path(args.out or f"build/{board.name}")
    check_target(out, force=args.force)
    evaluation = evaluate.prepare(args, console)
    step(console, f"generating for {board.title} into {out}")
    net, densities = evaluation.source.net, evaluation.figures.densities
    design = oh.generate(net, board, out, backend=args.backend, force=args.force, density=densities)
    images = evaluation.data.images[: args.images]
    step(console, f"playing {len(images)} images through the Verilog, on {SIMULATOR}")
    check = play(design, images)
    console.print(summary([*evaluate.rows(evaluation), *_rows(design, check)]))
    if check.difference is not None:
        console.print(f"first difference: {check.difference}", style="bold red")
        return DIFFERENT
    console.print("bit-exact", style="bold green")
    return 0


def play(design: oh.Design, images: NDArray[Any]) -> Check:
    """Images through the emitted Verilog, every code and logit compared with the golden model."""
    expected = golden.run(design.net, images)
    result = oh.simulate(design, images, simulator=SIMULATOR)
    difference = golden.first_difference(design.net, expected, result.codes, result.logits)
    return Check(len(images), len(expected.codes) + 1, result, difference)


def _rows(design: oh.Design, check: Check) -> list[tuple[str, str]]:
    plan, board, result = design.plan, design.board, check.result
    return [
        ("board", f"{board.title}, {board.part}"),
        ("cycles", f"{result.interval:,.0f} an image, {result.latency:,} from the first pixel to the last logit"),
        ("lanes", f"{plan.lanes:,}"),
        ("memory", f"{plan.weight_memory_bits:,} bits of weights"),
        ("files", str(design.path)),
        ("check", f"codes and logits of {check.layers} layers, {check.images} images, on {SIMULATOR}"),
    ]

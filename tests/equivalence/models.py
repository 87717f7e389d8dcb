"""Three models of one plan: the golden model, the Verilog on a simulator, and the HLS C++ compiled with g++."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from onespike_hw import golden, hls_model
from onespike_hw.codegen.board import load_board
from onespike_hw.codegen.design import Design, render
from onespike_hw.codegen.folder import write_folder
from onespike_hw.codegen.plan import Plan
from onespike_hw.network import Int64, Network
from onespike_hw.simulation import play
from rtl_sim import objects, runner
from tests.hls.projects import QUICK
from tests.networks import random_inputs

IMAGES = 3


@dataclass(frozen=True)
class Answer:
    """What one model gives for a batch: phase codes by layer, and logits."""

    model: str
    codes: Mapping[str, NDArray[np.uint8]]
    logits: Int64


def complaints(net: Network, expected: golden.Run, answers: Iterable[Answer]) -> list[str]:
    """The first layer, image, pixel and channel in which a model differs from the golden one, of each that differs."""
    found = [(each.model, golden.first_difference(net, expected, each.codes, each.logits)) for each in answers]
    return [f"{model}: {difference}" for model, difference in found if difference is not None]


def compare(plan: Plan, simulator: str, out: Path, shared: Path, *, seed: int, optimize: str = QUICK) -> None:
    """Play a few images through Verilog and HLS C++ of the same plan; AssertionError names what differs.

    simulator  "verilator" or "icarus"; it pauses at random on both streams
    out        folder to write
    shared     folder of what Verilator need not compile for each network
    seed       of the images and the pauses
    optimize   optimization of the HLS C++
    """
    board = load_board("pynq")
    design = Design(write_folder(out, render(plan, board) | render(plan, board, "hls")), plan.net, plan, board)
    x = random_inputs(np.random.default_rng(seed), plan.net, IMAGES)
    verilog = _play(design, x, simulator, shared / "objects_tb", seed)
    predicted = hls_model.build(out, optimize=optimize).predict(x)
    said = complaints(plan.net, golden.run(plan.net, x), [verilog, Answer("HLS", predicted.codes, predicted.logits)])
    assert not said, "\n".join(said)


def _play(design: Design, x: Int64, simulator: str, kept: Path, seed: int) -> Answer:
    work = design.path / "work"
    if simulator == "verilator":
        objects.take(kept, work)
    built = runner.build(design.path, simulator, work, QUICK)
    result = play(design.plan, built, x, pause_in=0.2, pause_out=0.3, seed=seed)
    if simulator == "verilator":
        objects.keep(kept, work)
    return Answer(f"Verilog on {simulator}", result.codes, result.logits)

"""Emitted HLS projects of the small networks of tests/cases.py, and the comparison with the golden model."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from onespike_hw import golden, hls_model
from onespike_hw.codegen import hls
from onespike_hw.codegen.board import load_board
from onespike_hw.codegen.folder import write_folder
from onespike_hw.codegen.layout import Parallel, lay_out, weighted_layers
from onespike_hw.codegen.plan import Plan
from onespike_hw.codegen.words import divisors
from onespike_hw.errors import BoardError
from onespike_hw.network import Int64, Network, to_bytes
from tests.networks import random_inputs

QUICK = "-O0"
"""Optimization that builds and runs a few images of a small network soonest."""


def some_plan(net: Network, seed: int) -> Plan:
    """A plan with random passes and engines for each layer: whatever fits it, not what a planner would choose."""
    rng = np.random.default_rng(seed)
    parallel: dict[str, Parallel] = {}
    for layer in weighted_layers(net):
        tiles = [t for t in divisors(layer.shape[0]) if _fits(net, layer.name, t)]
        parallel[layer.name] = Parallel(int(rng.choice(tiles)), int(rng.integers(1, 6)))
    return lay_out(net, 64, parallel)


def _fits(net: Network, name: str, tiles: int) -> bool:
    try:
        plan = lay_out(net, 64, {name: Parallel(tiles)})
    except BoardError:
        return False
    return all(engine.lanes % engine.groups == 0 for engine in plan.engines)


def emit(net: Network, plan: Plan, out: Path, vectors: tuple[Int64, Int64] | None = None) -> Path:
    """The folder of a design with its HLS project."""
    files = {f"hls/{name}": text for name, text in hls.render(plan, load_board("pynq"), vectors).items()}
    return write_folder(out, {"network.onespike": to_bytes(net), **files})


def golden_vectors(net: Network, images: int = 3) -> tuple[Int64, Int64]:
    """Input integers and logits."""
    x = random_inputs(np.random.default_rng(5), net, images)
    return x, golden.run(net, x).logits


def check(net: Network, plan: Plan, out: Path, optimize: str = QUICK) -> hls_model.Prediction:
    """Compare every bit of every layer for a few images, one behind the other."""
    x = random_inputs(np.random.default_rng(5), net, 4)
    expected = golden.run(net, x)
    result = hls_model.build(emit(net, plan, out), optimize=optimize).predict(x)
    assert golden.first_difference(net, expected, result.codes, result.logits) is None
    assert result.codes.keys() == expected.codes.keys()
    return result

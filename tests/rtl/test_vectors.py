"""A first layer that reads an image as a vector: several pixels a beat, and no clocks for those at the zero point."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import onespike_hw as oh
from onespike_hw.codegen.area import plan_resources
from onespike_hw.codegen.board import load_board
from onespike_hw.codegen.planner import fits, plan_network
from onespike_hw.network import Int64
from tests.networks import build, flatten, linear, random_inputs
from tests.rtl.designs import emit

SHAPES = {"grey": (1, 8, 8), "beats_of_7": (1, 7, 7), "vector": (24,), "colours": (3, 4, 4)}


def _net(shape: tuple[int, ...]) -> oh.Network:
    layers = linear(12), linear(6), linear(3)
    return build(np.random.default_rng(11), shape, layers if len(shape) == 1 else (flatten(), *layers))


def _images(net: oh.Network) -> Int64:
    """All values at the zero point, every second one, few, all of them off it; the last one and the first one alone."""
    x = random_inputs(np.random.default_rng(2), net, 6)
    kept = np.random.default_rng(3).random(x.shape) < np.array([0, 0.5, 0.1, 1, 0, 0]).reshape(6, *[1] * (x.ndim - 1))
    kept.reshape(6, -1)[4, -1] = kept.reshape(6, -1)[5, 0] = True
    zero = net.input_zero_point.reshape(-1, *[1] * (x.ndim - 2))
    return np.where(kept, x, zero)


@pytest.mark.parametrize("simulator", ["icarus", pytest.param("verilator", marks=pytest.mark.verify)])
@pytest.mark.parametrize(
    ("tiles", "in_luts"),
    [(1, 5), (2, 4), *(pytest.param(tiles, 0, marks=pytest.mark.verify) for tiles in (1, 2))],
)
@pytest.mark.parametrize("shape", SHAPES)
def test_bit_exact(shape: str, tiles: int, in_luts: int, simulator: str, tmp_path: Path) -> None:
    net = _net(SHAPES[shape])
    first = next(layer.name for layer in net.layers if layer.weight is not None)
    design = emit(net, tmp_path / "design", tiles={first: tiles}, in_luts=in_luts)
    engine = design.plan.engines[0]
    assert engine.skips
    assert engine.in_luts == min(in_luts, engine.lanes)
    x = _images(net)
    result = oh.simulate(design, x, simulator, pause_in=0.2, pause_out=0.3)
    difference = oh.golden.first_difference(net, oh.golden.run(net, x), result.codes, result.logits)
    assert difference is None, str(difference)


def test_clocks_follow_the_values_off_the_zero_point(tmp_path: Path) -> None:
    net = build(np.random.default_rng(11), (1, 16, 16), (flatten(), linear(8), linear(3)))
    design = emit(net, tmp_path / "design")
    x = random_inputs(np.random.default_rng(2), net, 8)
    x[x == net.input_zero_point.item()] += 1
    thin = x.copy()
    thin[:, :, :, 1::2] = net.input_zero_point.item()
    whole, half = (oh.simulate(design, images, "icarus").interval for images in (x, thin))
    assert whole == pytest.approx(256, abs=40)
    assert whole - half == pytest.approx(128, abs=4)


def test_lanes_multiply_in_luts_where_slices_are_scarce() -> None:
    net = build(np.random.default_rng(11), (1, 16, 16), (flatten(), linear(64), linear(3)))
    board = replace(load_board("pynq"), dsp_budget=40 / 220)
    plan = plan_network(net, board)
    first = plan.engines[0]
    assert first.lanes == 64
    assert first.in_luts >= 64 - 40
    assert fits(plan_resources(plan), board)
    assert plan_network(net, load_board("pynq")).engines[0].in_luts == 0

"""Engines of pairs that fold two phases into one, and lanes in DSP slices: bit-exact, and faster."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import onespike_hw as oh
from tests.cases import CASES, RESIDUAL_CASES
from tests.networks import Root, build, conv, flatten, linear, random_inputs
from tests.rtl.designs import emit

SHAPES = ("conv_padded", "kernel_7x5", "maxpool_overlapping_padded", "root_2_1_4", "silent_layer", "stride_3")
CLASSES = {
    "T4": (4, 1, 2),
    "T6": (6, 2, 3),
    "T7": (7, 1, 2),
    "T8": (8, 1, 2),
    "T12": (12, 1, 4),
    "T4_root_2": (4, 1, 1),
}
"""Timesteps, and m and n of the base: one part a class, or two, the earlier one with one phase or two."""


def _plays(net: oh.Network, out: Path, simulator: str = "icarus", **options: int) -> oh.SimulationResult:
    design = emit(net, out, **options)
    x = random_inputs(np.random.default_rng(1), net, 3)
    result = oh.simulate(design, x, simulator, pause_in=0.2, pause_out=0.3)
    difference = oh.golden.first_difference(net, oh.golden.run(net, x), result.codes, result.logits)
    assert difference is None, str(difference)
    return result


@pytest.mark.parametrize(
    ("classes", "simulator"),
    [
        *((classes, "icarus") for classes in CLASSES),
        *(pytest.param(c, "verilator", marks=() if c == "T12" else pytest.mark.verify) for c in CLASSES),
    ],
)
def test_each_cut_of_the_classes(classes: str, simulator: str, tmp_path: Path) -> None:
    timesteps, m, n = CLASSES[classes]
    layers = conv(3, 3, padding=1), conv(4, 3, padding=1), conv(6, 3), flatten(), linear(3)
    net = build(np.random.default_rng(7), (2, 6, 6), layers, base=Root(m, n), timesteps=timesteps)
    folded = emit(net, tmp_path / "plan", folded=True).plan.engines[1]
    assert folded.pairs
    assert folded.folded
    _plays(net, tmp_path / "design", simulator, engines=2, folded=True, sliced=2)


@pytest.mark.parametrize("engines", [1, 3])
@pytest.mark.parametrize("case", [c if c in SHAPES else pytest.param(c, marks=pytest.mark.verify) for c in CASES])
def test_every_shape_folded_and_in_slices(case: str, engines: int, tmp_path: Path) -> None:
    """What cannot be folded, or has no lanes for slices, is made as ever."""
    _plays(CASES[case](), tmp_path / "design", engines=engines, folded=True, sliced=2 * engines)


@pytest.mark.parametrize("sliced", [2, 4])
def test_lanes_in_slices_feed_an_add(sliced: int, tmp_path: Path) -> None:
    """Layers without neurons of their own: never folded, since both branches must drain alike."""
    net = RESIDUAL_CASES["two_blocks_avgpool"]()
    engines = emit(net, tmp_path / "plan", folded=True, sliced=sliced).plan.engines
    assert any(engine.sliced and engine.joins for engine in engines)
    assert not any(engine.folded and engine.joins for engine in engines)
    _plays(net, tmp_path / "design", engines=2, folded=True, sliced=sliced)


def test_folding_takes_fewer_clocks(tmp_path: Path) -> None:
    net = build(np.random.default_rng(7), (8, 12, 12), (conv(16, 1), conv(2, 3, padding=1), conv(2, 12)))
    clocks = [_plays(net, tmp_path / str(folded), folded=folded).interval for folded in (False, True)]
    assert clocks[1] < 0.97 * clocks[0]

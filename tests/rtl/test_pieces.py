"""Linear layers walk their input piece by piece, while the rest of it is still on its way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import onespike_hw as oh
from onespike_hw.codegen.design import Design, render
from onespike_hw.codegen.folder import write_folder
from tests.networks import Root, Spec, avgpool, build, conv, flatten, linear, random_inputs
from tests.rtl.designs import emit

NETS: dict[str, tuple[int, Root | float, list[Spec]]] = {
    "two_classes": (8, Root(1, 2), [conv(8, 3, padding=1), flatten(), linear(8), linear(3)]),
    "three_classes_of_averages": (6, Root(2, 3), [conv(8, 3, padding=1), avgpool(2), flatten(), linear(6), linear(3)]),
    "one_class_and_groups_of_lanes": (4, Root(1, 1), [conv(8, 3, padding=1), flatten(), linear(24), linear(3)]),
    "logits": (8, Root(1, 2), [conv(8, 3, padding=1), flatten(), linear(3)]),
    "logits_of_any_base": (3, 1.9, [conv(8, 3, padding=1), flatten(), linear(2)]),
    "neurons_of_any_base": (3, 1.9, [conv(8, 3, padding=1), flatten(), linear(4), linear(3)]),
}


def _net(name: str) -> oh.Network:
    timesteps, base, layers = NETS[name]
    return build(np.random.default_rng(5), (1, 10, 12), layers, base=base, timesteps=timesteps)


def _plays(design: Design, simulator: str = "icarus", **pauses: float) -> oh.SimulationResult:
    x = random_inputs(np.random.default_rng(1), design.net, 4)
    result = oh.simulate(design, x, simulator, **pauses)
    difference = oh.golden.first_difference(design.net, oh.golden.run(design.net, x), result.codes, result.logits)
    assert difference is None, str(difference)
    return result


@pytest.mark.parametrize(
    ("name", "simulator"),
    [*((name, "icarus") for name in NETS), ("two_classes", "verilator")],
)
def test_pieces_add_up_with_pauses(name: str, simulator: str, tmp_path: Path) -> None:
    design = emit(_net(name), tmp_path / "design")
    assert design.plan.engines[1].pieces > 1
    _plays(design, simulator, pause_in=0.2, pause_out=0.3)


def test_an_image_alone_is_sooner_through(tmp_path: Path) -> None:
    design = emit(_net("two_classes"), tmp_path / "design")
    whole = replace(design.plan, stages=tuple(replace(s, pieces=1) for s in design.plan.engines))
    without = Design(write_folder(tmp_path / "whole", render(whole, design.board)), design.net, whole, design.board)
    assert _plays(design).latency < 0.9 * _plays(without).latency


def test_pieces_are_no_shorter_than_their_neurons_take(tmp_path: Path) -> None:
    """An input of 8 words for 16 lanes is one piece; so is one that is walked in several passes."""
    rng = np.random.default_rng(5)
    short = build(rng, (1, 8, 1), [conv(8, 1), flatten(), linear(16), linear(3)])
    assert emit(short, tmp_path / "short").plan.engines[1].pieces == 1
    passes = emit(_net("one_class_and_groups_of_lanes"), tmp_path / "passes", tiles={"linear3": 3})
    assert passes.plan.engines[1].pieces == 1


def test_several_engines_take_whole_windows(tmp_path: Path) -> None:
    design = emit(_net("two_classes"), tmp_path / "design", engines=2)
    assert design.plan.engines[1].pieces == 1
    _plays(design)

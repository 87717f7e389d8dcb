"""The clocks that the planner expects of a layer, by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import onespike_hw as oh
from onespike_hw.codegen.activity import QUANTILES, Activity, measure
from onespike_hw.codegen.clocks import stage_cycles
from onespike_hw.codegen.layout import lay_out
from onespike_hw.network import Network
from tests.networks import build, conv, flatten, linear


def cnn() -> Network:
    return build(np.random.default_rng(3), (1, 6, 6), [conv(2, 3, padding=1), conv(3, 3), flatten(), linear(4)])


def test_spikes_of_a_window_drain_by_drain() -> None:
    net = cnn()
    codes = np.full((1, 2, 6, 6), net.timesteps, np.uint8)
    codes[0, 0, 2, 2], codes[0, 1, 3, 3] = 0, 1  # of the even phases, which drain first, and of the odd ones
    even, odd = measure(net, {net.layers[0].name: codes})[net.layers[1].name].class_spikes
    assert len(even) == len(odd) == min(QUANTILES, 16)
    assert (even[0], even[-1]) == (odd[0], odd[-1]) == (0, 1)


@pytest.mark.parametrize(("side", "waits"), [(7, 42), (5, 10)])
def test_a_layer_that_reads_all_of_an_input_waits_for_the_rest_of_the_next(side: int, waits: int) -> None:
    net = build(np.random.default_rng(3), (1, side, side), [flatten(), linear(4), linear(4)])
    engine = lay_out(net, 8, {}).engines[0]
    assert (engine.cols, engine.rows, engine.depth) == (side, side, 8)
    assert stage_cycles(engine, Activity()) == engine.passes * side * side + 1 + waits


def test_a_layer_that_reads_words_of_a_vector_takes_no_clocks_for_its_zeros() -> None:
    net = build(np.random.default_rng(3), (1, 8, 8), [flatten(), linear(16), linear(4)])
    engine = lay_out(net, 64, {}).engines[0]
    assert engine.skips
    assert (engine.j, engine.cols * engine.rows) == (8, 8)
    all_there, none_there = (stage_cycles(engine, Activity(density)) for density in (1.0, 0.0))
    assert all_there - none_there == 64 - engine.group_lanes


def test_input_values_at_the_zero_point_are_none() -> None:
    layers = [flatten(), linear(4), linear(4)]
    net = replace(build(np.random.default_rng(3), (2, 2, 2), layers), input_zero_point=np.array([0, 3], np.int64))
    inputs = np.array([[[[0, 1], [0, 0]], [[3, 3], [0, 3]]]], np.int64)
    assert measure(net, {}, inputs)["linear2"].density == 2 / 8


def test_a_silent_window_takes_as_many_clocks_as_its_columns_have_phases(tmp_path: Path) -> None:
    design = oh.generate(cnn(), out=tmp_path / "design")
    net, engine = design.net, design.plan.engines[1]
    assert engine.pairs
    silent = measure(net, {net.layers[0].name: np.full((1, 2, 6, 6), net.timesteps, np.uint8)})
    clocks = net.timesteps * engine.cols * engine.windows / engine.engines
    assert stage_cycles(engine, silent[engine.name]) == pytest.approx(clocks, rel=0.02)

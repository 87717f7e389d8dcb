"""Joules: Horowitz's figures times operations that one can count by hand."""

from __future__ import annotations

import numpy as np
import pytest

from onespike_hw import golden
from onespike_hw.report.energy import energy, in_words
from tests.cases import GRAPH_CASES
from tests.networks import build, conv, flatten, linear, random_inputs


def test_a_small_network_by_hand() -> None:
    net = build(np.random.default_rng(1), (1, 4, 4), [conv(2, 3), flatten(), linear(3)], timesteps=4)
    run = golden.run(net, random_inputs(np.random.default_rng(2), net, 5))
    first, last = energy(net, run).layers
    assert first.multiplies == 2 * 9 * 4
    assert last.multiplies == 8 * 3
    sops = run.sops["linear3"].mean()
    assert first.on_multipliers
    assert not last.on_multipliers
    assert last.ann_float32 == pytest.approx(24 * 4.6)
    assert last.snn_float32 == pytest.approx(sops * 0.9)
    # Q = 2^(1/2): each of the 3 potentials drains twice, a product and an addition of 32 bits each.
    assert last.snn_int8 == pytest.approx(sops * 0.1 + 3 * 2 * 3.2)
    assert first.snn_int8 == first.ann_int8 == pytest.approx(72 * 0.3)
    found = energy(net, run)
    assert found.ann_float32 == pytest.approx((72 + 24) * 4.6 / 1e6)
    assert found.snn_weights == pytest.approx((72 + sops) * 2.5 / 1e6)


def test_single_bits_over_a_graph_are_spikes() -> None:
    net = GRAPH_CASES["ring"]()
    run = golden.run(net, random_inputs(np.random.default_rng(2), net, 2))
    first, last = energy(net, run).layers
    assert not first.on_multipliers
    assert first.snn_int8 == pytest.approx(run.sops[first.name].mean() * 0.1 + 7 * 5 * 2 * 3.2)
    assert last.neuron_multiplies == 7 * 3 * (2 + 2)


def test_in_words_beside_the_paper() -> None:
    net = GRAPH_CASES["ring"]()
    lines = in_words(energy(net, golden.run(net, random_inputs(np.random.default_rng(2), net, 2))))
    assert "the paper: 4.59 to 17.26" in lines[0]
    assert lines[1].startswith("INT8: ANN ")
    assert "apart: a weight out of SRAM" in lines[2]

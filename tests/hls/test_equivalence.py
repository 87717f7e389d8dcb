"""The HLS C++ against the golden model: every kind of layer, odd shape and option, every bit of every layer."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from onespike_hw.network import Network
from tests.hls.projects import QUICK, check, some_plan
from tests.networks import CASES, build, conv, flatten, linear, maxpool, networks

FEW = (
    "wait_settled",
    "general_base_wait_1",
    "depthwise_multiplier_2",
    "avgpool_of_input",
    "stride_3",
    "zero_point_signed",
    "maxpool_overlapping_padded",
)
"""A case a kind of layer and option; what is left is for `make verify`, as each takes a compilation."""


def _equals_golden(case: str, out: Path, optimize: str = QUICK) -> None:
    net = CASES[case]()
    check(net, some_plan(net, seed=sorted(CASES).index(case)), out, optimize=optimize)


@pytest.mark.parametrize("case", FEW)
def test_every_bit_of_every_layer(case: str, tmp_path: Path) -> None:
    _equals_golden(case, tmp_path / "design")


@pytest.mark.verify
@pytest.mark.parametrize("case", sorted(set(CASES) - set(FEW)))
def test_every_bit_of_every_layer_of_all_cases(case: str, tmp_path: Path) -> None:
    _equals_golden(case, tmp_path / "design", optimize="-O2")  # more of what is undefined shows than at -O1


_MADE = settings(
    deadline=None,
    phases=(Phase.generate,),  # a smaller network that fails would take a compilation a step
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


@settings(_MADE, max_examples=2)
@given(net=networks(max_depth=3), seed=st.integers(0, 1000))
def test_generated_networks(tmp_path_factory: pytest.TempPathFactory, net: Network, seed: int) -> None:
    check(net, some_plan(net, seed), tmp_path_factory.mktemp("generated") / "design")


@pytest.mark.verify
@settings(_MADE, max_examples=40)
@given(net=networks(), seed=st.integers(0, 1000))
def test_many_generated_networks(tmp_path_factory: pytest.TempPathFactory, net: Network, seed: int) -> None:
    check(net, some_plan(net, seed), tmp_path_factory.mktemp("generated") / "design")


def test_both_ends_of_lanes_and_potentials_fit_their_widths(tmp_path: Path) -> None:
    net = build(np.random.default_rng(3), (8,), (linear(16), linear(3)))
    first, last = net.layers
    all_at_once = np.full_like(first.ladder, np.iinfo(np.int64).min)
    ends = np.array([[127], [-128], [1]], np.int8) * np.ones(16, np.int8)
    layers = (
        dataclasses.replace(first, ladder=all_at_once),
        dataclasses.replace(last, weight=ends, bias=np.zeros(3, np.int64)),
    )
    net = dataclasses.replace(net, layers=layers)
    logits = check(net, some_plan(net, seed=1), tmp_path / "design").logits
    assert logits.tolist() == [[int(net.phase_constants[0]) * 16 * weight for weight in (127, -128, 1)]] * 4


def test_names_that_are_no_identifiers_and_names_that_collide(tmp_path: Path) -> None:
    layers = (
        conv(2, 2, name="features.0"),
        conv(2, 1, name="features_0"),
        conv(2, 1, name="constexpr"),
        maxpool(2),
        flatten(),
        linear(2, name='9 "lives"\n\\'),
        linear(2, name="words"),
        linear(2, name="Größe"),
    )
    net = build(np.random.default_rng(3), (1, 5, 5), layers)
    assert check(net, some_plan(net, seed=1), tmp_path / "design").codes.keys() >= {"features.0", "features_0"}

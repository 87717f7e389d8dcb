"""The HLS C++ at its limits: the ends of its widths, and names that are no identifiers. All else: tests/equivalence."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from tests.hls.projects import check, some_plan
from tests.networks import build, conv, flatten, linear, maxpool


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
        conv(2, 1, name="features_0_tables"),
        conv(2, 1, name="constexpr"),
        maxpool(2),
        flatten(),
        linear(2, name='9 "lives"\n\\'),
        linear(2, name="words"),
        linear(2, name="Größe"),
    )
    net = build(np.random.default_rng(3), (1, 5, 5), layers)
    assert check(net, some_plan(net, seed=1), tmp_path / "design").codes.keys() >= {"features.0", "features_0"}

"""Residual adds in Verilog; tests/equivalence compares every bit with the other models."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import onespike_hw as oh
from onespike_hw import golden
from onespike_hw.codegen.design import load_design
from onespike_hw.errors import OutputError
from tests.cases import RESIDUAL_CASES
from tests.networks import add, build, conv, flatten, linear, random_inputs


def test_a_planned_design_of_a_residual_network(tmp_path: Path) -> None:
    """Each branch has engines of its own; the folder that is read again says how many."""
    net = RESIDUAL_CASES["shortcut_1x1_stride_2"]()
    design = oh.generate(net, board="pynq", out=tmp_path / "design")
    again = load_design(tmp_path / "design")
    assert [(s.name, s.out) for s in again.plan.stages] == [(s.name, s.out) for s in design.plan.stages]
    x = random_inputs(np.random.default_rng(1), net, 3)
    found = oh.simulate(again, x, "icarus")
    assert golden.first_difference(net, golden.run(net, x), found.codes, found.logits) is None


def test_a_shortcut_from_a_flattened_map_is_refused(tmp_path: Path) -> None:
    layers = (
        conv(2, 1),
        dataclasses.replace(flatten(), name="flat"),
        linear(8, name="d", charge=True),
        add("d", "flat", name="s"),
    )
    net = build(np.random.default_rng(3), (1, 2, 2), (*layers, linear(2)))
    message = r"^s: the Verilog backend has no shortcut from a flattened map of 2 x 2 pixels; generate HLS"
    with pytest.raises(OutputError, match=message):
        oh.generate(net, board="pynq", out=tmp_path / "design")
    assert not (tmp_path / "design").exists()

"""Counters: what the engines do with their clocks, in a design that was asked for them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import onespike_hw as oh
from onespike_hw.codegen.board import load_board
from onespike_hw.codegen.design import Design, render
from onespike_hw.codegen.folder import write_folder
from onespike_hw.codegen.layout import Parallel, lay_out, weighted_layers
from rtl_sim.scoreboard import lane_sops
from tests.cases import CASES, GRAPH_CASES, RESIDUAL_CASES
from tests.networks import random_inputs
from tests.rtl.designs import emit


@pytest.mark.parametrize(
    ("engines", "simulator"),
    [(1, "icarus"), (5, "icarus"), (1, "verilator"), pytest.param(5, "verilator", marks=pytest.mark.verify)],
)
def test_weights_that_were_added_are_the_synaptic_operations(engines: int, simulator: str, tmp_path: Path) -> None:
    net, board = CASES["conv_padded"](), load_board("pynq")
    parallel = {layer.name: Parallel(engines=engines) for layer in weighted_layers(net)}
    plan = replace(lay_out(net, board.input_bus_bits, parallel), counters=True)
    design = Design(write_folder(tmp_path / "design", render(plan, board)), net, plan, board)
    x = random_inputs(np.random.default_rng(3), net, 4)
    run, result = oh.golden.run(net, x), oh.simulate(design, x, simulator, pause_in=0.2, pause_out=0.3)
    assert sorted(result.counts) == sorted(engine.layer.name for engine in plan.counted)
    for engine in plan.counted:
        counts = result.counts[engine.layer.name]
        added = (2 * counts["pairs"] + counts["singles"]) * engine.lanes
        assert added == run.sops[engine.layer.name].sum(), engine.layer.name
        assert engine.pairs == (counts["pairs"] > 0)


def test_a_design_has_no_counters_unless_asked(tmp_path: Path) -> None:
    design = oh.generate(CASES["mlp"](), out=tmp_path / "plain")
    assert "counts" not in (design.path / "rtl" / "onespike_top.sv").read_text()
    counted = oh.generate(CASES["mlp"](), out=tmp_path / "counted", counters=True)
    assert "counts" in (counted.path / "rtl" / "onespike_top.sv").read_text()
    assert oh.load_design(counted.path).plan.counters


@pytest.mark.parametrize("case", ["groups_2", "depthwise", "mlp", "two_blocks_avgpool", "three_layers"])
def test_lanes_add_what_the_golden_model_counts(case: str, tmp_path: Path) -> None:
    net = {**CASES, **RESIDUAL_CASES, **GRAPH_CASES}[case]()
    x = random_inputs(np.random.default_rng(2), net, 3)
    found = oh.simulate(emit(net, tmp_path / "design", engines=2), x, "icarus")
    assert found.sops == lane_sops(net, oh.golden.run(net, x))

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
from tests.cases import CASES
from tests.networks import random_inputs


@pytest.mark.parametrize("simulator", ["icarus", "verilator"])
@pytest.mark.parametrize("engines", [1, 5])
def test_weights_that_were_added_are_the_synaptic_operations(simulator: str, engines: int, tmp_path: Path) -> None:
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

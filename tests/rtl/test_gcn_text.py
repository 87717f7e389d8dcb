"""The shipped graph of Debian packages, from its trained weights to the emitted Verilog on Verilator."""

from __future__ import annotations

from pathlib import Path

import pytest

import onespike_hw as oh
from onespike_hw.codegen.activity import Activity, measure
from onespike_hw.codegen.area import plan_resources
from onespike_hw.codegen.board import load_board
from onespike_hw.codegen.clocks import stage_cycles
from onespike_hw.codegen.order import orders
from onespike_hw.codegen.plan import GraphPlan
from onespike_hw.codegen.planner import fits
from onespike_hw.convert import zoo
from tests.rtl.test_lint import check_without_warnings


@pytest.fixture(scope="module")
def net() -> oh.Network:
    features = zoo.load_text_graph("debian-packages").dense
    return oh.convert(zoo.load_model("gcn-text"), features, timesteps=8, base="root", input_bits=1)


def test_every_node_is_bit_exact_on_verilator(net: oh.Network, tmp_path: Path) -> None:
    """Two graphs behind one another, in the clocks that the planner expects of nodes and edges."""
    features = zoo.load_text_graph("debian-packages").dense
    x = oh.golden.quantize_input(net, features[None].repeat(2, axis=0))
    x[1] = 1 - x[1]
    run = oh.golden.run(net, x)
    board = load_board("pynq")
    design = oh.generate(net, board=board, out=tmp_path / "design", activity=measure(net, run.codes, x[:1]))
    assert fits(plan_resources(design.plan), board)
    check_without_warnings(design.path / "rtl")
    found = oh.simulate(design, x)
    assert oh.golden.first_difference(net, run, found.codes, found.logits) is None
    first = next(stage for stage in design.plan.stages if isinstance(stage, GraphPlan))
    edges = stage_cycles(first, Activity(0.0))
    assert net.graph is not None
    assert net.graph.edges <= edges < 1.1 * net.graph.edges


def test_weights_come_before_edges_because_that_is_less(net: oh.Network) -> None:
    features = zoo.load_text_graph("debian-packages").dense
    x = oh.golden.quantize_input(net, features)
    run = oh.golden.run(net, x)
    for order in orders(net, x, run.codes):
        assert order.transform_first == run.sops[order.layer][0]
        assert order.transform_first < order.aggregate_first

"""Graph convolution in Verilog: whole small graphs, every bit of every node."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from torch import nn

import onespike_hw as oh
from onespike_hw import golden
from onespike_hw.codegen.board import load_board
from onespike_hw.codegen.design import Design, load_design, render
from onespike_hw.codegen.folder import write_folder
from onespike_hw.codegen.plan import GraphPlan, Plan
from onespike_hw.errors import BoardError
from onespike_hw.graph import from_edges
from onespike_hw.network import Network
from rtl_sim.tools import SIMULATORS
from tests.cases import GRAPH_CASES
from tests.hls.projects import some_plan
from tests.networks import build, graphconv, random_inputs
from tests.strategies import graph_networks

VERILATED = ("three_layers", "hub")
"""Cases that Verilator, which builds for seconds, sees here in `make test`, beside those of tests/equivalence; it sees
all of them in `make verify`."""

RUNS = [
    pytest.param(
        case, simulator, marks=pytest.mark.verify if simulator == "verilator" and case not in VERILATED else ()
    )
    for case in GRAPH_CASES
    for simulator in SIMULATORS
]


def play(plan: Plan, out: Path, simulator: str, seed: int, graphs: int = 3) -> None:
    """Play random features, and features that are all there and none, with random pauses; every bit is compared."""
    board = load_board("pynq")
    net = plan.net
    design = Design(write_folder(out, render(plan, board)), net, plan, board)
    x = random_inputs(np.random.default_rng(seed), net, graphs)
    x = np.concatenate([x, np.full_like(x[:1], net.input_range[1]), np.full_like(x[:1], net.input_range[0])])
    found = oh.simulate(design, x, simulator, pause_in=0.2, pause_out=0.3, seed=seed)
    assert golden.first_difference(net, golden.run(net, x), found.codes, found.logits) is None


@pytest.mark.parametrize(("case", "simulator"), RUNS)
def test_every_bit_of_every_node(case: str, simulator: str, tmp_path: Path) -> None:
    seed = list(GRAPH_CASES).index(case)
    play(some_plan(GRAPH_CASES[case](), seed), tmp_path / "design", simulator, seed)


_MADE = settings(phases=(Phase.generate,), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@settings(_MADE, max_examples=12)
@given(net=graph_networks(), seed=st.integers(0, 1000))
def test_generated_graphs(tmp_path_factory: pytest.TempPathFactory, net: Network, seed: int) -> None:
    play(some_plan(net, seed), tmp_path_factory.mktemp("made") / "design", "icarus", seed, graphs=1)


@pytest.mark.verify
@settings(_MADE, max_examples=150)
@given(net=graph_networks(), seed=st.integers(0, 1000))
def test_many_generated_graphs(tmp_path_factory: pytest.TempPathFactory, net: Network, seed: int) -> None:
    play(some_plan(net, seed), tmp_path_factory.mktemp("made") / "design", "icarus", seed, graphs=1)


def test_a_planned_design_read_again(tmp_path: Path) -> None:
    net = GRAPH_CASES["three_layers"]()
    design = oh.generate(net, board="pynq", out=tmp_path / "design")
    again = load_design(tmp_path / "design")
    assert [(s.name, s.out) for s in again.plan.stages] == [(s.name, s.out) for s in design.plan.stages]
    x = random_inputs(np.random.default_rng(1), net, 2)
    found = oh.simulate(again, x, "icarus")
    assert golden.first_difference(net, golden.run(net, x), found.codes, found.logits) is None


def test_an_edge_takes_a_clock(tmp_path: Path) -> None:
    """All nodes, then all edges: with many edges, the clocks from graph to graph are theirs."""
    nodes = 40
    source, target = np.indices((nodes, nodes)).reshape(2, -1)
    net = build(
        np.random.default_rng(2), (3, nodes), [graphconv(4, 12)], input_bits=1, graph=from_edges(nodes, source, target)
    )
    design = oh.generate(net, board="pynq", out=tmp_path / "design")
    (edges,) = (stage for stage in design.plan.stages if isinstance(stage, GraphPlan))
    assert edges.entries == nodes * nodes
    found = oh.simulate(design, random_inputs(np.random.default_rng(1), net, 4), "icarus")
    assert nodes * nodes < found.interval < 1.25 * nodes * nodes


def test_a_graph_that_does_not_fit_the_board(tmp_path: Path) -> None:
    nodes = 30_000
    around = np.arange(nodes)
    edges = oh.nn.adjacency(nodes, around, np.roll(around, 1), self_loops=False)
    net = oh.convert(nn.Sequential(oh.nn.GraphConv(4, 64, edges)), np.eye(4)[around % 4], input_bits=1)
    message = r"^pynq: the network does not fit; it needs at least 126 \+ \d+ block RAMs.*30,000 nodes and 30,000 edges"
    with pytest.raises(BoardError, match=message):
        oh.generate(net, board="pynq", out=tmp_path / "design")
    assert not (tmp_path / "design").exists()

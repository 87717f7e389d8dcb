"""Golden model, Verilog and HLS C++ agree on every bit of every layer."""

from __future__ import annotations

from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from onespike_hw import golden
from onespike_hw.network import Network
from rtl_sim.tools import SIMULATORS
from tests.cases import CASES, GRAPH_CASES, RESIDUAL_CASES
from tests.equivalence.matrix import BASES, INPUTS, LARGE, SHAPES, SMALL, WAITS, Row
from tests.equivalence.models import Answer, compare, complaints
from tests.hls.projects import some_plan
from tests.networks import random_inputs
from tests.strategies import graph_networks, networks, residual_networks


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp()


def _compare(row: Row, out: Path, shared: Path) -> None:
    seed = LARGE.index(row)
    compare(some_plan(row.build(), seed), row.simulator, out, shared, seed=seed)


@pytest.mark.parametrize("row", SMALL, ids=str)
def test_three_models_agree(row: Row, tmp_path: Path, shared: Path) -> None:
    _compare(row, tmp_path / "design", shared)


@pytest.mark.verify
@pytest.mark.parametrize("row", [row for row in LARGE if row not in SMALL], ids=str)
def test_three_models_agree_in_every_row(row: Row, tmp_path: Path, shared: Path) -> None:
    _compare(row, tmp_path / "design", shared)


@pytest.mark.verify
@pytest.mark.parametrize("number", range(len(CASES)), ids=list(CASES))
def test_three_models_agree_in_every_case(number: int, tmp_path: Path, shared: Path) -> None:
    """With the options of the case: other timesteps, bases and input bits than in the matrix."""
    plan = some_plan(list(CASES.values())[number](), seed=number)
    simulator = SIMULATORS[number % 2]
    compare(plan, simulator, tmp_path / "design", shared, seed=number, optimize="-O2")


FEW_ADDS = ("two_blocks_avgpool", "wait_2", "bottleneck")


@pytest.mark.parametrize("case", FEW_ADDS)
def test_three_models_agree_on_adds(case: str, tmp_path: Path, shared: Path) -> None:
    number = FEW_ADDS.index(case)
    plan = some_plan(RESIDUAL_CASES[case](), seed=number)
    compare(plan, SIMULATORS[number % 2], tmp_path / "design", shared, seed=number)


@pytest.mark.verify
@pytest.mark.parametrize("number", range(len(RESIDUAL_CASES)), ids=list(RESIDUAL_CASES))
def test_three_models_agree_on_adds_in_every_case(number: int, tmp_path: Path, shared: Path) -> None:
    plan = some_plan(list(RESIDUAL_CASES.values())[number](), seed=number + 1)
    compare(plan, SIMULATORS[(number + 1) % 2], tmp_path / "design", shared, seed=number, optimize="-O2")


FEW_GRAPHS = ("three_layers", "weighted_edges", "hub", "zero_point")


@pytest.mark.parametrize("case", FEW_GRAPHS)
def test_three_models_agree_over_graphs(case: str, tmp_path: Path, shared: Path) -> None:
    number = FEW_GRAPHS.index(case)
    plan = some_plan(GRAPH_CASES[case](), seed=number)
    compare(plan, SIMULATORS[number % 2], tmp_path / "design", shared, seed=number)


@pytest.mark.verify
@pytest.mark.parametrize("number", range(len(GRAPH_CASES)), ids=list(GRAPH_CASES))
def test_three_models_agree_over_graphs_in_every_case(number: int, tmp_path: Path, shared: Path) -> None:
    plan = some_plan(list(GRAPH_CASES.values())[number](), seed=number + 1)
    compare(plan, SIMULATORS[(number + 1) % 2], tmp_path / "design", shared, seed=number, optimize="-O2")


_MADE = settings(
    phases=(Phase.generate,),  # a smaller network that fails would take two compilations a step
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


@settings(_MADE, max_examples=2)
@given(net=networks(max_depth=3), seed=st.integers(0, 1000), simulator=st.sampled_from(SIMULATORS))
def test_three_models_agree_in_a_generated_network(
    tmp_path_factory: pytest.TempPathFactory, shared: Path, net: Network, seed: int, simulator: str
) -> None:
    compare(some_plan(net, seed), simulator, tmp_path_factory.mktemp("made") / "design", shared, seed=seed)


@pytest.mark.verify
@settings(_MADE, max_examples=40)
@given(net=networks(), seed=st.integers(0, 1000), simulator=st.sampled_from(SIMULATORS))
def test_three_models_agree_in_many_generated_networks(
    tmp_path_factory: pytest.TempPathFactory, shared: Path, net: Network, seed: int, simulator: str
) -> None:
    compare(some_plan(net, seed), simulator, tmp_path_factory.mktemp("made") / "design", shared, seed=seed)


@pytest.mark.verify
@settings(_MADE, max_examples=25)
@given(net=residual_networks(), seed=st.integers(0, 1000), simulator=st.sampled_from(SIMULATORS))
def test_three_models_agree_in_many_generated_residual_networks(
    tmp_path_factory: pytest.TempPathFactory, shared: Path, net: Network, seed: int, simulator: str
) -> None:
    compare(some_plan(net, seed), simulator, tmp_path_factory.mktemp("made") / "design", shared, seed=seed)


@pytest.mark.verify
@settings(_MADE, max_examples=25)
@given(net=graph_networks(), seed=st.integers(0, 1000), simulator=st.sampled_from(SIMULATORS))
def test_three_models_agree_over_many_generated_graphs(
    tmp_path_factory: pytest.TempPathFactory, shared: Path, net: Network, seed: int, simulator: str
) -> None:
    compare(some_plan(net, seed), simulator, tmp_path_factory.mktemp("made") / "design", shared, seed=seed)


def test_a_model_that_differs_is_named_with_the_place() -> None:
    net = CASES["maxpool_2"]()
    x = random_inputs(np.random.default_rng(1), net, 3)
    run = golden.run(net, x)
    wrong = {**run.codes, "conv3": run.codes["conv3"].copy(), "maxpool4": run.codes["maxpool4"] ^ 1}
    wrong["conv3"][1, 2, 0, 1] = net.timesteps
    less = {name: codes for name, codes in run.codes.items() if name != "maxpool2"}
    was = run.codes["conv3"][1, 2, 0, 1]
    answers = [Answer("A", run.codes, run.logits), Answer("B", wrong, run.logits), Answer("C", less, run.logits + 1)]
    assert complaints(net, run, answers) == [
        f"B: conv3, image 1, channel 2, y 0, x 1: expected phase {was}, got silent",
        f"C: maxpool2: expected codes of shape {run.codes['maxpool2'].shape}, got no codes",
    ]


CHOICES = {"shape": SHAPES, "wait": WAITS, "base": BASES, "inputs": INPUTS, "simulator": SIMULATORS}


@pytest.mark.parametrize(("one", "other"), list(combinations(CHOICES, 2)))
def test_every_two_choices_meet_in_the_large_matrix(one: str, other: str) -> None:
    met = {(getattr(row, one), getattr(row, other)) for row in LARGE}
    assert met == set(product(CHOICES[one], CHOICES[other]))


@pytest.mark.parametrize("what", ["wait", "base", "inputs", "simulator"])
def test_every_choice_is_in_the_small_matrix(what: str) -> None:
    assert {getattr(row, what) for row in SMALL} == set(CHOICES[what])

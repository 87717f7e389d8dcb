"""Residual adds in C++ against the golden model: every bit of every layer, and both ends of the widths."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import onespike_hw as oh
from onespike_hw import golden
from onespike_hw.codegen.design import load_design
from onespike_hw.codegen.layout import Parallel, lay_out
from onespike_hw.codegen.plan import AddPlan
from onespike_hw.errors import BoardError
from onespike_hw.network import Network
from tests.cases import RESIDUAL_CASES
from tests.hls.projects import check, some_plan
from tests.networks import Root, add, build, conv, flatten, linear, maxpool, random_inputs
from tests.strategies import residual_networks

FEW = ("two_blocks_avgpool", "depthwise", "wait_2")


@pytest.mark.parametrize("case", FEW)
def test_every_bit_of_every_layer(case: str, tmp_path: Path) -> None:
    net = RESIDUAL_CASES[case]()
    check(net, some_plan(net, seed=FEW.index(case)), tmp_path / "design")


@pytest.mark.verify
@pytest.mark.parametrize("case", sorted(set(RESIDUAL_CASES) - set(FEW)))
def test_every_bit_of_every_layer_of_all_cases(case: str, tmp_path: Path) -> None:
    net = RESIDUAL_CASES[case]()
    check(net, some_plan(net, seed=sorted(RESIDUAL_CASES).index(case)), tmp_path / "design", optimize="-O2")


@pytest.mark.verify
@settings(
    deadline=None,
    max_examples=20,
    phases=(Phase.generate,),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
@given(net=residual_networks(), seed=st.integers(0, 1000))
def test_generated_networks(tmp_path_factory: pytest.TempPathFactory, net: Network, seed: int) -> None:
    check(net, some_plan(net, seed), tmp_path_factory.mktemp("generated") / "design")


def test_both_ends_of_sums_and_potentials_fit_their_widths(tmp_path: Path) -> None:
    """All neurons of two layers fire at once; weights of one sign add up with the longest operand weights."""
    layers = (
        linear(16, name="a"),
        linear(16, name="b", reads="a"),
        linear(16, name="c", reads="b", charge=True),
        add("c", "a", name="s"),
        linear(2),
    )
    net = build(np.random.default_rng(3), (8,), layers, base=Root(1, 2))
    a, b, c, s, last = net.layers
    always = np.full_like(a.ladder, np.iinfo(np.int64).min)
    half = np.repeat(np.array([[1], [-1]]), 8, axis=0)
    ends = (half * np.full((16, 16), 127)).astype(np.int8)
    longest = np.array([np.ones(16, np.int64), np.where(half[:, 0] > 0, 2**15 - 1, -(2**15))])
    most = int(net.phase_constants[0]) * (16 * 127 + 2**15 - 1)
    ladder = np.repeat(np.arange(most + 8, most, -1)[None], 16, axis=0)
    net = dataclasses.replace(
        net,
        layers=(
            dataclasses.replace(a, ladder=always),
            dataclasses.replace(b, ladder=always),
            dataclasses.replace(c, weight=ends),
            dataclasses.replace(s, operand_weight=longest, bias=np.full(16, 1), ladder=ladder),
            last,
        ),
    )
    run = check(net, some_plan(net, seed=1), tmp_path / "design")
    assert run.codes["s"][0].tolist() == [7] * 8 + [8] * 8
    found = golden.run(net, random_inputs(np.random.default_rng(5), net, 1), potentials=True).potentials["s"]
    assert (int(found.max()), int(found.min())) == (most + 1, 1 - int(net.phase_constants[0]) * (16 * 127 + 2**15))


def test_a_design_for_a_board(tmp_path: Path) -> None:
    net = RESIDUAL_CASES["two_blocks_avgpool"]()
    design = oh.generate(net, board="pynq", out=tmp_path / "design", backend="hls")
    for stage in design.plan.stages:
        if isinstance(stage, AddPlan):
            feeders = [engine for engine in design.plan.engines if engine.joins is stage.layer]
            assert feeders
            for engine in feeders:
                assert (engine.engines, engine.lanes, engine.passes) == (stage.engines, stage.lanes, stage.passes)
    assert sum(engine.engines > 1 for engine in design.plan.engines) > 2, "the planner has spread them"
    again = load_design(tmp_path / "design")
    assert [(s.name, s.out) for s in again.plan.stages] == [(s.name, s.out) for s in design.plan.stages]
    x = random_inputs(np.random.default_rng(1), net, 3)
    run, found = golden.run(net, x), again.predict(x)
    assert golden.first_difference(net, run, found.codes, found.logits) is None
    assert set(found.iterations) == {"input", *(layer.name for layer in net.layers if layer.kind != "flatten")}


def test_layers_that_feed_a_sum_follow_the_one_with_the_most_groups() -> None:
    plan = lay_out(RESIDUAL_CASES["groups"](), 64, {"b.conv2": Parallel(engines=3), "b.shortcut": Parallel(7, 7)})
    engines = {engine.layer.name: engine for engine in plan.engines}
    assert (engines["b.conv2"].engines, engines["b.shortcut"].engines) == (3, 7)
    assert engines["b.conv2"].passes == engines["b.shortcut"].passes


def test_groups_that_cannot_be_walked_in_the_same_passes_are_refused() -> None:
    layers = (
        conv(96, 1, name="stem"),
        conv(96, 1, groups=2, name="c", charge=True),
        conv(96, 1, groups=3, name="d", reads="stem", charge=True),
        add("c", "d", name="s"),
        conv(2, 1),
    )
    net = build(np.random.default_rng(3), (1, 2, 2), layers)
    with pytest.raises(BoardError, match=r"^s: d and c cannot be walked in the same passes, their groups do not allow"):
        lay_out(net, 64, {})


def test_engines_that_feed_a_sum_may_add_pairs() -> None:
    plan = lay_out(RESIDUAL_CASES["identity"](), 64, {})
    assert [(engine.layer.name, engine.pairs) for engine in plan.engines if engine.layer.kind == "conv"] == [
        ("stem", False),
        ("a.conv1", True),
        ("a.conv2", True),
    ]


def test_words_suit_the_narrowest_reader() -> None:
    layers = (
        conv(64, 1, name="stem"),
        conv(64, 1, name="c", reads="stem"),
        conv(64, 1, name="d", charge=True),
        add("d", "c", name="s"),
        flatten(),
        linear(64, name="e"),
        maxpool(1, name="pool", reads="stem"),
        flatten(),
        linear(64, name="f", charge=True),
        add("f", "e", name="t"),
        linear(2),
    )
    plan = lay_out(build(np.random.default_rng(3), (1, 1, 1), layers), 64, {})
    words = {stage.layer.name: stage.out.n for stage in plan.stages}
    expected = {"stem": 16, "c": 32, "s": 8, "e": 8, "t": 8}
    assert {name: words[name] for name in expected} == expected

"""Networks over graphs: golden model against pencil and paper, and against the independent simulator."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from onespike_hw import golden
from onespike_hw.errors import InputError, NetworkError
from onespike_hw.golden import graphs
from onespike_hw.graph import Graph, from_edges
from onespike_hw.network import INPUT, Layer, Network
from tests.cases import GRAPH_CASES
from tests.golden.networks import network
from tests.networks import MAX_FRACTION_BITS, Root, build, fraction_bits_for, graphconv, random_inputs
from tests.reference import simulate

SETTINGS = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def convolution(name: str, source: str, nodes: int, weight: list, bias: list, ladder: list | None, shift: int) -> Layer:
    channels = len(weight)
    fires = ladder is not None
    return Layer(
        name=name,
        kind="graphconv",
        inputs=(source,),
        shape=(channels, nodes),
        fires=fires,
        weight=np.array(weight, np.int8),
        bias=np.array(bias, np.int64),
        ladder=np.array(ladder, np.int64) if fires else None,
        scale=np.ones(channels),
        full_scale=np.ones(channels) if fires else None,
        shift=shift,
    )


def by_hand() -> Network:
    """Node 0 sends to itself and, twice as strongly, to node 1; node 2 sends to node 1 and gets nothing."""
    edges = from_edges(3, [0, 0, 2], [0, 1, 1], [1, 2, -1], [3, 1, 5], [2, 1, 1])
    hidden = convolution("hidden", INPUT, 3, [[2]], [1], [[50, 20, 1]], shift=2)
    logits = convolution("logits", "hidden", 3, [[3], [-1]], [10, 0], None, shift=0)
    return dataclasses.replace(
        network((1,), [4, 2, 1], [dense()]), input_shape=(1, 3), layers=(hidden, logits), graph=edges
    )


def dense() -> Layer:
    return Layer(
        "x", "linear", (INPUT,), (1,), weight=np.ones((1, 1), np.int8), bias=np.zeros(1, np.int64), scale=np.ones(1)
    )


def test_two_layers_over_three_nodes() -> None:
    """z = 2x = (14, 2, 6); u = (3*14 + 2) >> 2 = 11, (1*2 + 2) >> 2 = 1, (5*6 + 2) >> 2 = 8.

    V: node 0: 1 + 2*11 = 23, phase 1, worth 2. Node 1: 1 + 1*(2*11 - 8) = 15: phase 2, worth 1. Node 2: its bias, 1,
    which reaches the last step, worth 1. Behind: z = (3, -1) * (2, 1, 1), u = (18, -6), (3, -1), (15, -5).
    """
    run = golden.run(by_hand(), np.array([[7], [1], [3]]), potentials=True)
    assert run.potentials["hidden"].tolist() == [[[23, 15, 1]]]
    assert run.codes["hidden"].tolist() == [[[1, 2, 2]]]
    assert run.logits.tolist() == [[[10 + 2 * 18, 2 * -6], [10 + 2 * 18 - 15, 2 * -6 + 5], [10, 0]]]
    assert run.predictions.tolist() == [[0, 0, 0]]
    ones = 3 + 1 + 2
    assert {name: sops.tolist() for name, sops in run.sops.items()} == {"hidden": [ones + 3], "logits": [2 * (3 + 3)]}
    assert run.spikes["hidden"].tolist() == [3]
    assert run.noise_spikes["hidden"].tolist() == [0]


def test_a_negative_product_is_rounded_to_the_nearest_and_halves_go_up() -> None:
    """-7 / 4 is -1.75, -6 / 4 is -1.5, -5 / 4 is -1.25: -2, -1, -1."""
    graph = from_edges(3, [0, 1, 2], [0, 1, 2])
    layer = convolution("logits", INPUT, 3, [[-1]], [0], None, shift=2)
    net = dataclasses.replace(network((1,), [4, 2, 1], [dense()]), input_shape=(1, 3), layers=(layer,), graph=graph)
    assert golden.run(net, np.array([[7], [6], [5]])).logits.ravel().tolist() == [-2, -1, -1]


def test_one_graph_may_come_without_a_batch_axis_and_floats_become_integers() -> None:
    net = GRAPH_CASES["zero_point"]()
    x = random_inputs(np.random.default_rng(0), net, 2)
    real = (x - net.input_offset) * net.input_scale
    both = golden.run(net, real)
    np.testing.assert_array_equal(golden.quantize_input(net, real), x)
    np.testing.assert_array_equal(golden.run(net, x).logits, both.logits)
    np.testing.assert_array_equal(golden.run(net, real[1]).logits, both.logits[1:])
    assert both.logits.shape == (2, 7, 3)
    assert both.predictions.shape == (2, 7)


def assert_golden_equals_reference(net: Network, x: NDArray[np.int64]) -> None:
    run = golden.run(net, x, potentials=True)
    reference = simulate(net, x)
    for what in ("codes", "potentials", "sops"):
        found, expected = getattr(run, what), getattr(reference, what)
        assert found.keys() == expected.keys(), what
        for name, values in expected.items():
            np.testing.assert_array_equal(found[name], values, f"{what} of {name}", strict=True)
    np.testing.assert_array_equal(run.logits, reference.logits.transpose(0, 2, 1), strict=True)
    for name, items in reference.spikes.items():
        assert run.spikes[name].tolist() == [sum(map(len, spikes.values())) for spikes in items], name


@pytest.mark.parametrize("name", GRAPH_CASES)
def test_golden_equals_reference_on_every_case(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    net = GRAPH_CASES[name]()
    x = random_inputs(np.random.default_rng(1), net, 3)
    x[0, : net.graph.nodes // 3] = net.input_zero_point  # nodes without any feature
    assert_golden_equals_reference(net, x)
    monkeypatch.setattr(graphs, "NODES_AT_ONCE", 5)
    assert_golden_equals_reference(net, x)


@st.composite
def random_graphs(draw: st.DrawFn, nodes: int) -> Graph:
    pairs = draw(st.sets(st.tuples(st.integers(0, nodes - 1), st.integers(0, nodes - 1)), max_size=3 * nodes))
    sources, targets = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    weights = st.lists(st.integers(-(1 << 15), (1 << 15) - 1), min_size=len(pairs), max_size=len(pairs))
    scales = st.lists(st.integers(0, (1 << 15) - 1), min_size=nodes, max_size=nodes)
    edge_weight = draw(st.none() | weights)
    return from_edges(nodes, sources, targets, edge_weight, draw(scales), draw(scales))


@st.composite
def random_networks(draw: st.DrawFn) -> Network:
    nodes, features = draw(st.integers(1, 8)), draw(st.integers(1, 5))
    timesteps = draw(st.integers(1, 9))
    base = draw(st.sampled_from((Root(1, 1), Root(1, 2), Root(2, 3), 1.37)))
    if fraction_bits_for(base, timesteps) > MAX_FRACTION_BITS:
        timesteps = 4
    layers = draw(st.lists(st.builds(graphconv, st.integers(1, 5), st.integers(0, 20)), min_size=1, max_size=3))
    bits, signed = draw(st.integers(2, 8)), draw(st.booleans())
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    options = {"timesteps": timesteps, "base": base, "input_bits": bits, "input_signed": signed}
    return build(rng, (features, nodes), layers, graph=draw(random_graphs(nodes)), **options)


@SETTINGS
@given(random_networks(), st.integers(0, 2**32 - 1))
def test_golden_equals_reference_on_any_network(net: Network, seed: int) -> None:
    assert_golden_equals_reference(net, random_inputs(np.random.default_rng(seed), net, 3))


@pytest.mark.parametrize("name", ["three_layers", "weighted_edges", "hub"])
def test_the_order_of_spikes_and_of_edges_cannot_matter(name: str) -> None:
    net = GRAPH_CASES[name]()
    x = random_inputs(np.random.default_rng(2), net, 2)
    in_order, shuffled = simulate(net, x), simulate(net, x, arrival_order=np.random.default_rng(0))
    np.testing.assert_array_equal(shuffled.logits, in_order.logits)
    for layer, potentials in in_order.potentials.items():
        np.testing.assert_array_equal(shuffled.potentials[layer], potentials, layer)


@pytest.mark.parametrize("name", ["ring", "three_layers", "weighted_edges", "hub", "general_base"])
def test_codes_of_the_cases_are_mixed(name: str) -> None:
    net = GRAPH_CASES[name]()
    result = simulate(net, random_inputs(np.random.default_rng(5), net, 4))
    for layer, codes in result.codes.items():
        assert 0.1 < (codes == net.timesteps).mean() < 0.9, f"{layer}: share of silent neurons"
        assert len(np.unique(codes)) > net.timesteps // 2, f"{layer}: phases in use"


def test_the_hub_has_a_degree_in_the_hundreds_and_some_nodes_none() -> None:
    assert GRAPH_CASES["hub"]().graph.degrees.max() == 130
    assert (GRAPH_CASES["directed_with_isolated_nodes"]().graph.degrees == 0).sum() >= 2


def test_the_first_difference_names_the_node() -> None:
    net = GRAPH_CASES["ring"]()
    run = golden.run(net, random_inputs(np.random.default_rng(3), net, 2))
    assert golden.first_difference(net, run, run.codes, run.logits) is None
    codes = {name: values.copy() for name, values in run.codes.items()}
    codes["graphconv1"][1, 2, 4] ^= 1
    found = golden.first_difference(net, run, codes, run.logits)
    assert str(found).startswith("graphconv1, image 1, channel 2, node 4: expected ")
    logits = run.logits.copy()
    logits[0, 6, 1] += 1
    found = golden.first_difference(net, run, run.codes, logits)
    assert (found.layer, found.image, found.channel, found.node) == ("graphconv2", 0, 1, 6)


def test_input_of_another_shape_or_range_is_refused() -> None:
    net = GRAPH_CASES["zero_point"]()
    with pytest.raises(InputError, match=r"input: shape \(3, 7\) does not fit this network; give .* \[N, 7, 3\]"):
        golden.run(net, np.zeros((3, 7)))
    x = random_inputs(np.random.default_rng(0), net, 2)
    x[1, 5, 2] = 256
    with pytest.raises(InputError, match=r"value 256 at \[1, 5, 2\] is outside 0\.\.255"):
        golden.run(net, x)
    real = (x - net.input_offset) * net.input_scale
    real[1, 5, 2] = np.nan
    with pytest.raises(InputError, match=r"value nan at \[1, 5, 2\] is not a number"):
        golden.run(net, real)


def test_a_potential_that_could_leave_64_bits_is_refused() -> None:
    net = build(np.random.default_rng(0), (3, 2), [graphconv(2)], graph=from_edges(2, [0], [1], [-(1 << 15)]))
    graph = dataclasses.replace(net.graph, source_scale=np.full(2, 32767), target_scale=np.full(2, 32767))
    last = dataclasses.replace(net.layers[0], bias=np.full(2, (1 << 63) - 1))
    with pytest.raises(NetworkError, match="graphconv1: a potential could exceed 64 bits"):
        golden.run(dataclasses.replace(net, graph=graph, layers=(last,)), np.zeros((2, 3), np.int64))

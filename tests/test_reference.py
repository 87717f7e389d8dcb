"""Golden model against the independent simulator, every bit of every layer; and what the paper says of a neuron."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from onespike_hw import golden
from onespike_hw.network import INPUT, Layer, Network
from tests.cases import CASES, RESIDUAL_CASES
from tests.networks import (
    GUARD_BITS,
    Root,
    avgpool,
    build,
    conv,
    flatten,
    fraction_bits_for,
    linear,
    phase_constants,
    random_inputs,
)
from tests.reference import Reference, simulate
from tests.strategies import networks, residual_networks

SETTINGS = settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
seeds = st.integers(0, 2**32 - 1)


def one_neuron(wait: int) -> Network:
    """Two inputs pass on their codes; "neuron" adds 3 a spike of one and takes off 2 a spike of the other."""
    first = Layer(
        name="first",
        kind="linear",
        inputs=(INPUT,),
        shape=(2,),
        fires=True,
        weight=np.eye(2, dtype=np.int8),
        bias=np.zeros(2, np.int64),
        ladder=np.array([[4, 3, 2, 1]] * 2, np.int64),
        scale=np.ones(2),
        full_scale=np.ones(2),
    )
    neuron = dataclasses.replace(
        first,
        name="neuron",
        inputs=("first",),
        shape=(1,),
        weight=np.array([[3, -2]], np.int8),
        bias=np.array([1], np.int64),
        ladder=np.array([[20, 17, 9, 5]], np.int64),
        scale=np.ones(1),
        full_scale=np.ones(1),
    )
    last = dataclasses.replace(
        neuron, name="last", inputs=("neuron",), fires=False, weight=np.array([[7]], np.int8), ladder=None
    )
    return Network(
        timesteps=4,
        base=2.0,
        start=0,
        phase_constants=np.array([8, 4, 2, 1], np.int64),
        fraction_bits=3,
        wait=wait,
        input_shape=(2,),
        input_bits=3,
        input_signed=False,
        input_zero_point=np.zeros(2, np.int64),
        input_scale=np.ones(2),
        input_offset=np.zeros(2),
        layers=(first, neuron, last),
    )


def test_a_neuron_fires_in_the_first_phase_whose_threshold_it_reaches() -> None:
    """Inputs 4 and 3 spike in phases 0 and 1: the potential is 1 + 3*8 = 25, then 25 - 2*4 = 17."""
    x = np.array([[4, 3]])
    settled = simulate(one_neuron(wait=3), x)
    assert settled.codes["first"].tolist() == [[0, 1]]
    assert settled.codes["neuron"].tolist() == [[1]], "17 reaches 17, not 20"
    assert settled.logits.tolist() == [[1 + 7 * 4]]


def test_a_neuron_that_does_not_wait_fires_a_noise_spike() -> None:
    """In phase 0 the potential is 25: the inhibition of phase 1 comes too late to take the spike back."""
    hasty = simulate(one_neuron(wait=0), np.array([[4, 3]]))
    assert hasty.codes["neuron"].tolist() == [[0]]
    assert hasty.logits.tolist() == [[1 + 7 * 8]]


def test_a_silent_neuron_has_code_t_and_sends_nothing() -> None:
    silent = simulate(one_neuron(wait=3), np.array([[0, 4]]))
    assert silent.codes["neuron"].tolist() == [[4]]
    assert silent.logits.tolist() == [[1]]
    assert {name: counts.tolist() for name, counts in silent.sops.items()} == {"first": [2], "neuron": [1], "last": [0]}


def test_the_input_is_sent_in_binary_with_a_negative_first_bit() -> None:
    """-3 is 11101 in five bits, -5 is 11011: four spikes each, and the sum of a train is its value."""
    net = build(np.random.default_rng(0), (2,), [linear(1)], input_bits=4, zero_point=[5, 9])
    result = simulate(net, np.array([[2, 4], [5, 9]]))
    weight, bias = net.layers[0].weight[0].astype(int), int(net.layers[0].bias[0])
    assert result.logits[:, 0].tolist() == [bias - 3 * weight[0] - 5 * weight[1], bias]
    assert result.sops["linear1"].tolist() == [8, 0]


def test_overlapping_averages_count_a_spike_once_in_each_window() -> None:
    """One bright pixel in the middle of 3x3 lies in all four windows of 2x2; padding adds nothing."""
    net = build(np.random.default_rng(0), (1, 3, 3), [avgpool(2, stride=1), conv(1, 2)])
    x = np.zeros((1, 1, 3, 3), np.int64)
    x[0, 0, 1, 1] = 1
    result = simulate(net, x)
    last = net.layers[-1]
    assert result.logits.ravel().tolist() == [int(last.bias[0]) + int(last.weight.astype(int).sum())]
    assert result.sops["conv2"].tolist() == [4]


def noise_spikes(net: Network, reference: Reference, name: str) -> list[int]:
    """Spikes of each image in another phase than the final potential asks for, or that it does not ask for at all."""
    ladder = net.layer(name).ladder
    counts = []
    for potentials, spikes in zip(reference.potentials[name], reference.spikes[name], strict=True):
        wanted = {
            position: [k for k in range(net.timesteps) if potentials[position] >= ladder[position[0], k]][:1]
            for position in spikes
        }
        counts.append(sum(phases not in ([], wanted[position]) for position, phases in spikes.items()))
    return counts


def assert_golden_equals_reference(net: Network, x: NDArray[np.int64]) -> None:
    run = golden.run(net, x, potentials=True)
    reference = simulate(net, x)
    for what in ("codes", "potentials", "sops"):
        found, expected = getattr(run, what), getattr(reference, what)
        assert found.keys() == expected.keys(), what
        for name, values in expected.items():
            np.testing.assert_array_equal(found[name], values, f"{what} of {name}", strict=True)
    one_pixel = net.layers[-1].shape[1:] == (1, 1)
    logits = reference.logits[:, :, 0, 0] if one_pixel else reference.logits
    np.testing.assert_array_equal(run.logits, logits, "logits", strict=True)
    assert run.spikes.keys() == run.noise_spikes.keys() == reference.spikes.keys()
    for name, images in reference.spikes.items():
        assert run.spikes[name].tolist() == [sum(map(len, spikes.values())) for spikes in images], name
        assert run.noise_spikes[name].tolist() == noise_spikes(net, reference, name), name


@pytest.mark.parametrize("name", CASES)
def test_golden_equals_reference_on_every_case(name: str) -> None:
    net = CASES[name]()
    assert_golden_equals_reference(net, random_inputs(np.random.default_rng(1), net, 6))


@SETTINGS
@given(networks(), seeds)
def test_golden_equals_reference_on_any_network(net: Network, seed: int) -> None:
    assert_golden_equals_reference(net, random_inputs(np.random.default_rng(seed), net, 3))


@pytest.mark.parametrize("name", RESIDUAL_CASES)
def test_golden_equals_reference_on_every_residual_case(name: str) -> None:
    net = RESIDUAL_CASES[name]()
    for wait in {0, 1, net.timesteps - 1}:
        waiting = dataclasses.replace(net, wait=wait)
        assert_golden_equals_reference(waiting, random_inputs(np.random.default_rng(1), net, 3))


@settings(SETTINGS, max_examples=60)
@given(residual_networks(), seeds)
def test_golden_equals_reference_on_any_residual_network(net: Network, seed: int) -> None:
    assert_golden_equals_reference(net, random_inputs(np.random.default_rng(seed), net, 3))


@pytest.mark.parametrize("name", ["identity", "two_blocks_avgpool", "vectors", "two_identities"])
def test_both_branches_of_a_sum_matter(name: str) -> None:
    """Otherwise the residual cases would not tell a model that adds from one that does not."""
    net = RESIDUAL_CASES[name]()
    x = random_inputs(np.random.default_rng(1), net, 4)
    add = next(layer for layer in net.layers if layer.kind == "add")
    for row, source in enumerate(add.inputs):
        other = without(net, add, row)
        assert (simulate(net, x).codes[add.name] != simulate(other, x).codes[add.name]).mean() > 0.1, source


def without(net: Network, add: Layer, row: int) -> Network:
    """The network where one input of an add brings nothing."""
    operand = net.layer(add.inputs[row])
    weight = add.operand_weight.copy()
    if operand.fires:
        weight[row] = 0
    silent = {add.name: dataclasses.replace(add, operand_weight=weight)}
    if not operand.fires:
        silent[operand.name] = dataclasses.replace(operand, weight=np.zeros_like(operand.weight))
    return dataclasses.replace(net, layers=tuple(silent.get(layer.name, layer) for layer in net.layers))


@pytest.mark.parametrize("name", ["wait_0", "wait_2"])
def test_the_order_of_spikes_within_a_phase_cannot_matter_in_a_sum(name: str) -> None:
    net = RESIDUAL_CASES[name]()
    x = random_inputs(np.random.default_rng(2), net, 3)
    in_order, shuffled = simulate(net, x), simulate(net, x, arrival_order=np.random.default_rng(0))
    np.testing.assert_array_equal(shuffled.logits, in_order.logits)


@pytest.mark.parametrize("name", ["wait_0", "wait_2", "wait_settled", "general_base_wait_1", "zero_point_signed"])
def test_the_order_of_spikes_within_a_phase_cannot_matter(name: str) -> None:
    net = CASES[name]()
    x = random_inputs(np.random.default_rng(2), net, 4)
    in_order = simulate(net, x)
    for seed in range(3):
        shuffled = simulate(net, x, arrival_order=np.random.default_rng(seed))
        np.testing.assert_array_equal(shuffled.logits, in_order.logits)
        for layer, codes in in_order.codes.items():
            np.testing.assert_array_equal(shuffled.codes[layer], codes, layer)
        for layer, potentials in in_order.potentials.items():
            np.testing.assert_array_equal(shuffled.potentials[layer], potentials, layer)


@SETTINGS
@given(networks(), seeds)
def test_at_most_one_spike_leaves_a_neuron(net: Network, seed: int) -> None:
    result = simulate(net, random_inputs(np.random.default_rng(seed), net, 3))
    for layer, images in result.spikes.items():
        for spikes in images:
            assert all(len(phases) <= 1 for phases in spikes.values()), layer


@pytest.mark.parametrize("name", ["wait_0", "wait_2", "general_base_wait_1"])
def test_short_waits_fire_noise_spikes(name: str) -> None:
    """Otherwise the cases would not tell a model that waits from one that does not."""
    net = CASES[name]()
    x = random_inputs(np.random.default_rng(4), net, 6)
    settled = dataclasses.replace(net, wait=net.timesteps - 1)
    hasty, patient = simulate(net, x), simulate(settled, x)
    np.testing.assert_array_equal(hasty.codes["conv1"], patient.codes["conv1"], "the first layer is settled")
    assert (hasty.codes["conv3"] < patient.codes["conv3"]).any()
    assert (hasty.codes["linear6"] != patient.codes["linear6"]).any()


@pytest.mark.parametrize("name", ["conv_padded", "kernel_7x5", "avgpool_2", "wait_0", "root_2", "general_base"])
def test_codes_of_random_networks_are_mixed(name: str) -> None:
    net = CASES[name]()
    result = simulate(net, random_inputs(np.random.default_rng(5), net, 8))
    for layer in net.layers:
        if layer.kind == "conv" and layer.fires:
            codes = result.codes[layer.name]
            assert 0.25 < (codes == net.timesteps).mean() < 0.75, f"{layer.name}: share of silent neurons"
            assert set(np.unique(codes)) == set(range(net.timesteps + 1)), f"{layer.name}: phases in use"


def test_the_silent_layer_is_silent() -> None:
    net = CASES["silent_layer"]()
    result = simulate(net, random_inputs(np.random.default_rng(6), net, 8))
    assert (result.codes["conv2"] == net.timesteps).all()
    assert (result.logits == net.layers[-1].bias).all()


def test_a_seed_always_gives_the_same_network() -> None:
    layers = [conv(3, 3, padding=1), flatten(), linear(3)]
    first, second = (build(np.random.default_rng(3), (1, 4, 4), layers) for _ in range(2))
    for one, other in zip(first.layers, second.layers, strict=True):
        np.testing.assert_array_equal(one.weight, other.weight)
        np.testing.assert_array_equal(one.bias, other.bias)
        np.testing.assert_array_equal(one.ladder, other.ladder)


@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 16), st.integers(0, 1))
def test_constants_of_a_root_base_differ_by_shifts(m: int, n: int, timesteps: int, start: int) -> None:
    base = Root(m, n)
    fraction_bits = fraction_bits_for(base, timesteps, start)
    constants = phase_constants(base, timesteps, fraction_bits, start).tolist()
    assert constants == sorted(constants, reverse=True)
    assert all(constants[k] == constants[k + n] << m for k in range(timesteps - n))
    for phase, constant in enumerate(constants):
        assert constant == pytest.approx(2**fraction_bits * float(base) ** -(phase + start), rel=2**-GUARD_BITS)


@SETTINGS
@given(networks(), seeds)
def test_random_inputs_fill_the_range(net: Network, seed: int) -> None:
    low, high = net.input_range
    x = random_inputs(np.random.default_rng(seed), net, 3)
    assert x.shape == (3, *net.input_shape)
    assert (x[-2] == low).all()
    assert (x[-1] == high).all()
    assert ((x >= low) & (x <= high)).all()

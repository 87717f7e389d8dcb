"""The torch modules compute the golden model's integers."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onespike_hw import Network, golden, nn
from onespike_hw.errors import ConversionError, InputError, NetworkError
from onespike_hw.hls4ml import to_torch
from tests import cases, networks, strategies

CONSTANTS = np.array([16, 8, 4], np.int64)
LADDER = np.array([[12, 6, 3]], np.int64)


def test_a_neuron_fires_once_in_the_first_phase_whose_threshold_it_reaches() -> None:
    neuron = nn.OneSpike(np.array([[12, 6, 3], [20, 20, 0]]))
    codes = neuron(torch.tensor([[12, 25], [11, 19], [5, 0], [2, -1]]))
    assert codes.tolist() == [[0, 0], [1, 2], [2, 2], [3, 3]]


def test_a_neuron_that_lags_one_phase_tests_later_potentials_later() -> None:
    """T = 3, wait = 1: two potentials a neuron, after the phases 1 and 2; the last one serves phases 1 and 2."""
    neuron = nn.OneSpike(LADDER, wait=1)
    assert neuron(torch.tensor([[12, 0], [11, 6], [11, 5], [0, 2]])).tolist() == [[0], [1], [2], [3]]


def test_spikes_weigh_what_their_phase_says() -> None:
    layer = nn.PhaseLinear(np.array([[2, -1, 5]], np.int8), np.array([100]), nn.Codes(CONSTANTS))
    assert layer(torch.tensor([[0, 2, 3]])).tolist() == [[100 + 2 * 16 - 4]]


def test_a_layer_that_lags_gives_the_potentials_on_the_way() -> None:
    layer = nn.PhaseLinear(np.array([[2, -1, 5]], np.int8), np.array([100]), nn.Codes(CONSTANTS), wait=0)
    assert layer(torch.tensor([[0, 2, 1]])).tolist() == [[132, 132 + 40, 132 + 40 - 4]]


def test_the_earliest_spike_of_a_window_wins() -> None:
    pool = nn.PhaseMaxPool2d((2, 2), (2, 2), (0, 0), nn.Codes(CONSTANTS))
    assert pool(torch.tensor([[[[3, 1, 3, 3], [2, 3, 3, 3]]]])).tolist() == [[[[1, 3]]]]


def test_thresholds_of_a_layer_in_real_units() -> None:
    """Behind a real-valued layer the neuron codes activations as the network codes their potentials."""
    net = networks.build(np.random.default_rng(5), (12,), [networks.linear(6), networks.linear(3)])
    layer = net.layers[0]
    assert layer.ladder is not None and layer.scale is not None  # noqa: PT018
    neuron = nn.OneSpike.from_layer(net, layer.name, fraction_bits=20)
    thresholds = neuron.thresholds.numpy()
    real = layer.ladder * layer.scale[:, np.newaxis]
    assert (thresholds >= real).all()
    assert (thresholds - real < 2.0**-20).all()
    with pytest.raises(ConversionError, match="linear2: it does not fire"):
        nn.OneSpike.from_layer(net, "linear2", fraction_bits=20)
    with pytest.raises(NetworkError, match="no such layer"):
        nn.OneSpike.from_layer(net, "relu", fraction_bits=20)


@pytest.mark.parametrize(
    ("base", "classes"),
    [
        (networks.Root(1, 1), (1, 1)),
        (networks.Root(2, 1), (1, 2)),
        (networks.Root(1, 2), (2, 1)),
        (networks.Root(2, 3), (3, 2)),
        (networks.Root(3, 4), (4, 3)),
        (1.37, (8, 0)),
    ],
)
def test_phase_constants_of_a_root_base_share_shifts(base: networks.Base, classes: tuple[int, int]) -> None:
    assert nn.Codes(networks.phase_constants(base, 8, 30)).classes == classes


def test_one_phase_is_one_class() -> None:
    assert nn.Codes(np.array([16])).classes == (1, 0)


def assert_equal_to_golden(net: Network) -> None:
    x = networks.random_inputs(np.random.default_rng(1), net, 4)
    run = golden.run(net, x)
    signal = torch.from_numpy(x)
    codes = []
    for module in to_torch(net).children():
        signal = module(signal)
        if isinstance(module, nn.OneSpike):
            codes.append(signal.numpy())
    firing = [layer.name for layer in net.layers if layer.fires]
    for name, found in zip(firing, codes, strict=True):
        np.testing.assert_array_equal(found, run.codes[name], err_msg=name)
    np.testing.assert_array_equal(signal.numpy().reshape(run.logits.shape), run.logits)


def refused(net: Network) -> bool:
    """Average pooling of spikes needs settled neurons."""
    averages = [layer for layer in net.layers if layer.kind == "avgpool"]
    return not net.settled and any(net.constants_of(layer.name) is not None for layer in averages)


@pytest.mark.parametrize("case", cases.CASES)
def test_every_kind_of_network(case: str) -> None:
    net = cases.CASES[case]()
    if refused(net):
        with pytest.raises(ConversionError, match=r"avgpool4: .* needs settled neurons, not wait"):
            to_torch(net)
    else:
        assert_equal_to_golden(net)


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(strategies.networks().filter(lambda net: not refused(net)))
def test_random_networks(net: Network) -> None:
    assert_equal_to_golden(net)


def test_names_never_clash() -> None:
    layers = [networks.linear(4, name="a.b"), networks.linear(4, name="a.b_spikes"), networks.linear(3, name="a_b")]
    net = networks.build(np.random.default_rng(5), (6,), layers)
    names = [name for name, _ in to_torch(net).named_children()]
    assert names == ["a_b", "a_b_spikes", "a_b_spikes_2", "a_b_spikes_spikes", "a_b_2"]
    assert_equal_to_golden(net)


def test_a_layer_of_a_later_kind_is_named() -> None:
    net = networks.build(np.random.default_rng(5), (6,), [networks.linear(4), networks.linear(3)])
    object.__setattr__(net, "layers", (dataclasses.replace(net.layers[0], kind="graphconv"), net.layers[1]))
    with pytest.raises(ConversionError, match="linear1: the hls4ml extension has no graphconv layers"):
        to_torch(net)


def test_a_branch_is_named() -> None:
    net = networks.build(np.random.default_rng(5), (6,), [networks.linear(6), networks.linear(3)])
    object.__setattr__(net, "layers", (net.layers[0], dataclasses.replace(net.layers[1], inputs=("input",))))
    with pytest.raises(ConversionError, match="linear2: reads input, not linear1 before it"):
        to_torch(net)


@given(st.integers(-(2**40), 2**40), st.integers(1, 2**30))
def test_potentials_stay_in_their_range(bias: int, constant: int) -> None:
    """Both ends are reached: all spikes behind positive weights, and all behind negative ones."""
    weight = np.array([[127, -128, 3, -4]], np.int8)
    layer = nn.PhaseLinear(weight, np.array([bias]), nn.Codes(np.array([constant])))
    ends = layer(torch.tensor([[1, 0, 1, 0], [0, 1, 0, 1]])).flatten().tolist()
    assert tuple(ends) == layer.potential_range


def test_potentials_beyond_float64_are_refused() -> None:
    reads = nn.Codes(np.array([2**30]))
    with pytest.raises(ConversionError, match="a potential needs 55 bits, float64 holds 53 exactly"):
        nn.PhaseLinear(np.full((1, 2**17), 127, np.int8), np.array([0]), reads)
    with pytest.raises(ConversionError, match="a ladder needs"):
        nn.OneSpike(np.array([[2**60]]))
    layers = [networks.linear(2, name="wide"), networks.linear(3)]
    net = networks.build(np.random.default_rng(5), (6,), layers)
    huge = dataclasses.replace(net.layers[0], bias=np.array([2**55, 0]))
    with pytest.raises(ConversionError, match="wide: a potential needs"):
        to_torch(dataclasses.replace(net, layers=(huge, net.layers[1])))


@pytest.mark.parametrize(
    ("ladder", "what"),
    [(np.array([3, 2]), "has shape"), (np.zeros((0, 3), np.int64), "has shape"), (np.array([[1, 2]]), "rises")],
)
def test_ladders_that_are_none(ladder: np.ndarray, what: str) -> None:
    with pytest.raises(ConversionError, match=f"ladder: {what}"):
        nn.OneSpike(ladder)


@pytest.mark.parametrize("wait", [-1, 3])
def test_waits_that_are_none(wait: int) -> None:
    with pytest.raises(ConversionError, match=f"wait: {wait} is not 0..2"):
        nn.OneSpike(LADDER, wait=wait)


@pytest.mark.parametrize("value", [-1.0, 4.0, 0.5, float("nan")])
def test_values_that_are_no_codes(value: float) -> None:
    layer = nn.PhaseLinear(np.array([[1]], np.int8), np.array([0]), nn.Codes(CONSTANTS))
    with pytest.raises(InputError, match=r"PhaseLinear: .* is no phase code 0..3; put a OneSpike in front"):
        layer(torch.tensor([[value]]))


@pytest.mark.parametrize("value", [-1.0, 256.0, 0.5, float("nan")])
def test_values_that_are_no_integers(value: float) -> None:
    layer = nn.PhaseLinear(np.array([[1]], np.int8), np.array([0]), nn.Integers(0, 255))
    with pytest.raises(InputError, match=r"PhaseLinear: .* is no integer 0..255"):
        layer(torch.tensor([[value]]))


def test_potentials_of_another_number_of_neurons() -> None:
    with pytest.raises(InputError, match="OneSpike: reads 2 channels, has thresholds for 1 neurons"):
        nn.OneSpike(LADDER)(torch.zeros(1, 2))

"""Sums are exact whatever type BLAS adds them in, up to the very ends of the interval that they can reach."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from onespike_hw import golden
from onespike_hw.errors import NetworkError
from onespike_hw.golden import synapses
from onespike_hw.network import INPUT, Network
from tests.golden.networks import flatten, network, neurons, pool, relay


def two_layers(weight: NDArray[np.int64], bias: list[int], constant: int, bundle: int = 1, ladder=None) -> Network:
    """`weight` [C, K] behind K codes that are worth `constant`, or behind averages of bundle x bundle of them."""
    channels, fields = weight.shape
    layers = [relay((fields, bundle, bundle))]
    if bundle > 1:
        layers.append(pool("avgpool", "mean", "relay", (fields, 1, 1), bundle, bundle))
    layers.append(flatten("flatten", layers[-1].name, fields))
    layers.append(neurons("sums", "flatten", (channels,), weight, bias, ladder))
    if ladder is not None:
        layers.append(neurons("out", "sums", (1,), [[1] * channels], [0]))
    return network((fields, bundle, bundle), [constant] * 3, layers)


@pytest.mark.parametrize(
    ("fields", "constant", "bundle", "dtype", "blocks", "sum_dtype"),
    [
        (8, 1 << 8, 1, np.float32, 1, np.float32),
        (124, 1 << 12, 1, np.float32, 4, np.int32),
        (496, 1 << 12, 1, np.float32, 16, np.int32),
        (497, 1 << 12, 1, np.float64, 1, np.float64),
        (512, 1 << 30, 1, np.float64, 1, np.float64),
        (800, 1 << 30, 10, np.int64, 1, np.int64),
    ],
)
def test_both_ends_of_the_interval_are_exact(
    fields: int, constant: int, bundle: int, dtype: type, blocks: int, sum_dtype: type
) -> None:
    """All weights 127, all -128, and odd ones: every input spikes, so the sums are the largest there are."""
    rng = np.random.default_rng(0)
    odd = rng.integers(-64, 64, fields) * 2 + 1
    weight = np.stack([np.full(fields, 127), np.full(fields, -128), odd])
    net = two_layers(weight, [1, -1, 0], constant, bundle)
    chosen = synapses.build(net, net.layers[-1])
    assert (chosen.dtype, len(chosen.rows[0]), chosen.sum_dtype) == (dtype, blocks, sum_dtype)
    x = np.full((2, fields, bundle, bundle), 3)
    x[1, rng.integers(0, 2, fields).astype(bool)] = 0
    spikes = (x == 3).sum(axis=(2, 3)).astype(object)
    expected = spikes @ weight.T.astype(object) * constant + np.array([1, -1, 0], object)
    assert golden.run(net, x).logits.tolist() == expected.tolist()


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_layer_is_exact(data: st.DataObject) -> None:
    """Against sums of Python's integers; groups, strides and padding too."""
    groups = data.draw(st.integers(1, 3))
    per_group, channels = data.draw(st.integers(1, 4)), groups * data.draw(st.integers(1, 2))
    kernel, stride, padding = (data.draw(st.integers(low, 3)) for low in (1, 1, 0))
    constant = data.draw(st.sampled_from([3, 1 << 8, (1 << 15) + 1, (1 << 21) - 1, (1 << 30) - 1]))
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    size = (4 + 2 * padding - kernel) // stride + 1
    weight = rng.integers(-128, 128, (channels, per_group, kernel, kernel))
    bias = rng.integers(-(2**40), 2**40, channels)
    window = {"stride": (stride, stride), "padding": (padding, padding), "groups": groups}
    layers = [
        relay((groups * per_group, 4, 4)),
        neurons("out", "relay", (channels, size, size), weight, bias, **window),
    ]
    net = network((groups * per_group, 4, 4), [constant, 2, 1], layers)
    x = rng.integers(0, 4, (2, groups * per_group, 4, 4))
    values = np.pad(np.array([0, 1, 2, constant], object)[x], [(0, 0), (0, 0), *[(padding, padding)] * 2])
    expected = np.empty((2, channels, size, size), object)
    for c, y, column in np.ndindex(channels, size, size):
        group = slice(c * groups // channels * per_group, (c * groups // channels + 1) * per_group)
        top, left = y * stride, column * stride
        fields = values[:, group, top : top + kernel, left : left + kernel]
        expected[:, c, y, column] = (fields * weight[c].astype(object)).sum(axis=(1, 2, 3)) + int(bias[c])
    assert golden.run(net, x).logits.ravel().tolist() == expected.ravel().tolist()


def test_products_too_large_for_one_step_are_exact() -> None:
    """2048 inputs and 160 channels: fewer than the fewest columns would go into one product."""
    rng = np.random.default_rng(0)
    weight = rng.integers(-128, 128, (160, 2048))
    x = rng.integers(0, 2, (40, 2048, 1, 1)) * 3
    expected = (x[:, :, 0, 0] // 3 @ weight.T) * 5
    assert (golden.run(two_layers(weight, [0] * 160, 5), x).logits == expected).all()


@pytest.mark.parametrize(("fields", "constant"), [(1, 4), (124, 1 << 12), (497, 1 << 12), (800, 1 << 40)])
def test_thresholds_hold_in_every_type(fields: int, constant: int) -> None:
    """At the potential, one above it, and far beyond all potentials."""
    potential = 127 * fields * constant + 7
    for step, code in [(potential, 0), (potential + 1, 3), (2**63 - 1, 3), (-(2**63), 0)]:
        net = two_layers(np.full((1, fields), 127), [7], constant, ladder=[[step] * 3])
        assert golden.run(net, np.full((1, fields, 1, 1), 3)).codes["sums"].tolist() == [[code]], step


def test_a_zero_point_widens_the_range_of_the_input() -> None:
    weight = [[127] * 300, [-128] * 300]
    net = network(
        (300,),
        [4, 2, 1],
        [neurons("out", INPUT, (2,), weight, [0, 0])],
        input_bits=16,
        input_zero_point=np.full(300, 65535),
    )
    run = golden.run(net, np.zeros((1, 300), np.int64))
    assert run.logits.tolist() == [[127 * 300 * -65535, 128 * 300 * 65535]]


def test_a_potential_beyond_64_bits_is_refused() -> None:
    net = two_layers(np.array([[1]]), [2**63 - 1], 4)
    with pytest.raises(NetworkError, match="sums: a potential could exceed 64 bits; use fewer fraction bits"):
        golden.run(net, np.zeros((1, 1, 1, 1)))

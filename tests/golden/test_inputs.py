"""What the network takes as input, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onespike_hw import golden
from onespike_hw.errors import InputError
from onespike_hw.input_levels import nearest
from onespike_hw.network import INPUT, Network
from tests.golden.networks import network, neurons


def rgb(**fields: Any) -> Network:
    """Two pixels of three channels: real = (integer - offset) * scale is -1..1, 0..1 and 0..25.5."""
    settings = {
        "input_scale": np.array([2 / 255, 1 / 255, 0.1]),
        "input_offset": np.array([127.5, 0.0, 0.0]),
        "input_zero_point": np.array([128, 0, 0]),
    }
    layer = neurons("out", INPUT, (1, 1, 2), np.ones((1, 3, 1, 1)), [0])
    return network((3, 1, 2), [4, 2, 1], [layer], **settings | fields)


def test_real_values_become_the_nearest_integers() -> None:
    x = np.array([[-1, 1], [0, 1], [12.7, 25.5]], np.float32).reshape(1, 3, 1, 2)
    integers = golden.quantize_input(rgb(), x)
    assert integers.dtype == np.int64
    assert integers.tolist() == [[[[0, 255]], [[0, 255]], [[127, 255]]]]


def test_halves_round_to_even() -> None:
    x = np.zeros((1, 3, 1, 2))
    x[0, 2, 0] = [0.5, 1.5]
    assert golden.quantize_input(rgb(input_scale=np.ones(3)), x)[0, 2, 0].tolist() == [0, 2]


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64, np.uint64, np.bool_])
def test_integers_are_taken_as_they_are(dtype: type) -> None:
    x = np.array([0, 1, 1, 0, 1, 0], dtype).reshape(1, 3, 1, 2)
    assert golden.quantize_input(rgb(), x).ravel().tolist() == [0, 1, 1, 0, 1, 0]


@given(st.integers(1, 16), st.booleans(), st.integers(0, 2**16 - 1))
def test_every_integer_survives_the_way_through_real_values(bits: int, signed: bool, number: int) -> None:
    layer = neurons("out", INPUT, (1,), [[1]], [0])
    fields = {"input_scale": np.array([0.037]), "input_offset": np.array([0.4])}
    net = network((1,), [4, 2, 1], [layer], input_bits=bits, input_signed=signed, **fields)
    low, high = net.input_range
    integer = low + number % (high - low + 1)
    for x in (np.array([[(integer - 0.4) * 0.037]]), np.array([[integer]])):
        assert golden.quantize_input(net, x).item() == integer


def test_half_a_step_beyond_the_ends_is_clipped() -> None:
    x = np.zeros((1, 3, 1, 2))
    x[0, 2, 0] = [-0.5, 255.5]
    assert golden.quantize_input(rgb(input_scale=np.ones(3)), x)[0, 2, 0].tolist() == [0, 255]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            1.1,
            r"value 1\.1 at \[1, 1, 0, 1\] is outside 0\.\.1, the range of channel 1; scale the data as in training, "
            r"or declare the range when converting, input_range=\(low, high\)",
        ),
        (255.51 / 255, r"outside 0\.\.1, "),
        (-0.51 / 255, r"outside 0\.\.1, "),
        (np.inf, r"value inf at \[1, 1, 0, 1\] is outside"),
        (np.nan, r"value nan at \[1, 1, 0, 1\] is not a number"),
    ],
)
def test_a_real_value_out_of_range_is_refused(value: float, message: str) -> None:
    x = np.zeros((2, 3, 1, 2))
    x[1, 1, 0, 1] = value
    with pytest.raises(InputError, match=message):
        golden.quantize_input(rgb(), x)


def test_the_range_is_that_of_the_channel() -> None:
    x = np.full((1, 3, 1, 2), 0.5)
    x[0, 0, 0, 0] = -1.2
    with pytest.raises(InputError, match=r"value -1\.2 at \[0, 0, 0, 0\] is outside -1\.\.1, the range of channel 0"):
        golden.quantize_input(rgb(), x)


@pytest.mark.parametrize(
    ("signed", "value", "allowed"), [(False, 256, "0..255"), (False, -1, "0..255"), (True, 128, "-128..127")]
)
def test_an_integer_out_of_range_is_refused(signed: bool, value: int, allowed: str) -> None:
    net = rgb(input_signed=signed, input_zero_point=np.zeros(3, np.int64))
    x = np.zeros((1, 3, 1, 2), np.int16)
    x[0, 2, 0, 1] = value
    with pytest.raises(InputError, match=rf"value {value} at \[0, 2, 0, 1\] is outside {allowed}, the integers of"):
        golden.quantize_input(net, x)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((3, 1, 2)), r"shape \(3, 1, 2\) is one image; put a batch axis in front: \[1, 3, 1, 2\]"),
        (np.zeros((5, 3, 2, 1)), r"shape \(5, 3, 2, 1\) does not fit this network; .* \[N, 3, 1, 2\]"),
        (np.zeros(()), r"shape \(\) does not fit"),
        (np.zeros((1, 3, 1, 2), complex), r"type complex128 is neither real nor integer; use float32 or uint8"),
        (np.full((1, 3, 1, 2), "1"), r"type <U1 is neither real nor integer"),
        ([[1, 2], [3]], r"not an array .* give a numpy array of shape \[N, 3, 1, 2\]"),
    ],
)
def test_another_shape_or_type_is_refused(x: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        golden.quantize_input(rgb(), x)


def test_an_input_of_one_spike_takes_the_nearest_of_its_levels() -> None:
    net = rgb(input_levels=(100, 50, 25))
    x = np.array([[-1, 1], [0, 1], [3.7, 3.8]], np.float32).reshape(1, 3, 1, 2)
    assert golden.quantize_input(net, x).tolist() == [[[[28, 228]], [[0, 100]], [[25, 50]]]]


@given(
    st.floats(-300, 300),
    st.integers(-200, 0),
    st.integers(0, 200),
    st.lists(st.integers(1, 400), min_size=1, max_size=8, unique=True),
)
def test_no_level_within_the_range_is_nearer(distance: float, low: int, high: int, levels: list[int]) -> None:
    allowed = [0, *(d for level in levels for d in (level, -level) if low <= d <= high)]
    found = float(nearest(np.array([distance]), low, high, sorted(levels, reverse=True))[0])
    assert found in allowed
    assert found * distance >= 0
    assert abs(found - distance) == min(abs(d - distance) for d in allowed if d * distance >= 0)

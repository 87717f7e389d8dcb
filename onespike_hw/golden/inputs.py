"""From what the user has, real values or integers, to the integers that the accelerator takes."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from onespike_hw.errors import InputError
from onespike_hw.input_levels import nearest
from onespike_hw.network import Int64, Network

_Number = TypeVar("_Number", np.float64, np.int64)

TOLERANCE = 0.5
"""Input steps by which a real value may lie outside the range before it is refused; inside, it is clipped."""


def quantize_input(net: Network, x: ArrayLike) -> Int64:
    """Input integers of a batch.

    x: [N, *net.input_shape]; for a network over a graph [N, nodes, C], or [nodes, C] for N = 1. Real values (float
    dtype), as the torch module takes them, become rint(real / input_scale + input_offset), round half to even, or the
    nearest integer that net.input_levels has; integers (or bool) are taken as they are.
    Returns int64 of the same shape, N in front, within net.input_range.
    Raises InputError for another shape or type, for NaN, and for the first value out of range.
    """
    return quantize_images(net, check_batch(net, x))


def check_batch(net: Network, x: ArrayLike) -> NDArray[Any]:
    """x as an array of shape [N, *net.sample_shape] and of a numeric type; InputError where it is none."""
    wanted = ", ".join(str(size) for size in net.sample_shape)
    try:
        batch = np.asarray(x)
    except (ValueError, TypeError, RuntimeError) as error:
        raise InputError(f"input: not an array ({error}); give a numpy array of shape [N, {wanted}]") from error
    if net.graph is not None and batch.shape == net.sample_shape:
        batch = batch[np.newaxis]
    if batch.shape == net.sample_shape:
        raise InputError(f"input: shape {batch.shape} is one image; put a batch axis in front: [1, {wanted}]")
    if batch.shape[1:] != net.sample_shape:
        raise InputError(f"input: shape {batch.shape} does not fit this network; give a batch of shape [N, {wanted}]")
    if batch.dtype.kind not in "fiub":
        raise InputError(f"input: type {batch.dtype} is neither real nor integer; use float32 or uint8")
    return batch


def quantize_images(net: Network, images: NDArray[Any], first: tuple[int, ...] = ()) -> Int64:
    """Input integers of a part of a checked batch; `first`: where the part begins, along the first axes."""
    low, high = net.input_range
    if images.dtype.kind != "f":
        outside = (images < low) | (images > high)
        _refuse(images, outside, first, f"outside {low}..{high}, the integers of this network's input")
        return images.astype(np.int64)
    _refuse(images, np.isnan(images), first, "not a number; clean the data")
    scale, offset = per_channel(net, net.input_scale), per_channel(net, net.input_offset)
    steps = images.astype(np.float64) / scale + offset
    outside = (steps < low - TOLERANCE) | (steps > high + TOLERANCE)
    if outside.any():
        channel = int(np.argwhere(outside)[0][1 if net.graph is None else -1])
        least, most = (np.array([low, high]) - net.input_offset[channel]) * net.input_scale[channel]
        way_out = "scale the data as in training, or declare the range when converting, input_range=(low, high)"
        _refuse(images, outside, first, f"outside {least:.6g}..{most:.6g}, the range of channel {channel}; {way_out}")
    if net.input_levels is not None:
        zero = per_channel(net, net.input_zero_point)
        return (zero + nearest(steps - zero, low - zero, high - zero, net.input_levels)).astype(np.int64)
    return np.clip(np.rint(steps), low, high).astype(np.int64)


def per_channel(net: Network, values: NDArray[_Number]) -> NDArray[_Number]:
    """[C] as an array that broadcasts over a batch [N, *net.sample_shape]."""
    return values if net.graph is not None else values.reshape(-1, *[1] * (len(net.input_shape) - 1))


def _refuse(images: NDArray[Any], wrong: NDArray[np.bool_], first: tuple[int, ...], why: str) -> None:
    if not wrong.any():
        return
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    index = ", ".join(str(sum(pair)) for pair in zip_longest(place, first, fillvalue=0))
    raise InputError(f"input: value {images[place]} at [{index}] is {why}")

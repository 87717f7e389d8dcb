"""Sliding windows over the last two axes (y, x), and what is taken of them. Arrays are [C, N, H, W] or [N, H, W]."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from onespike_hw.network import Int64, Layer, Pair

Array = NDArray[Any]


def padded(values: Array, padding: Pair, fill: int) -> Array:
    """`values` with `padding` (y, x) rows and columns of `fill` on each side."""
    (above, left), (height, width) = padding, values.shape[-2:]
    if above == left == 0:
        return values
    result = np.full((*values.shape[:-2], height + 2 * above, width + 2 * left), fill, values.dtype)
    result[..., above : above + height, left : left + width] = values
    return result


def columns(values: Array, layer: Layer) -> Array:
    """The receptive fields of a conv layer, side by side.

    values: [C, N, H, W]. Returns [groups, C / groups * K_h * K_w, N * H_out * W_out], inputs in the order of
    torch's weights. Padding is 0.
    """
    groups, (down, right) = layer.groups, layer.stride
    views = sliding_window_view(padded(values, layer.padding, 0), layer.kernel_size, axis=(2, 3))
    ordered = views[:, :, ::down, ::right].transpose(0, 4, 5, 1, 2, 3)
    fields = values.shape[0] // groups * layer.kernel_size[0] * layer.kernel_size[1]
    return ordered.reshape(groups, fields, -1)


def _offsets(values: Array, layer: Layer, fill: int) -> list[Array]:
    source = padded(values, layer.padding, fill)
    (down, right), (height, width) = layer.stride, layer.shape[1:]
    return [
        source[..., y : y + (height - 1) * down + 1 : down, x : x + (width - 1) * right + 1 : right]
        for y in range(layer.kernel_size[0])
        for x in range(layer.kernel_size[1])
    ]


def window_sum(values: Array, layer: Layer) -> Array:
    """Sum over each window of a pooling layer; padding is 0."""
    return reduce(np.add, _offsets(values, layer, 0))


def window_min(values: Array, layer: Layer, fill: int) -> Array:
    """Minimum over each window of a pooling layer; padding is `fill`."""
    return reduce(np.minimum, _offsets(values, layer, fill))


def readers(layer: Layer, source_shape: tuple[int, ...]) -> Int64:
    """How many neurons of a conv or linear layer read each pixel of its source; int64 [H, W], or [] for linear."""
    if layer.kind == "linear":
        return np.array(layer.shape[0], np.int64)
    rows, cols = (_windows_over(layer, axis, source_shape[1 + axis]) for axis in (0, 1))
    return np.outer(rows, cols) * (layer.shape[0] // layer.groups)


def _windows_over(layer: Layer, axis: int, size: int) -> Int64:
    kernel, stride, padding = layer.kernel_size[axis], layer.stride[axis], layer.padding[axis]
    counts = np.zeros(size + 2 * padding, np.int64)
    for start in range(0, layer.shape[1 + axis] * stride, stride):
        counts[start : start + kernel] += 1
    return counts[padding : padding + size]

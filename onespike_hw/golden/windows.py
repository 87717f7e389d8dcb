"""Sliding windows over images, and what is taken of them.

Arrays are [C, H, N, W] or [H, N, W]: a row of pixels of every image, then the next row. So the rows that one kernel
row reads at stride 1 lie together, and are a matrix without a copy.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from onespike_hw.network import Int64, Layer, Pair

Array = NDArray[Any]


def padded(values: Array, padding: Pair, fill: int) -> Array:
    """`values` with `padding` (y, x) rows and columns of `fill` on each side."""
    (above, left), (height, images, width) = padding, values.shape[-3:]
    if above == left == 0:
        return values
    result = np.full((*values.shape[:-3], height + 2 * above, images, width + 2 * left), fill, values.dtype)
    result[..., above : above + height, :, left : left + width] = values
    return result


def kernel_rows(values: Array, layer: Layer) -> Iterator[Array]:
    """The receptive fields of a conv layer, one kernel row after the other.

    values: [C, H, N, W]. Gives K_h matrices [groups, C / groups * K_w, H_out * N * W_out]. Padding is 0.
    """
    views = sliding_window_view(padded(values, layer.padding, 0), layer.kernel_size[1], axis=3)
    down, right = layer.stride
    ordered = views[:, :, :, ::right].transpose(0, 4, 1, 2, 3)
    fields = values.shape[0] // layer.groups * layer.kernel_size[1]
    rows = ordered.reshape(layer.groups, fields, *ordered.shape[2:])
    reach = (layer.shape[1] - 1) * down + 1
    for y in range(layer.kernel_size[0]):
        yield rows[:, :, y : y + reach : down].reshape(layer.groups, fields, -1)


def window_sum(values: Array, layer: Layer) -> Array:
    """Sum over each window of a pooling layer; padding is 0."""
    return reduce(np.add, _offsets(values, layer, 0))


def window_min(values: Array, layer: Layer, fill: int) -> Array:
    """Minimum over each window of a pooling layer; padding is `fill`."""
    return reduce(np.minimum, _offsets(values, layer, fill))


def readers(layer: Layer, source_shape: tuple[int, ...]) -> Int64:
    """How many neurons of a conv or linear layer read each pixel of its source: int64 [H, 1, W], [] for linear."""
    if layer.kind == "linear":
        return np.array(layer.shape[0], np.int64)
    rows, columns = (_windows_over(layer, axis, source_shape[1 + axis]) for axis in (0, 1))
    return rows[:, np.newaxis, np.newaxis] * columns * (layer.shape[0] // layer.groups)


def _offsets(values: Array, layer: Layer, fill: int) -> list[Array]:
    """One array for each place in a pooling window: the values that the windows have there."""
    source = padded(values, layer.padding, fill)
    (down, right), (height, width) = layer.stride, layer.shape[1:]
    return [
        source[..., y : y + (height - 1) * down + 1 : down, :, x : x + (width - 1) * right + 1 : right]
        for y in range(layer.kernel_size[0])
        for x in range(layer.kernel_size[1])
    ]


def _windows_over(layer: Layer, axis: int, size: int) -> Int64:
    """How many windows lie over each row (axis 0) or column (axis 1) of the source."""
    kernel, stride, padding = layer.kernel_size[axis], layer.stride[axis], layer.padding[axis]
    counts = np.zeros(size + 2 * padding, np.int64)
    for start in range(0, layer.shape[1 + axis] * stride, stride):
        counts[start : start + kernel] += 1
    return counts[padding : padding + size]

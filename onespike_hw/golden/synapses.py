"""Sums of weights times values, exact, at the speed of BLAS.

Floating point adds integers exactly while every partial sum stays below 2^24 (float32) or 2^53 (float64), in whatever
order BLAS adds them. What float64 cannot hold is summed in int64.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from math import prod
from operator import iadd
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onespike_hw.errors import NetworkError
from onespike_hw.network import INPUT, Int64, Layer, Network

FLOAT32_LIMIT = 1 << 24
FLOAT64_LIMIT = 1 << 53
INT64_LIMIT = 1 << 63
MOST_FLOAT32_BLOCKS = 16
"""Where the inputs would have to be cut into more blocks than this for float32, one float64 product is faster."""

PRODUCT_SIZE = 1 << 18
"""Multiply-adds of one matrix product. Up to here OpenBLAS stays in the thread that asks. So images run side by side,
a thread for each core, with all that is done to them; threads inside BLAS would speed up the products alone."""
COLUMNS = 16
"""A product of PRODUCT_SIZE takes a multiple of this many columns, as BLAS does; with none left, BLAS gets it whole."""

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
INT32, INT64 = np.dtype(np.int32), np.dtype(np.int64)


@dataclass(frozen=True)
class Synapses:
    """The weights of a conv or linear layer, ready for exact matrix products.

    rows       for each kernel row (a linear layer has one) its weights, cut along K into equal blocks whose products
               are exact: [groups * blocks, C_out / groups, K / blocks]
    blocks     of each group of a kernel row
    sum_dtype  type that holds the sum over all blocks exactly
    lowest, highest  the interval in which every sum lies, partial ones included; it contains 0
    """

    rows: tuple[NDArray[Any], ...]
    blocks: int
    sum_dtype: np.dtype[Any]
    lowest: int
    highest: int

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of weights and values."""
        return self.rows[0].dtype

    def sums(self, fields: Iterable[NDArray[Any]]) -> NDArray[Any]:
        """Values, [groups, K, M] for each kernel row, of type `dtype`, to sums [C_out, M] of type `sum_dtype`."""
        total: NDArray[Any] = reduce(iadd, map(self._row_sums, self.rows, fields))
        return total.reshape(-1, total.shape[2])

    def _row_sums(self, weights: NDArray[Any], values: NDArray[Any]) -> NDArray[Any]:
        """The share of one kernel row: [groups, C_out / groups, M]."""
        groups, size, columns = values.shape
        products = _product(weights, values.reshape(groups * self.blocks, size // self.blocks, columns))
        exact = products.astype(self.sum_dtype, copy=False)
        if self.blocks == 1:
            return exact
        return np.asarray(exact.reshape(groups, self.blocks, -1, columns).sum(axis=1, dtype=self.sum_dtype))


def build(net: Network, layer: Layer) -> Synapses:
    """The synapses of a conv or linear layer; NetworkError where a potential could leave 64 bits."""
    assert layer.weight is not None
    weight = layer.weight.reshape(layer.shape[0], -1, *layer.kernel_size).astype(np.int64)
    low, high = value_range(net, layer.inputs[0])
    lowest, highest = _reach(weight.reshape(layer.shape[0], -1), low, high)
    check_potential(layer, lowest, highest)
    rows = [row.reshape(layer.groups, layer.shape[0] // layer.groups, -1) for row in np.moveaxis(weight, 2, 0)]
    size = rows[0].shape[2]
    for count in range(1, MOST_FLOAT32_BLOCKS // len(rows) + 1):
        if size % count:
            continue
        blocks = [_blocks(row, count) for row in rows]
        if all(_within(_reach(block, low, high), FLOAT32_LIMIT) for block in blocks):
            sum_dtype = FLOAT32 if _within((lowest, highest), FLOAT32_LIMIT) else INT32
            return Synapses(_typed(blocks, FLOAT32), count, sum_dtype, lowest, highest)
    dtype = FLOAT64 if _within((lowest, highest), FLOAT64_LIMIT) else INT64
    return Synapses(_typed(rows, dtype), 1, dtype, lowest, highest)


def _blocks(weights: Int64, count: int) -> Int64:
    """[groups, C, K] as [groups * count, C, K / count], all blocks of a group together."""
    groups, outputs, size = weights.shape
    return (
        weights.reshape(groups, outputs, count, size // count).transpose(0, 2, 1, 3).reshape(-1, outputs, size // count)
    )


def check_potential(layer: Layer, lowest: int, highest: int) -> None:
    """NetworkError where the bias and a sum in lowest..highest could leave 64 bits."""
    assert layer.bias is not None
    if max(highest + 1, -lowest) + int(np.abs(layer.bias.astype(object)).max()) >= INT64_LIMIT:
        raise NetworkError(f"{layer.name}: a potential could exceed 64 bits; use fewer fraction bits")


def value_range(net: Network, name: str) -> tuple[int, int]:
    """Least and greatest value, in units of the phase constants, that can leave the layer of that name; spans 0."""
    if name == INPUT:
        low, high = net.input_range
        return low - int(net.input_zero_point.max()), high - int(net.input_zero_point.min())
    layer = net.layer(name)
    constants = net.constants_of(name)
    if layer.fires and constants is not None:
        return 0, int(constants[0])
    low, high = value_range(net, layer.inputs[0])
    bundle = prod(layer.kernel_size) if layer.kind == "avgpool" else 1
    return bundle * low, bundle * high


def _product(weights: NDArray[Any], values: NDArray[Any]) -> NDArray[Any]:
    """weights [groups, C, K] @ values [groups, K, M], a few of the M columns at a time (see PRODUCT_SIZE)."""
    step = PRODUCT_SIZE // weights[0].size // COLUMNS * COLUMNS
    if step == 0:
        return np.asarray(np.matmul(weights, values))
    result = np.empty((*weights.shape[:2], values.shape[2]), weights.dtype)
    whole = values.shape[2] // step * step
    np.matmul(weights, _steps(values[:, :, :whole], step), out=_steps(result[:, :, :whole], step))
    if whole < values.shape[2]:
        np.matmul(weights, values[:, :, whole:], out=result[:, :, whole:])
    return result


def _steps(columns: NDArray[Any], step: int) -> NDArray[Any]:
    """[groups, K, M] as a view [M / step, groups, K, step]."""
    return columns.reshape(*columns.shape[:2], -1, step).transpose(2, 0, 1, 3)


def _typed(rows: list[Int64], dtype: np.dtype[Any]) -> tuple[NDArray[Any], ...]:
    return tuple(row.astype(dtype) for row in rows)


def _reach(weight: Int64, low: int, high: int) -> tuple[int, int]:
    """The interval that no partial sum of weights [..., K] times values in low..high can leave."""
    positive = np.maximum(weight, 0).sum(axis=-1).astype(object)
    negative = np.minimum(weight, 0).sum(axis=-1).astype(object)
    return int((low * positive + high * negative).min()), int((high * positive + low * negative).max())


def _within(interval: tuple[int, int], limit: int) -> bool:
    return max(interval[1], -interval[0]) < limit

"""Sums of weights times values, exact, at the speed of BLAS.

Floating point adds integers exactly while every partial sum stays below 2^24 (float32) or 2^53 (float64), in whatever
order BLAS adds them. What float64 cannot hold is summed in int64.
"""

from __future__ import annotations

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

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
INT32, INT64 = np.dtype(np.int32), np.dtype(np.int64)


@dataclass(frozen=True)
class Synapses:
    """The weights of a conv or linear layer, ready for exact matrix products.

    blocks     weights [groups, C_out / groups, K_block]: cut along their inputs, so that each product is exact
    sum_dtype  type that holds the sum over all blocks exactly
    lowest, highest  the interval in which every sum lies, partial ones included; it contains 0
    """

    blocks: tuple[NDArray[Any], ...]
    sum_dtype: np.dtype[Any]
    lowest: int
    highest: int

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of weights and values."""
        return self.blocks[0].dtype

    def sums(self, fields: NDArray[Any]) -> NDArray[Any]:
        """Values [groups, K, M] of type `dtype` to sums [C_out, M] of type `sum_dtype`."""
        ends = np.cumsum([block.shape[2] for block in self.blocks])[:-1]
        parts = zip(self.blocks, np.split(fields, ends, axis=1), strict=True)
        products = (np.matmul(block, part).astype(self.sum_dtype, copy=False) for block, part in parts)
        total: NDArray[Any] = reduce(iadd, products)
        return total.reshape(-1, fields.shape[2])


def build(net: Network, layer: Layer) -> Synapses:
    """The synapses of a conv or linear layer; NetworkError where a potential could leave 64 bits."""
    assert layer.weight is not None
    assert layer.bias is not None
    weight = layer.weight.reshape(layer.shape[0], -1).astype(np.int64)
    low, high = value_range(net, layer.inputs[0])
    lowest, highest = _reach(weight, low, high)
    if max(highest + 1, -lowest) + int(np.abs(layer.bias.astype(object)).max()) >= INT64_LIMIT:
        raise NetworkError(f"{layer.name}: a potential could exceed 64 bits; use fewer fraction bits")
    grouped = weight.reshape(layer.groups, -1, weight.shape[1])
    for count in range(1, min(MOST_FLOAT32_BLOCKS, weight.shape[1]) + 1):
        parts = np.array_split(weight, count, axis=1)
        if all(_within(_reach(part, low, high), FLOAT32_LIMIT) for part in parts):
            blocks = tuple(part.astype(FLOAT32) for part in np.array_split(grouped, count, axis=2))
            return Synapses(blocks, FLOAT32 if count == 1 else INT32, lowest, highest)
    dtype = FLOAT64 if _within((lowest, highest), FLOAT64_LIMIT) else INT64
    return Synapses((grouped.astype(dtype),), dtype, lowest, highest)


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


def _reach(weight: Int64, low: int, high: int) -> tuple[int, int]:
    """The interval that no partial sum of [C_out, K] weights times values in low..high can leave."""
    positive = np.maximum(weight, 0).sum(axis=1).astype(object)
    negative = np.minimum(weight, 0).sum(axis=1).astype(object)
    return int((low * positive + high * negative).min()), int((high * positive + low * negative).max())


def _within(interval: tuple[int, int], limit: int) -> bool:
    return max(interval[1], -interval[0]) < limit

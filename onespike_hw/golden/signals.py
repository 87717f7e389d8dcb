"""What flows between layers: codes, sums of codes, integers (docs/contract.md, "What flows between layers").

Arrays are [C, H, N, W], a row of pixels of every image and then the next row, or [C, N] behind a flatten or linear
layer. So one row of a matrix product is one channel, and one threshold holds for a whole row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from onespike_hw.golden.windows import window_min, window_sum
from onespike_hw.network import Int64, Layer

Array = NDArray[Any]
PhaseCodes = NDArray[np.uint8]


class Signal(Protocol):
    """What a layer reads, for a few images."""

    def values(self, dtype: np.dtype[Any]) -> Array:
        """What every value stands for when all its spikes have arrived: the sum of their phase constants."""

    def arrivals(self, phase: int, dtype: np.dtype[Any]) -> Array:
        """The share of `values` that arrives in this phase."""

    def spikes(self) -> Int64:
        """Spikes of each pixel, summed over its channels: int64 [H, N, W] or [N]."""

    def flat(self) -> Signal:
        """The same behind a flatten layer."""


@dataclass(frozen=True)
class Codes:
    """One phase code a value.

    codes      uint8, 0..T-1, T = silent
    constants  int64 (T,)
    """

    codes: PhaseCodes
    constants: Int64

    def values(self, dtype: np.dtype[Any]) -> Array:
        return np.asarray(np.append(self.constants, 0).astype(dtype).take(self.codes))

    def arrivals(self, phase: int, dtype: np.dtype[Any]) -> Array:
        return np.asarray((self.codes == phase) * self.constants[phase].astype(dtype))

    def spikes(self) -> Int64:
        spikes = self.codes < len(self.constants)
        return np.asarray(spikes.view(np.uint8).sum(axis=0, dtype=np.min_scalar_type(len(spikes))), np.int64)

    def flat(self) -> Codes:
        return Codes(flattened(self.codes), self.constants)

    def earliest(self, layer: Layer) -> Codes:
        """The same behind a max pooling layer: the earliest spike of the window wins."""
        return Codes(window_min(self.codes, layer, fill=len(self.constants)), self.constants)


@dataclass(frozen=True)
class Integers:
    """The network's own input: d = x - zero point. All of it arrives before a layer tests its first phase.

    integers  int64
    bits      width of the binary train that stands for each of them in two's complement
    """

    integers: Int64
    bits: int

    def values(self, dtype: np.dtype[Any]) -> Array:
        return self.integers.astype(dtype)

    def arrivals(self, phase: int, dtype: np.dtype[Any]) -> Array:
        return self.values(dtype) if phase == 0 else np.zeros(self.integers.shape, dtype)

    def spikes(self) -> Int64:
        ones = np.bitwise_count(self.integers & ((1 << self.bits) - 1))
        return np.asarray(ones.sum(axis=0, dtype=np.int64))

    def flat(self) -> Integers:
        return Integers(flattened(self.integers), self.bits)


@dataclass(frozen=True)
class Sums:
    """Bundles: average pooling passes on every spike of its window, never rounded, never coded."""

    source: Signal
    layer: Layer

    def values(self, dtype: np.dtype[Any]) -> Array:
        return window_sum(self.source.values(dtype), self.layer)

    def arrivals(self, phase: int, dtype: np.dtype[Any]) -> Array:
        return window_sum(self.source.arrivals(phase, dtype), self.layer)

    def spikes(self) -> Int64:
        return window_sum(self.source.spikes(), self.layer)

    def flat(self) -> FlatSums:
        return FlatSums(self)


@dataclass(frozen=True)
class FlatSums:
    """Bundles behind a flatten layer."""

    source: Sums

    def values(self, dtype: np.dtype[Any]) -> Array:
        return flattened(self.source.values(dtype))

    def arrivals(self, phase: int, dtype: np.dtype[Any]) -> Array:
        return flattened(self.source.arrivals(phase, dtype))

    def spikes(self) -> Int64:
        return per_image(self.source.spikes())

    def flat(self) -> FlatSums:
        return self


def flattened(values: Array) -> Array:
    """[C, H, N, W] to [C * H * W, N], index (c * H + y) * W + x; [C, N] stays."""
    if values.ndim == 2:
        return values
    return values.transpose(0, 1, 3, 2).reshape(-1, values.shape[2])


def per_image(counts: Int64) -> Int64:
    """Counts of each pixel, [H, N, W] or [N], summed to [N]."""
    return counts if counts.ndim == 1 else np.asarray(counts.sum(axis=(0, 2)))


def images_in(values: Array) -> int:
    """N of [C, H, N, W] or [C, N]."""
    return int(values.shape[-1 if values.ndim == 2 else -2])


def from_batch(values: Array) -> Array:
    """[N, C, H, W] to [C, H, N, W], or [N, C] to [C, N]."""
    return values.T if values.ndim == 2 else values.transpose(1, 2, 0, 3)


def to_batch(values: Array) -> Array:
    """[C, H, N, W] to [N, C, H, W], or [C, N] to [N, C]."""
    return values.T if values.ndim == 2 else values.transpose(2, 0, 1, 3)

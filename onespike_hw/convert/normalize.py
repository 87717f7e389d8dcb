"""Full scales: the activation that a spike of full strength stands for, per channel or per layer, from calibration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from onespike_hw.convert.base import Coding, Sample
from onespike_hw.convert.layers import FloatLayer, apply, flow, readers_of
from onespike_hw.convert.options import Options
from onespike_hw.errors import ConversionError

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

_BATCH = 64
_VALUES_OF_A_CHANNEL = 1 << 14
_VALUES_OF_A_LAYER = 1 << 16
_SCALE_FACTORS = 2.0 ** (np.arange(-48, 9) / 16)


@dataclass(frozen=True, eq=False)
class Activations:
    """What a layer's ReLU leaves on the calibration images.

    name        the layer
    values      float32 [C, M], >= 0: what of it other layers read, behind max pooling where that alone follows (it
                commutes with the code); every channel at the same places, at most 16,384 of them
    percentiles float64 [C], > 0: the percentile asked for, of all the channel's activations or of all the layer's
    """

    name: str
    values: Float32
    percentiles: Float64

    def in_full_scales(self, full_scales: Float64) -> Sample:
        """The layer's activations divided by their channel's full scale, at most 65,536 of them."""
        normalised = (self.values / full_scales[:, None]).ravel()
        return Sample(normalised[_places(len(normalised), _VALUES_OF_A_LAYER)])


def observe(layers: Sequence[FloatLayer], images: Tensor, options: Options) -> Iterator[Activations]:
    """Run the layers on the calibration images, one by one; yields the activations behind each ReLU, in order.

    images   float32 [N, ...]

    Raises ConversionError where an activation is not finite, or where percentiles are the full scales and there are too
    few activations for them.
    """
    for layer, x in flow(layers, images, run_batches):
        if not bool(torch.isfinite(x).all()):
            raise ConversionError(f"{layer.name}: its activations on the calibration images overflow; scale them down")
        if layer.relu:
            pool = max_pool_behind(layers, layer)
            pooled = x if pool is None else run_batches(pool, [x])
            yield _activations(layer.name, _channels(x), _channels(pooled), options)


def run_batches(layer: FloatLayer, read: Sequence[Tensor]) -> Tensor:
    """What leaves a layer for many images, [N, ...] for each of its inputs, a few at a time."""
    parts = zip(*(torch.split(x, _BATCH) for x in read), strict=True)
    with torch.no_grad():
        return torch.cat([apply(layer, *part) for part in parts])


def max_pool_behind(layers: Sequence[FloatLayer], layer: FloatLayer) -> FloatLayer | None:
    """The max pooling that alone reads a layer: it commutes with the code, and hides all but maxima."""
    readers = readers_of(layers, layer.name)
    return readers[0] if len(readers) == 1 and readers[0].kind == "maxpool" else None


def _channels(x: Tensor) -> Float32:
    return x.transpose(0, 1).flatten(1).numpy()


def _activations(name: str, values: Float32, read: Float32, options: Options) -> Activations:
    rows = values if options.normalization == "channel" else values.reshape(1, -1)
    count, percentile = rows.shape[1], options.percentile
    least = 0.5 / (1 - percentile / 100) if percentile < 100 else 1
    if not options.calibrate and count < least - 1e-6:
        what = f"its images give {count} activations a {options.normalization} of {name}"
        way_out = f"give {least / count:.1f} times as many images, use calibrate=True, or a lower percentile"
        raise ConversionError(f"calibration: {what}, too few for percentile {percentile:g}; {way_out}")
    scales = np.quantile(rows, percentile / 100, axis=1).astype(np.float64)
    largest = rows.max(axis=1)
    scales = _positive(np.where(scales > 0, scales, largest))
    per_channel = np.broadcast_to(scales, len(values)).copy()
    return Activations(name, read[:, _places(read.shape[1], _VALUES_OF_A_CHANNEL)], per_channel)


def _positive(scales: Float64) -> Float64:
    """Full scales of channels that are always silent: the median of the layer's others, or 1 where all are."""
    alive = scales > 0
    fallback = float(np.median(scales[alive])) if bool(alive.any()) else 1.0
    return np.where(alive, scales, fallback)


def _places(count: int, most: int) -> NDArray[np.int64]:
    """At most that many indices below count, chosen at random, the same ones every time."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).choice(count, most, replace=False))


def least_squares_scales(activations: Activations, coding: Coding, normalization: str) -> Float64:
    """Full scales, float64 [C], for which the coded activations have the least squared error.

    Searched from 1/8 to 1.4 of the channel's (the layer's) largest activation, in steps of 2^(1/16).
    """
    if normalization == "layer":
        best = _least_squares_scale(activations.values, coding)
        return np.full_like(activations.percentiles, best) if best > 0 else activations.percentiles
    scales = np.array([_least_squares_scale(values, coding) for values in activations.values])
    return np.where(scales > 0, scales, activations.percentiles)


def _least_squares_scale(values: Float32, coding: Coding) -> float:
    sample = Sample(values)
    candidates = _SCALE_FACTORS * sample.values[-1]
    return float(min(candidates, key=lambda scale: sample.squared_error(coding, scale)))

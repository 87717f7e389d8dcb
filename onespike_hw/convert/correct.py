"""Correction of what the layers before have left, layer after layer, on the calibration images. No labels, no training.

A layer that reads coded activations with rounded weights finds z' where the trained network finds z. Its channels get
the line a * z' + b that is nearest to z where either is above 0: a is positive and goes into scale and ladder, b into
the bias. Integer weights stay as they are. (Bias correction alone: Nagel et al., arXiv 1906.04721.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from onespike_hw.convert import compose
from onespike_hw.convert.layers import FloatLayer, apply
from onespike_hw.convert.neurons import Neurons

Float64 = NDArray[np.float64]

_BATCH = 64
_PRIOR = 32
"""Active values of a channel that weigh as much as the belief that there is nothing to correct."""
_STEEPEST = 2.0


@dataclass(frozen=True, eq=False)
class Line:
    """Per channel z ~ slope * z' + shift: float64 [C]."""

    slope: Float64
    shift: Float64


def corrected(
    trained: Sequence[FloatLayer],
    chain: Sequence[FloatLayer],
    neurons: Mapping[str, Neurons],
    images: Tensor,
    coded_images: Tensor,
) -> list[FloatLayer]:
    """`chain` with biases and slopes that make up for the mean errors of coding and of weights.

    trained       the layers as trained
    chain         the same layers, with weights as the network holds them
    neurons       of each layer with a ReLU, by name
    images        calibration images as the trained network sees them, float32 [N, ...]
    coded_images  as the spiking network sees them
    """
    wanted, found = images, coded_images
    result = []
    for index, (exact, layer) in enumerate(zip(trained, chain, strict=True)):
        wanted = _run(replace(exact, relu=False), wanted)
        found = _run(replace(layer, relu=False), found)
        if layer.kind in ("conv", "linear"):
            pooled = _pooling(chain[index + 1 :])
            line = fit(_channels(pooled(wanted)), _channels(pooled(found)), layer.relu)
            norm = FloatLayer(layer.name, "norm", torch.from_numpy(line.slope), torch.from_numpy(line.shift))
            layer, found = compose.with_norm(layer, norm), apply(norm, found)
        if layer.relu:
            wanted, found = wanted.relu(), neurons[layer.name].sent(found)
        result.append(layer)
    return result


def fit(wanted: Float64, found: Float64, relu: bool) -> Line:
    """The line of least squares per channel, drawn towards slope 1 and shift 0 where few values are active.

    wanted, found  float64 [C, M]
    relu           only values count that are above 0 in either
    """
    slopes, shifts = np.ones(len(wanted)), np.zeros(len(wanted))
    for channel, (z, z_found) in enumerate(zip(wanted, found, strict=True)):
        active = (z > 0) | (z_found > 0) if relu else np.full(z.shape, True)
        z, z_found = z[active], z_found[active]
        if not len(z):
            continue
        trust = len(z) / (len(z) + _PRIOR)
        variance = float(z_found.var())
        if variance > 0:
            covariance = float(((z - z.mean()) * (z_found - z_found.mean())).mean())
            slopes[channel] += trust * (np.clip(covariance / variance, 1 / _STEEPEST, _STEEPEST) - 1)
        shifts[channel] = trust * (z.mean() - z_found.mean()) + (1 - slopes[channel]) * z_found.mean()
    return Line(slopes, shifts)


def _run(layer: FloatLayer, x: Tensor) -> Tensor:
    with torch.no_grad():
        return torch.cat([apply(layer, batch) for batch in torch.split(x, _BATCH)])


def _pooling(behind: Sequence[FloatLayer]) -> Callable[[Tensor], Tensor]:
    """The max pooling that follows, if one does: it commutes with the line and the code, and hides all but maxima."""
    if behind and behind[0].kind == "maxpool":
        return lambda x: _run(behind[0], x)
    return lambda x: x


def _channels(x: Tensor) -> Float64:
    return x.transpose(0, 1).flatten(1).double().numpy()

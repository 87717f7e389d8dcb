"""Correction of what the layers before have left, layer after layer, on the calibration images. No labels, no training.

A layer that reads coded activations with rounded weights finds z' where the trained network finds z. Its channels get
the line a * z' + b that is nearest to z where either is above 0: a is positive and goes into scale and ladder, b into
the bias. Integer weights stay as they are. (Bias correction alone: Nagel et al., arXiv 1906.04721.) Where branches meet
in an add, z is their sum, and the line that of the add: they share its scale.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from onespike_hw.convert import compose
from onespike_hw.convert.layers import AFFINE, FloatLayer, apply, flow, operands_of
from onespike_hw.convert.neurons import Neurons
from onespike_hw.convert.normalize import max_pool_behind, run_batches

Float64 = NDArray[np.float64]

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
    exact = {layer.name: replace(layer, relu=False) for layer in trained}
    charges = {
        operand.name for layer in chain if layer.kind == "add" for operand in operands_of(chain, layer) if operand
    }
    result = []

    def correct(layer: FloatLayer, read: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        wanted = run_batches(exact[layer.name], [trained_value for trained_value, _ in read])
        found = run_batches(replace(layer, relu=False), [spiking_value for _, spiking_value in read])
        if layer.kind in AFFINE and layer.name not in charges:
            norm = _line(chain, layer, wanted, found)
            layer, found = compose.with_norm(layer, norm), apply(norm, found)
        if layer.relu:
            wanted, found = wanted.relu(), neurons[layer.name].sent(found)
        result.append(layer)
        return wanted, found

    for _ in flow(chain, (images, coded_images), correct):
        pass
    return compose.normal_form(result)


def _line(chain: Sequence[FloatLayer], layer: FloatLayer, wanted: Tensor, found: Tensor) -> FloatLayer:
    """The line of a layer's channels as a norm; fitted behind the max pooling that follows, where one does."""
    pool = max_pool_behind(chain, layer)
    if pool is not None:
        wanted, found = run_batches(pool, [wanted]), run_batches(pool, [found])
    line = fit(_channels(wanted), _channels(found), layer.relu)
    return FloatLayer(layer.name, "norm", torch.from_numpy(line.slope), torch.from_numpy(line.shift))


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


def _channels(x: Tensor) -> Float64:
    return x.transpose(0, 1).flatten(1).double().numpy()

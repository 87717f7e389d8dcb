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
from onespike_hw.convert.layers import AFFINE, FloatLayer, apply, operands_of
from onespike_hw.convert.neurons import Neurons
from onespike_hw.convert.normalize import max_pool_behind, run_batches
from onespike_hw.convert.spiking import changed

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

    The arguments are those of spiking.changed; `chain` has its weights as the network holds them.
    """
    charges = {
        operand.name for layer in chain if layer.kind == "add" for operand in operands_of(chain, layer) if operand
    }

    def correct(layer: FloatLayer, wanted: Tensor, coded: list[Tensor]) -> tuple[FloatLayer, Tensor]:
        found = run_batches(replace(layer, relu=False), coded)
        if layer.kind not in AFFINE or layer.name in charges:
            return layer, found
        norm = _line(chain, layer, wanted, found)
        return compose.with_norm(layer, norm), apply(norm, found)

    return compose.normal_form(changed(trained, chain, neurons, images, coded_images, correct))


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

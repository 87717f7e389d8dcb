"""Weights as integers, by Brevitas's per-channel weight quantiser."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from brevitas.nn import QuantLinear
from brevitas.quant import Int8WeightPerChannelFloat
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

_NEGLIGIBLE = 2.0**-20


@dataclass(frozen=True, eq=False)
class IntegerWeight:
    """values int8, in the shape of the float weight; scale float64 (C_out,): float weight ~ scale * values."""

    values: NDArray[np.int8]
    scale: Float64


def quantize(weight: Float64, reference: Float64, bits: int) -> IntegerWeight:
    """Symmetric, narrow range (-127..127 for 8 bits), one scale per output channel from its largest weight.

    weight     float64 (C_out, ...)
    reference  float64 (C_out,), > 0: a channel whose weights are all below 2^-20 of it counts as all zero, and its
               scale comes from the reference, so that neither bias nor ladder can overflow
    bits       2..8
    """
    flat = weight.reshape(len(weight), -1)
    negligible = np.abs(flat).max(axis=1) < reference * _NEGLIGIBLE
    flat = np.where(negligible[:, None], 0.0, flat)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        layer = QuantLinear(
            flat.shape[1], len(flat), bias=False, weight_quant=Int8WeightPerChannelFloat, weight_bit_width=bits
        )
        layer.weight.copy_(torch.from_numpy(flat))
        quantized = layer.quant_weight()
        values = quantized.int().numpy().astype(np.int8)
        scale = quantized.scale.flatten().numpy().astype(np.float64)
    largest = 2 ** (bits - 1) - 1
    return IntegerWeight(values.reshape(weight.shape), np.where(negligible, reference / largest, scale))

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
_OFF_GRID = 1e-3
"""How far from a whole number float arithmetic may have moved it."""


@dataclass(frozen=True, eq=False)
class IntegerWeight:
    """values in the shape of the float weight, int8, or int64 (2, C_out) for operand weights of an add; scale float64
    (C_out,): float weight ~ scale * values."""

    values: NDArray[np.signedinteger]
    scale: Float64


def whole_multiples(weight: Float64, step: Float64, reference: Float64, bits: int) -> IntegerWeight | None:
    """Weights that are whole multiples of a step as those multiples; None where they are not, or need more bits.

    weight     float64 (C_out, ...)
    step       float64 (C_out,), 0 where a batch norm multiplies a channel by 0
    reference  as for quantize
    bits       2..8
    """
    largest = 2 ** (bits - 1) - 1
    flat = weight.reshape(len(weight), -1)
    negligible = _negligible(flat, reference)
    scale = np.where(negligible, reference / largest, step)
    ratios = np.where(negligible[:, None], 0.0, flat) / scale[:, None]
    values = np.rint(ratios)
    if np.abs(ratios - values).max() > _OFF_GRID or np.abs(values).max() > largest:
        return None
    return IntegerWeight(values.astype(np.int8).reshape(weight.shape), scale)


def quantize(weight: Float64, reference: Float64, bits: int, least_scale: Float64 | float = 0.0) -> IntegerWeight:
    """Symmetric, narrow range (-127..127 for 8 bits), one scale per output channel from its largest weight.

    weight       float64 (C_out, ...)
    reference    float64 (C_out,), > 0: a channel whose weights are all below 2^-20 of it counts as all zero, and its
                 scale comes from the reference, so that neither bias nor ladder can overflow
    bits         2..8
    least_scale  float64 (C_out,): no scale is below it
    """
    largest = 2 ** (bits - 1) - 1
    flat = weight.reshape(len(weight), -1)
    negligible = _negligible(flat, reference)
    flat = np.where(negligible[:, None], 0.0, flat)
    floor = np.broadcast_to(np.asarray(least_scale) * largest, len(flat))
    flat = np.column_stack([flat, floor])
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        layer = QuantLinear(
            flat.shape[1], len(flat), bias=False, weight_quant=Int8WeightPerChannelFloat, weight_bit_width=bits
        )
        layer.weight.copy_(torch.from_numpy(flat))
        quantized = layer.quant_weight()
        values = quantized.int().numpy().astype(np.int8)[:, :-1]
        scale = quantized.scale.flatten().numpy().astype(np.float64)
    scale = np.where(negligible, np.maximum(reference / largest, least_scale), scale)
    return IntegerWeight(values.reshape(weight.shape), scale)


def _negligible(flat: Float64, reference: Float64) -> NDArray[np.bool_]:
    """Channels whose weights are too small to be worth a scale of their own: bool (C_out,)."""
    return np.asarray(np.abs(flat).max(axis=1) < reference * _NEGLIGIBLE)

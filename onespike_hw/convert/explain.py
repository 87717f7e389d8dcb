"""A conversion in words and figures. No torch here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from onespike_hw.convert.base import Coding, optimal_base
from onespike_hw.network import Network

if TYPE_CHECKING:
    from onespike_hw.convert.pipeline import Plan


@dataclass(frozen=True)
class BaseCost:
    """What a layer's base costs against the one that is best for this layer alone, at the same full scales.

    loss, best_loss  normalised mean squared coding error on the calibration activations
    """

    layer: str
    base: float
    loss: float
    best_base: float
    best_loss: float


def base_costs(planned: Plan) -> list[BaseCost]:
    """One for each firing layer of what onespike_hw.convert.pipeline.plan decided, in their order."""
    result = []
    for layer in planned.observed:
        neurons = planned.neurons[layer.name]
        sample, coding = layer.in_full_scales(neurons.full_scales), neurons.coding
        best = optimal_base([sample], coding.timesteps, coding.start, coding.threshold_shift)
        own = Coding(coding.timesteps, best, coding.start, coding.threshold_shift)
        result.append(BaseCost(layer.name, coding.base, sample.loss(coding), best, sample.loss(own)))
    return result


def input_meaning(net: Network) -> list[str]:
    """What the accelerator expects an input value to be: one line for all channels, or one a channel where they differ.

    As "integers 0..255; integer i stands for i * 0.00392157, 0..1; padding is 0".
    """
    low, high = net.input_range
    channels = list(
        zip(net.input_scale.tolist(), net.input_offset.tolist(), net.input_zero_point.tolist(), strict=True)
    )
    lines = [_line(low, high, *channel) + _spikes(net) for channel in channels]
    if len(set(lines)) == 1:
        return lines[:1]
    return [f"channel {index}: {line}" for index, line in enumerate(lines)]


def _spikes(net: Network) -> str:
    if net.input_levels is None:
        return ""
    return f"; real values become one spike each, {', '.join(map(str, net.input_levels))} from there, or none"


def _line(low: int, high: int, scale: float, offset: float, zero_point: int) -> str:
    ends = (np.array([low, high]) - offset) * scale
    integer = f"i - {offset:.6g}" if offset > 0 else f"i + {-offset:.6g}" if offset < 0 else "i"
    value = f"({integer}) * {scale:.6g}" if offset else f"i * {scale:.6g}"
    return (
        f"integers {low}..{high}; integer i stands for {value}, {ends[0]:.6g}..{ends[1]:.6g}; padding is {zero_point}"
    )

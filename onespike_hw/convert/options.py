"""The options of convert, checked."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from onespike_hw.errors import ConversionError

BASES = ("optimal", "root", "per-layer")
SMALLEST_BASE = 1.05
FREE = 0.16
"""Growth of the squared error of the logits that costs no accuracy (measured: docs/conversion.md)."""
FREE_PRICE = 0.24
"""The highest price of a spike that "free" takes: calibration images may show no error where others do."""
NORMALIZATIONS = ("channel", "layer")
INPUT_SPIKES = ("many", "one")


@dataclass(frozen=True)
class Options:
    """What convert was asked for; the meaning of each is told there."""

    timesteps: int = 8
    base: str | float = "optimal"
    threshold_shift: bool = True
    normalization: str = "channel"
    percentile: float = 99.9
    weight_bits: int = 8
    input_bits: int = 8
    input_spikes: str = "many"
    wait: int | str = "settled"
    start: int | str = 0
    calibrate: bool = True
    refit: bool = True
    sparsity: str | float = "free"
    node_bits: int = 18

    @property
    def phases_waited(self) -> int:
        """`wait` as a number of phases, 0..T-1."""
        return self.timesteps - 1 if isinstance(self.wait, str) else self.wait

    @property
    def growth(self) -> float:
        """`sparsity` as a number: the share by which the squared error of the logits may grow."""
        if isinstance(self.sparsity, str):
            return FREE if self.calibrate else 0.0
        return self.sparsity

    @property
    def highest_price(self) -> float:
        """Of a spike, as far as `growth` allows it."""
        return FREE_PRICE if isinstance(self.sparsity, str) else math.inf


def checked(**options: Any) -> Options:
    """Options from what a user gave; ConversionError names the option, its value and what it may be."""
    given = Options(**options)
    steps = _integer("timesteps", given.timesteps, 1, 32)
    if given.normalization not in NORMALIZATIONS:
        raise ConversionError(f"normalization: {given.normalization!r} is unknown; use {' or '.join(NORMALIZATIONS)}")
    if given.input_spikes not in INPUT_SPIKES:
        raise ConversionError(f"input_spikes: {given.input_spikes!r} is unknown; use {' or '.join(INPUT_SPIKES)}")
    percentile = given.percentile
    if not _is_number(percentile) or not 0 < percentile <= 100:
        raise ConversionError(f"percentile: {percentile!r} is not a number above 0 and up to 100; 99.9 is usual")
    wait: Any = given.wait
    if isinstance(wait, str) and wait != "settled":
        raise ConversionError(f'wait: {wait!r} is unknown; use "settled" or a number of phases, 0 to {steps - 1}')
    if wait != "settled":
        _integer("wait", wait, 0, steps - 1)
    _integer("weight_bits", given.weight_bits, 2, 8)
    _integer("input_bits", given.input_bits, 1, 16)
    _integer("node_bits", given.node_bits, 8, 48)
    if isinstance(given.start, str) and given.start != "optimal":
        raise ConversionError(f'start: {given.start!r} is unknown; use "optimal" or an integer from 0 to 32')
    if given.start != "optimal":
        _integer("start", given.start, 0, 32)
    _switch("threshold_shift", given.threshold_shift)
    _switch("calibrate", given.calibrate)
    _switch("refit", given.refit)
    sparsity: Any = given.sparsity
    if sparsity != "free" and (not _is_number(sparsity) or not 0 <= sparsity <= 1):
        raise ConversionError(f'sparsity: {sparsity!r} is unknown; use "free", or a number from 0 to 1, as 0.1')
    return replace(given, base=_base(given.base), percentile=float(percentile))


def _base(base: Any) -> str | float:
    if base in BASES:
        return str(base)
    if not _is_number(base):
        raise ConversionError(f"base: {base!r} is unknown; use {', '.join(BASES)}, or a number from {SMALLEST_BASE} up")
    if base < SMALLEST_BASE:
        what = f"{base!r} is below {SMALLEST_BASE}, so that later spikes would hardly weigh less"
        raise ConversionError(f"base: {what}; use {SMALLEST_BASE} to 4")
    return float(base)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _integer(name: str, value: Any, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ConversionError(f"{name}: {value!r} is not an integer from {least} to {most}")
    return value


def _switch(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ConversionError(f"{name}: {value!r} is neither True nor False")
    return value

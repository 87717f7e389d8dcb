"""The options of convert, checked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from onespike_hw.errors import ConversionError

BASES = ("optimal", "root", "per-layer")
NORMALIZATIONS = ("channel", "layer")


@dataclass(frozen=True)
class Options:
    """What convert was asked for; the meaning of each is told there. `wait` is a number of phases, T - 1 is settled."""

    timesteps: int
    base: str | float
    threshold_shift: bool
    normalization: str
    percentile: float
    weight_bits: int
    input_bits: int
    wait: int
    start: int
    calibrate: bool


def checked(
    *,
    timesteps: Any,
    base: Any,
    threshold_shift: Any,
    normalization: Any,
    percentile: Any,
    weight_bits: Any,
    input_bits: Any,
    wait: Any,
    start: Any,
    calibrate: Any,
) -> Options:
    """Options from what a user gave; ConversionError names the option, its value and what it may be."""
    steps = _integer("timesteps", timesteps, 1, 32)
    if normalization not in NORMALIZATIONS:
        raise ConversionError(f"normalization: {normalization!r} is unknown; use {' or '.join(NORMALIZATIONS)}")
    if not _is_number(percentile) or not 0 < percentile <= 100:
        raise ConversionError(f"percentile: {percentile!r} is not a number above 0 and up to 100; 99.9 is usual")
    if wait == "settled":
        wait = steps - 1
    elif isinstance(wait, str):
        raise ConversionError(f'wait: {wait!r} is unknown; use "settled" or a number of phases, 0 to {steps - 1}')
    return Options(
        timesteps=steps,
        base=_base(base),
        threshold_shift=_switch("threshold_shift", threshold_shift),
        normalization=normalization,
        percentile=float(percentile),
        weight_bits=_integer("weight_bits", weight_bits, 2, 8),
        input_bits=_integer("input_bits", input_bits, 1, 16),
        wait=_integer("wait", wait, 0, steps - 1),
        start=_integer("start", start, 0, 32),
        calibrate=_switch("calibrate", calibrate),
    )


def _base(base: Any) -> str | float:
    if base in BASES:
        return str(base)
    if not _is_number(base):
        raise ConversionError(f"base: {base!r} is unknown; use {', '.join(BASES)}, or a number above 1")
    if base <= 1:
        raise ConversionError(
            f"base: {base!r} is not above 1, so that later spikes would not weigh less; use 1.05 to 4"
        )
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

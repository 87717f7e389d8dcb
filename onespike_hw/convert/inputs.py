"""The network's input as integers: calibration images, their range, and the step of one input unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from onespike_hw.errors import ConversionError, InputError

_SLACK = 1e-6


@dataclass(frozen=True)
class InputCode:
    """An input value x stands for the integer rint(x / scale), kept within the range of its bits."""

    bits: int
    signed: bool
    scale: float

    @property
    def smallest(self) -> int:
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def largest(self) -> int:
        return (1 << (self.bits - self.signed)) - 1

    def unit(self, fraction_bits: int) -> Float64:
        """Real value of 2^F input steps, float64 [1]: input integers enter as they are where spikes bring 2^F."""
        return np.full(1, self.scale * 2.0**fraction_bits)

    def rounded(self, images: Tensor) -> Tensor:
        """The values that the network sees in place of `images`, float32."""
        integers = torch.round(images.double() / self.scale).clamp(self.smallest, self.largest)
        return (integers * self.scale).float()

    def within(self, images: Tensor) -> Tensor:
        """The images; InputError where a value is no number, or more than half a step out of range."""
        steps = images.double() / self.scale
        outside = ~((steps >= self.smallest - 0.5) & (steps <= self.largest + 0.5))
        if bool(outside.any()):
            value = float(images[outside][0])
            least, most = self.smallest * self.scale, self.largest * self.scale
            way_out = "declare the range when converting, input_range=(low, high), or scale the images as in training"
            raise InputError(f"images: value {value:g} is outside {least:.6g}..{most:.6g}; {way_out}")
        return images


def calibration_images(calibration: Any, input_shape: tuple[int, ...] | None) -> Tensor:
    """Calibration images as float32 [N, C, H, W] or [N, C].

    Raises ConversionError where they are empty, no floats, not finite, all zero, or of another shape than input_shape.
    """
    if isinstance(calibration, np.ndarray):
        calibration = torch.from_numpy(calibration)
    if not isinstance(calibration, Tensor):
        kind = type(calibration).__name__
        raise ConversionError(f"calibration: is a {kind}; give a torch tensor or numpy array [N, C, H, W] or [N, C]")
    if not calibration.is_floating_point():
        way_out = "give floats as the network takes them"
        raise ConversionError(f"calibration: holds {str(calibration.dtype).removeprefix('torch.')}; {way_out}")
    shape = tuple(calibration.shape)
    if len(shape) not in (2, 4):
        raise ConversionError(f"calibration: has shape {shape}; it must be [N, C, H, W] or [N, C] (grey images: C = 1)")
    if calibration.numel() == 0:
        raise ConversionError(f"calibration: is empty, of shape {shape}; give a few hundred images")
    if input_shape is not None and shape[1:] != tuple(input_shape):
        raise ConversionError(f"calibration: images have shape {shape[1:]}, input_shape says {tuple(input_shape)}")
    images = calibration.detach().cpu().float()
    wrong = int((~torch.isfinite(images)).sum())
    if wrong:
        raise ConversionError(f"calibration: holds {wrong} values that are NaN or infinite; leave those images out")
    if not bool(images.any()):
        raise ConversionError("calibration: every value is 0; give images that the network was trained for")
    return images


def input_code(images: Tensor, bits: int, input_range: tuple[float, float] | None) -> InputCode:
    """The code of the input; its range is the one given, or read from the calibration images.

    Read: within [0, 1] and above 0.5 somewhere: [0, 1]. Integers within 0..255: [0, 255]. Within [-1, 1] and beyond
    +-0.5 somewhere: [-1, 1]. Else what the images hold, symmetric where some of it is negative.

    Raises ConversionError where images lie outside of the range given.
    """
    low, high = float(images.min()), float(images.max())
    if input_range is None:
        low, high = _snapped(low, high, bool((images == images.round()).all()))
    else:
        low, high = _declared(input_range, low, high)
    signed = low < 0
    if signed and bits < 2:
        raise ConversionError(f"input_bits: {bits} bit cannot hold a signed input of {low:g}..{high:g}; use 2 to 16")
    code = InputCode(bits, signed, 1.0)
    return InputCode(bits, signed, max(abs(low), abs(high)) / code.largest)


def _snapped(low: float, high: float, integers: bool) -> tuple[float, float]:
    if low >= 0 and 0.5 < high <= 1:
        return 0.0, 1.0
    if integers and low >= 0 and high <= 255:
        return 0.0, 255.0
    if low < 0 and 0.5 < max(-low, high) <= 1:
        return -1.0, 1.0
    return low, high


def _declared(declared: tuple[float, float], low: float, high: float) -> tuple[float, float]:
    try:
        least, most = (float(value) for value in declared)
    except (TypeError, ValueError) as error:
        raise ConversionError(f"input_range: is {declared!r}; give (low, high), as (0, 1)") from error
    if not (np.isfinite([least, most]).all() and least < most and most > 0):
        raise ConversionError(f"input_range: is ({least:g}, {most:g}); low must be below high, and high above 0")
    slack = _SLACK * max(abs(least), abs(most))
    if least >= 0 and low < -slack:
        way_out = f"declare a signed range, as ({-most:g}, {most:g})"
        raise ConversionError(f"input_range: ({least:g}, {most:g}) is unsigned, calibration holds {low:g}; {way_out}")
    if low < least - slack or high > most + slack:
        what = f"calibration holds {low:g}..{high:g}, outside of ({least:g}, {most:g})"
        raise ConversionError(f"input_range: {what}; widen the range, or scale the images")
    return least, most

"""The network's input as integers: calibration images, their range, normalisation, and the step of one input unit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from onespike_hw.convert.base import Coding, Sample, optimal_base, optimal_root
from onespike_hw.convert.layers import FloatLayer
from onespike_hw.convert.options import Options
from onespike_hw.errors import ConversionError, InputError
from onespike_hw.input_levels import nearest

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

_SLACK = 1e-6


@dataclass(frozen=True, eq=False)
class InputCode:
    """How images are integers, and what the first layer makes of them. Arrays are float64 [C], one value a channel.

    An image's value x, as the model takes it, stands for the integer rint(x / scale + offset). The first layer reads
    slope * x + shift: a normalisation that is the model's own first step; slope 1 and shift 0 where there is none.

    levels  where a value is sent as one spike: how far from the zero point its integer may lie, falling (Network)
    """

    bits: int
    signed: bool
    scale: Float64
    offset: Float64
    slope: Float64
    shift: Float64
    levels: tuple[int, ...] | None = None

    @property
    def smallest(self) -> int:
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def largest(self) -> int:
        return (1 << (self.bits - self.signed)) - 1

    @property
    def step(self) -> Float64:
        """What one input step adds to the value that the first layer reads; never 0."""
        return self.scale * self.slope

    @property
    def zero(self) -> Float64:
        """Where between the integers that value is 0."""
        return self.offset - self.shift / self.step

    @property
    def zero_point(self) -> Int64:
        """The integer next to `zero`."""
        return np.rint(self.zero).astype(np.int64)

    @property
    def remainder(self) -> Float64:
        """The value that the first layer reads where the integer is the zero point: at most half a step."""
        return (self.zero_point - self.zero) * self.step

    def normalised(self, images: Tensor) -> Tensor:
        """What the first layer reads of images, as trained."""
        return (images.double() * _along(self.slope, images) + _along(self.shift, images)).float()

    def sent(self, images: Tensor) -> Tensor:
        """What the first layer gets for images once they are integers: 0 at the zero point, float32."""
        return (self.distances(images) * _along(self.step, images)).float()

    def distances(self, images: Tensor) -> Tensor:
        """How far from the zero point the integers of images lie, float64."""
        steps, zero = self._steps(images), _along(self.zero_point.astype(np.float64), images)
        if self.levels is None:
            return torch.round(steps).clamp(self.smallest, self.largest) - zero
        ends = (self.smallest - zero).numpy(), (self.largest - zero).numpy()
        return torch.from_numpy(nearest((steps - zero).numpy(), *ends, self.levels))

    def within(self, images: Tensor) -> Tensor:
        """The images; InputError where a value is no number, or more than half a step out of range."""
        steps = self._steps(images)
        outside = ~((steps >= self.smallest - 0.5) & (steps <= self.largest + 0.5))
        if bool(outside.any()):
            image, channel, *_ = (int(index) for index in torch.nonzero(outside)[0])
            value = float(images[outside][0])
            ends = (np.array([self.smallest, self.largest]) - self.offset[channel]) * self.scale[channel]
            way_out = "declare the range when converting, input_range=(low, high), or scale the images as in training"
            what = f"value {value:g} of image {image} is outside {ends[0]:.6g}..{ends[1]:.6g}"
            raise InputError(f"images: {what}, the range of channel {channel}; {way_out}")
        return images

    def _steps(self, images: Tensor) -> Tensor:
        return images.double() / _along(self.scale, images) + _along(self.offset, images)


def _along(values: Float64, images: Tensor) -> Tensor:
    """[C] as a tensor that broadcasts over images [N, C, ...]."""
    return torch.from_numpy(values).view(-1, *[1] * (images.dim() - 2))


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


def input_code(
    images: Tensor,
    bits: int,
    input_range: tuple[float, float] | None,
    input_mean: Any = None,
    input_std: Any = None,
) -> InputCode:
    """The code of images as the model takes them.

    input_range  of the pixels, (low, high); where it is None:
                 [0, 1] where all lie within it, and one is above 0.5; [0, 255] where all are integers within it;
                 [-1, 1] where all lie within it, some are negative and one is beyond +-0.5;
                 else what each channel of the images holds, 0 included
    input_mean, input_std  where the model takes (pixel - mean) / std: one number a channel, in the pixels' unit; the
                 integers are the pixels then

    Where the range begins at 0, or is read channel by channel, integers are unsigned and begin at its low end; else
    they are signed, and 0 is 0.

    Raises ConversionError where images lie outside of the range, a mean or deviation is wrong, or 0 has no integer.
    """
    channels = images.shape[1]
    mean = _of_channels("input_mean", input_mean, channels, 0.0)
    std = _of_channels("input_std", input_std, channels, 1.0)
    if not (std > 0).all():
        channel = int(np.flatnonzero(std <= 0)[0])
        what = f"channel {channel} has {std[channel]:g}, and images are divided by it"
        raise ConversionError(f"input_std: {what}; give deviations above 0")
    normalises = input_mean is not None or input_std is not None
    pixels = images.double() * _along(std, images) + _along(mean, images)
    code = _pixel_code(_tidy(pixels) if normalises else pixels, bits, input_range)
    code = replace(code, scale=code.scale / std, offset=code.offset + mean / code.scale)
    outside = (code.zero_point < code.smallest) | (code.zero_point > code.largest)
    if outside.any():
        channel = int(np.flatnonzero(outside)[0])
        what = f"the mean {mean[channel]:g} of channel {channel} stands for the pixel {code.zero_point[channel]}"
        way_out = "give it in the unit of the pixels (0..1 or 0..255), with the input_range that they have"
        raise ConversionError(f"input_mean: {what}, outside {code.smallest}..{code.largest}; {way_out}")
    return code


def with_single_spikes(code: InputCode, images: Tensor, options: Options) -> InputCode:
    """The code of images where each value is sent as one spike, of the base that loses least on them.

    The strongest spike reaches as far from the zero point as the images do.
    """
    distances = code.distances(images).abs().numpy()
    largest = float(distances.max())
    if largest == 0:
        raise ConversionError("calibration: every value stands for 0; give images that the network was trained for")
    sample = [Sample(distances / largest)]
    base = options.base
    if isinstance(base, str):
        base = (optimal_root if base == "root" else optimal_base)(sample, options.timesteps)
    reached = np.rint(largest * Coding(options.timesteps, base).levels).astype(int)
    return replace(code, levels=tuple(sorted({int(level) for level in reached if level > 0}, reverse=True)))


def with_first_step(code: InputCode, norm: FloatLayer) -> InputCode | None:
    """The code of images that enter a norm layer first, with it taken in; None where its 0 is no input integer."""
    slope, shift = (value.numpy() for value in norm.affine)
    if not slope.all():
        return None
    joined = replace(code, slope=slope, shift=shift)
    inside = (joined.zero > joined.smallest - 0.5) & (joined.zero < joined.largest + 0.5)
    return joined if bool(inside.all()) else None


def _pixel_code(pixels: Tensor, bits: int, input_range: tuple[float, float] | None) -> InputCode:
    low, high = float(pixels.min()), float(pixels.max())
    channels = pixels.shape[1]
    ones, zeros = np.ones(channels), np.zeros(channels)
    if input_range is not None:
        low, high = _declared(input_range, low, high)
    else:
        snapped = _snapped(low, high, bool((pixels == pixels.round()).all()))
        if snapped is None:
            return _measured_code(pixels, bits)
        low, high = snapped
    signed = low < 0
    if signed and bits < 2:
        raise ConversionError(f"input_bits: {bits} bit cannot hold a signed input of {low:g}..{high:g}; use 2 to 16")
    code = InputCode(bits, signed, ones, zeros, ones, zeros)
    return replace(code, scale=ones * (max(abs(low), abs(high)) / code.largest))


def _measured_code(pixels: Tensor, bits: int) -> InputCode:
    """Unsigned integers over what the images hold: all of them where that is at least 0, else each channel."""
    flat = pixels.transpose(0, 1).flatten(1)
    lows, highs = flat.amin(1).clamp(max=0).numpy(), flat.amax(1).clamp(min=0).numpy()
    spans = highs - lows
    common = float(spans.max())
    spans = np.where((spans > 0) & bool((lows < 0).any()), spans, common)
    scale = spans / ((1 << bits) - 1)
    return InputCode(bits, False, scale, -lows / scale, np.ones(len(scale)), np.zeros(len(scale)))


def _tidy(pixels: Tensor) -> Tensor:
    """Pixels that were normalised and brought back in float32, without what that rounding left."""
    return torch.where((pixels - pixels.round()).abs() < 1e-3, pixels.round(), pixels)


def _of_channels(name: str, values: Any, channels: int, otherwise: float) -> Float64:
    if values is None:
        return np.full(channels, otherwise)
    try:
        numbers = np.atleast_1d(np.asarray(values, np.float64))
    except (TypeError, ValueError) as error:
        raise ConversionError(f"{name}: is {values!r}; give one number a channel") from error
    if numbers.shape != (channels,):
        what = f"has {numbers.size} numbers for {channels} channels"
        raise ConversionError(f"{name}: {what}; give one number a channel")
    if not np.isfinite(numbers).all():
        raise ConversionError(f"{name}: holds {numbers[~np.isfinite(numbers)][0]}; give finite numbers")
    return numbers


def _snapped(low: float, high: float, integers: bool) -> tuple[float, float] | None:
    """A range that images commonly have, where these fit it."""
    if low >= 0 and 0.5 < high <= 1:
        return 0.0, 1.0
    if integers and low >= 0 and high <= 255:
        return 0.0, 255.0
    if low < 0 and 0.5 < max(-low, high) <= 1:
        return -1.0, 1.0
    return None


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

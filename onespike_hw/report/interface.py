"""What the accelerator takes and gives: what a pixel is, what a logit is, and in which order they pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from onespike_hw.codegen.plan import Plan

_Value = TypeVar("_Value")


@dataclass(frozen=True)
class PixelCode:
    """Input channels first..last, which share what a value is: integer = round(real / scale + offset).

    zero_point  the integer that stands for real 0; the accelerator takes it off itself
    low, high   the real values of the smallest and the largest integer
    """

    first: int
    last: int
    zero_point: int
    scale: float
    offset: float
    low: float
    high: float


@dataclass(frozen=True)
class PixelFacts:
    """The input stream.

    channels, height, width  of an image
    bits, signed, low, high  of an input integer
    field_bits       of its place on the bus
    beat_channels    values in a beat, the first channel in the lowest bits
    pixel_beats, image_beats  beats in a pixel and in an image
    codes            one for each run of channels that are alike
    is_spikes        a value is a spike, or none
    """

    channels: int
    height: int
    width: int
    bits: int
    signed: bool
    low: int
    high: int
    field_bits: int
    beat_channels: int
    pixel_beats: int
    image_beats: int
    codes: tuple[PixelCode, ...]
    is_spikes: bool

    @property
    def bus_bits(self) -> int:
        """Width of s_axis_tdata."""
        return self.beat_channels * self.field_bits


@dataclass(frozen=True)
class LogitScale:
    """Logits first..last of a pixel, which share their scale: real = integer * scale."""

    first: int
    last: int
    scale: float


@dataclass(frozen=True)
class LogitFacts:
    """The output stream: `count` logits an image, of `bits` bits in two's complement; `pixels` of `channels` each."""

    bits: int
    count: int
    channels: int
    scales: tuple[LogitScale, ...]

    @property
    def pixels(self) -> int:
        return self.count // self.channels


def pixel_facts(plan: Plan) -> PixelFacts:
    """The input stream of a plan."""
    net, stream = plan.net, plan.input
    low, high = net.input_range
    values = list(zip(net.input_zero_point.tolist(), net.input_scale.tolist(), net.input_offset.tolist(), strict=True))
    codes = [
        PixelCode(first, last, zero, scale, offset, (low - offset) * scale, (high - offset) * scale)
        for first, last, (zero, scale, offset) in _runs(values)
    ]
    return PixelFacts(
        channels=stream.channels,
        height=stream.height,
        width=stream.width,
        bits=net.input_bits,
        signed=net.input_signed,
        low=low,
        high=high,
        field_bits=plan.field_bits,
        beat_channels=stream.n,
        pixel_beats=stream.words,
        image_beats=stream.image_words,
        codes=tuple(codes),
        is_spikes=plan.takes_spikes,
    )


def logit_facts(plan: Plan) -> LogitFacts:
    """The output stream of a plan."""
    scale = plan.output.layer.scale
    assert scale is not None
    scales = tuple(LogitScale(first, last, value) for first, last, value in _runs(scale.tolist()))
    return LogitFacts(plan.logit_bits, plan.logits, len(scale), scales)


def _runs(values: Sequence[_Value]) -> list[tuple[int, int, _Value]]:
    """(first, last, value) of every run of equal values."""
    starts = [i for i in range(len(values)) if i == 0 or values[i] != values[i - 1]]
    ends = [*(start - 1 for start in starts[1:]), len(values) - 1]
    return [(start, end, values[start]) for start, end in zip(starts, ends, strict=True)]

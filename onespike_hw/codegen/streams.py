"""What travels between layers, and what stands in front of them: words, line buffers, pooling, and widths in bits."""

from __future__ import annotations

from dataclasses import dataclass

from onespike_hw.network import Layer


def bits_for(count: int) -> int:
    """Bits of an address of `count` places; at least 1."""
    return max(1, (count - 1).bit_length())


def signed_bits(low: int, high: int) -> int:
    """Bits of a two's complement number that holds every value of low..high."""
    return max(low.bit_length() if low >= 0 else (-low - 1).bit_length(), high.bit_length() if high >= 0 else 0) + 1


def search_levels(timesteps: int) -> int:
    """Rounds of a search among the steps of a ladder, and for silence, three ways each."""
    levels = 1
    while 3**levels <= timesteps:
        levels += 1
    return levels


def field_bits(count: int) -> int:
    """Bits of a part of an address; none where it has one value only."""
    return (count - 1).bit_length()


@dataclass(frozen=True)
class Stream:
    """Words that travel between layers, pixel by pixel, row by row; a word holds `n` channels of one pixel.

    name      identifier; the signals are NAME_valid, NAME_ready, NAME_word
    source    the layer from which it leaves, or "input"
    channels, height, width  of the map (a vector is a map of 1 x 1, or the map that was flattened)
    n         channels in a word
    bundle    values for each channel and pixel (average pooling), in words of their own, next to each other
    bits      of one value: a phase code, or a signed difference of the input
    is_codes  phase codes, or multi-bit values
    """

    name: str
    source: str
    channels: int
    height: int
    width: int
    n: int
    bundle: int
    bits: int
    is_codes: bool

    @property
    def words(self) -> int:
        """Words in a pixel."""
        return self.channels // self.n * self.bundle

    @property
    def word_bits(self) -> int:
        return self.n * self.bits

    @property
    def image_words(self) -> int:
        return self.height * self.width * self.words


@dataclass(frozen=True)
class LinePlan:
    """A line buffer: windows of kernel_h x kernel_w, rows of `columns` windows."""

    kernel_h: int
    kernel_w: int
    stride_h: int
    stride_w: int
    padding_h: int
    padding_w: int
    rows_out: int
    columns: int
    lines: int


def line_count(kernel_h: int, stride_h: int, height: int) -> int:
    """Rows that a line buffer keeps: those of a window, and the next ones on their way in."""
    return min(kernel_h + stride_h, max(height, kernel_h) + 1)


@dataclass(frozen=True)
class PoolPlan:
    """A pooling layer: a line buffer, and the earliest spike of a window (max), or the words as they are (average)."""

    name: str
    layer: Layer
    source: Stream
    out: Stream
    line: LinePlan

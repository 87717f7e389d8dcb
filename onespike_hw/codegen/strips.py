"""How the windows of a layer are shared out among its engines."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

from onespike_hw.codegen.activity import DENSITY
from onespike_hw.codegen.engine_plan import EnginePlan
from onespike_hw.codegen.schedule import Schedule
from onespike_hw.codegen.streams import Stream, bits_for
from onespike_hw.codegen.words import divisors
from onespike_hw.network import Layer

STRIP = 4
"""Neighbouring windows of one engine, about: a longer strip lists fewer columns twice, and answers later."""

FOLDED_STRIP = 6
"""The same where weights are folded: two spikes a clock leave no clock to list columns often."""


def with_engines(engine: EnginePlan, engines: int) -> EnginePlan:
    """The same layer on so many engines."""
    engine = replace(engine, engines=engines)
    if not engine.pairs:
        ahead = min(engine.cols, engines * engine.stride)
        return replace(engine, pieces=_pieces(engine), strip=1, depth=1 << bits_for(engine.cols + ahead))
    strip = _strip(engine.row_windows, engine.cols, engine.stride, engines, FOLDED_STRIP if engine.folded else STRIP)
    # A strip of its own, loaded while the others work.
    columns = engine.cols + (strip - 1) * engine.stride if engines > 1 else 2
    # Columns that serve two rows of windows at once, where engines enough work on both, and are waiting for columns.
    several = engines >= -(-engine.row_windows // strip) + 2 and engine.windows > engine.row_windows
    spikes = DENSITY * engine.cols * engine.column_words * engine.source.n
    hungry = 2 * engine.stride * engine.column_words * engines > spikes / 2
    two_rows = several and hungry and engine.line is not None
    # 32 words cost no more LUTs than fewer, and engines that wait for their turn hold up the others: with 32 also those
    # that fold, which are quicker (2,703 clocks an image of the shipped CNN on pynq, not 2,559).
    depth = max(64 if engine.folded else 32, 1 << bits_for(engine.column_words * columns))
    return replace(engine, strip=strip, depth=depth, two_rows=two_rows)


def _pieces(engine: EnginePlan) -> int:
    """Pieces in which the engine of a linear layer walks its input, of which the last comes long after the first.

    A piece has twice as many spikes as its drains take clocks, or more, lest the engine waits for the neurons. Several
    engines would be dealt the pieces in turn.
    """
    if engine.layer.kind != "linear" or engine.schedule is None or engine.joins or engine.early:
        return 1
    if engine.passes > 1 or engine.engines > 1:
        return 1
    spikes = DENSITY * engine.column_words * engine.source.n
    busy = engine.group_lanes if engine.pipelined else engine.classes * engine.drain_period
    return max(d for d in divisors(engine.cols) if d == 1 or engine.cols // d * spikes >= 2 * busy)


def suits_pairs(layer: Layer, source: Stream, steps: Schedule | None, groups: int, group_passes: int) -> bool:
    """Can an engine of this layer list its columns and add two spikes a clock?

    The sums must shift from phase to phase, and windows must share columns: a list is read more often than written.
    """
    return (
        layer.kind == "conv"
        and steps is not None
        and steps.shift > 0
        and groups * group_passes == 1
        and source.bundle == 1
        and layer.kernel_size[1] > 1
        and layer.stride[1] <= layer.kernel_size[1]
        and source.channels * layer.kernel_size[0] > 1
    )


def _strip(windows: int, cols: int, stride: int, engines: int, about: int) -> int:
    """Windows of a row that an engine takes in turn: about so many, shared out evenly, and no column taken twice."""
    if engines == 1:
        return windows
    least = max(1, -(-(cols - stride) // (stride * (engines - 1))))
    shortest = max(about, least)
    choices = range(shortest, 2 * shortest + 1)
    best = min(choices, key=lambda strip: (_busiest(windows, strip, engines), windows % strip > 0, strip))
    return min(windows, best)


def _busiest(windows: int, strip: int, engines: int) -> Fraction:
    """Share of all windows that the busiest engine takes, rows on rows; strips at the end of a row may be shorter."""
    row = [min(strip, windows - start) for start in range(0, windows, strip)]
    taken = [0] * engines
    for turn in range(math.lcm(len(row), engines)):
        taken[turn % engines] += row[turn % len(row)]
    return Fraction(max(taken), sum(taken))

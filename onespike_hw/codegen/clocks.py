"""The clocks that a plan takes, from the spikes it expects: estimates, for the planner."""

from __future__ import annotations

import math

import numpy as np

from onespike_hw.codegen.activity import Activity
from onespike_hw.codegen.engine_plan import EnginePlan
from onespike_hw.codegen.plan import AddPlan, GraphPlan, Stage
from onespike_hw.codegen.streams import LinePlan, PoolPlan, Stream

TURNS = 6
"""The slower of listing and adding decides, and where they take as long, each waits now and then for the other: about
6 %, conv2 of the CNN on pynq, on engines that fold and on others."""


def window_cycles(engine: EnginePlan, activity: Activity) -> float:
    """Clocks of one engine for one window."""
    words = engine.cols * engine.pass_units * engine.rows
    if engine.pairs:
        adding, listing = _pair_cycles(engine, activity), _list_cycles(engine, activity.density)
        return engine.passes * float(math.hypot(adding**TURNS, listing**TURNS) ** (1 / TURNS))
    if engine.joins is not None:
        neurons = _drain_cycles(engine)
    elif engine.pipelined:
        neurons = float(engine.group_lanes)
    else:
        search = engine.drain_period * engine.levels if engine.neurons.fires else engine.group_lanes
        neurons = max(_drained(engine, activity), search / engine.pieces)
    if engine.schedule is None:
        word = engine.j * (engine.rows if engine.tall else 1)
        between = word == 1  # a word of several values hides the clock between two windows
        values = engine.j if not engine.skips else engine.j * activity.density + (1 - activity.density) ** 2
        return engine.passes * max(words * values, neurons) + between + _refill(engine)
    phases = engine.timesteps
    silent = (1 - activity.density / phases) ** engine.groups
    issue = words * engine.j * phases * (1 - silent) / engine.pieces
    word_silent = (1 - activity.density / phases) ** (engine.groups * engine.j)
    visited = words * phases * (1 - word_silent) / engine.pieces
    scan = max(visited, phases * engine.piece_cols * engine.pass_units)
    return engine.passes * engine.pieces * (max(issue, scan, neurons) + 3) + 2


def _drained(engine: EnginePlan, activity: Activity) -> float:
    """Clocks of a piece of a window whose drains each take their period, or as long as the spikes between them."""
    period, pieces = engine.drain_period, engine.pieces
    if len(activity.class_spikes) != engine.classes:
        return float(period * engine.classes)
    return sum(sum(max(count / pieces, period) for count in counts) / len(counts) for counts in activity.class_spikes)


def _refill(engine: EnginePlan) -> float:
    """Clocks in which a layer that reads all of an input waits for what had no room beside the one before."""
    if engine.windows > 1:
        return 0.0
    return float(max(0, 2 * engine.cols - engine.depth) * engine.units * engine.rows)


def _drain_cycles(engine: EnginePlan) -> float:
    """Clocks in which the sums of a window leave for an add, drain after drain."""
    return engine.classes * max(engine.group_lanes + 4, engine.lanes // engine.out.n)


def _pair_cycles(engine: EnginePlan, activity: Activity) -> float:
    """Clocks in which an engine of pairs adds the spikes of a window, looking at a phase of one column in each."""
    least = float(engine.group_lanes) if engine.joins is None else _drain_cycles(engine)
    least = max(least, engine.timesteps * engine.cols)
    measured = activity.fold_cycles if engine.folded else activity.pair_cycles
    if measured:
        return sum(max(clocks, least) for clocks in measured) / len(measured)
    assert engine.schedule is not None
    steps = engine.schedule
    mean = engine.cols * engine.column_words * engine.source.n * activity.density / engine.timesteps
    if engine.folded:
        return max(len(steps.order) * mean / 2 + 0.25 * engine.classes, least)
    clocks = sum(
        (steps.shift - 1 + max(1.0, mean / 2 + 0.75)) if shifts else mean / 2 + 0.25 for shifts in steps.shifts
    )
    return max(clocks, least)


def _list_cycles(engine: EnginePlan, density: float) -> float:
    """Clocks in which an engine of pairs lists the columns that a window needs anew."""
    spikes = engine.column_words * engine.source.n * density
    columns = ((engine.strip - 1) * engine.stride + engine.cols) / engine.strip
    return columns * (spikes + 3) / engine.passes


def stage_cycles(stage: Stage, activity: Activity) -> float:
    """Clocks for one image: the slower one of the engines and of what feeds them; of an add, its words.

    Of the edges of a graph, the walk alone: all nodes come before it, and the next graph's behind it.
    """
    if isinstance(stage, GraphPlan):
        return float(np.maximum(stage.graph.degrees, stage.out_words).sum())
    if isinstance(stage, AddPlan):
        return float(stage.windows * stage.passes * stage.classes * stage.pass_words)
    if isinstance(stage, PoolPlan):
        return _line_cycles(stage.line, stage.source)
    return max(_feed_cycles(stage), stage.windows * window_cycles(stage, activity) / stage.engines)


def _line_cycles(line: LinePlan, source: Stream) -> float:
    """Clocks of an image in a line buffer."""
    return float(line.rows_out * (line.columns * line.kernel_w * line.kernel_h * source.words + 2))


def _feed_cycles(engine: EnginePlan) -> float:
    """Clocks of an image in what stands in front of the engines; in tall_columns a word a clock, padding included."""
    line, source = engine.feed, engine.source
    if line is None:
        return float(source.image_words)
    if not engine.tall:
        return _line_cycles(line, source)
    rows = max(source.height, (line.rows_out - 1) * line.stride_h + line.kernel_h - line.padding_h)
    return float(rows * max(engine.columns, line.padding_w + source.width) * source.words)

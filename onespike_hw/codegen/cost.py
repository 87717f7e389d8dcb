"""What a plan costs: clocks from the spikes it expects, LUTs, block RAM and DSP slices. Estimates, for the planner."""

from __future__ import annotations

import math
from dataclasses import dataclass

from onespike_hw.codegen.layout import SETTLE
from onespike_hw.codegen.plan import EnginePlan, LinePlan, Plan, PoolPlan, Stream

LUT_ROM_ROWS = 64
"""Weights of so many rows go into LUTs: a block RAM would stand all but empty."""

_BRAM_SHAPES = ((512, 72), (1024, 36), (2048, 18), (4096, 9), (8192, 4), (16384, 2), (32768, 1))
"""Words and width of a block RAM of 36 kbit with one read port."""


@dataclass(frozen=True)
class Resources:
    """LUTs of six inputs, block RAMs of 36 kbit, DSP slices."""

    luts: float = 0.0
    brams: float = 0.0
    dsps: float = 0.0

    def __add__(self, other: Resources) -> Resources:
        return Resources(self.luts + other.luts, self.brams + other.brams, self.dsps + other.dsps)

    def times(self, count: int) -> Resources:
        return Resources(self.luts * count, self.brams * count, self.dsps * count)


def window_cycles(engine: EnginePlan, density: float) -> float:
    """Clocks of one engine for one window, where each input value spikes with probability `density`."""
    period = max(engine.group_lanes, SETTLE)
    words = engine.cols * engine.pass_units * engine.rows
    search = period * engine.levels if engine.layer.fires else engine.group_lanes
    if engine.schedule is None:
        return engine.passes * max(words * engine.j, period, search) + 1
    phases = engine.timesteps
    silent = (1 - density / phases) ** engine.groups
    issue = words * engine.j * phases * (1 - silent)
    word_silent = (1 - density / phases) ** (engine.groups * engine.j)
    visited = words * phases * (1 - word_silent)
    scan = max(visited, phases * engine.cols * engine.pass_units)
    return engine.passes * (max(issue, scan, period * engine.classes, search) + 3) + 2


def stage_cycles(stage: EnginePlan | PoolPlan, density: float) -> float:
    """Clocks for one image: the slower one of the engines and of what feeds them."""
    feed = float(stage.source.image_words)
    if stage.line is not None:
        line = stage.line
        feed = float(line.rows_out * (line.columns * line.kernel_w * line.kernel_h * stage.source.words + 2))
    if isinstance(stage, PoolPlan):
        return feed
    return max(feed, stage.windows * window_cycles(stage, density) / stage.engines)


def _memory_brams(rows: int, bits: int) -> float:
    """Block RAMs of 36 kbit, in halves, for a memory of one read port."""
    if rows <= LUT_ROM_ROWS:
        return 0.0
    depth, width = next((shape for shape in _BRAM_SHAPES if shape[0] >= rows), _BRAM_SHAPES[-1])
    return float(math.ceil(bits / width) * math.ceil(rows / depth))


def _line_resources(line: LinePlan, source: Stream) -> Resources:
    rows = line.lines * source.width * source.words
    return Resources(180.0, max(0.5, _memory_brams(rows, source.word_bits)) if rows > LUT_ROM_ROWS else 0.0)


def engine_resources(engine: EnginePlan) -> Resources:
    """One engine with its weights."""
    rows, weight_row_bits = engine.weight_rows, engine.lanes * engine.weight_bits
    brams = _memory_brams(rows, weight_row_bits)
    rom_luts = weight_row_bits * math.ceil(rows / 64) if brams == 0 else 0
    window_words = engine.depth << (engine.unit_bits + engine.row_bits)
    buffer_luts = engine.source.word_bits * window_words / 64 * 1.5
    drain = 2.4 * engine.potential_bits + engine.acc_bits * engine.group_lanes / 4 + 60
    ladder = 2 * engine.potential_bits * (1 << (engine.pass_bits + engine.lane_bits + engine.node_bits)) / 64 * 0.6 + 60
    group = drain + (ladder if engine.layer.fires else 30)
    if engine.schedule is None:
        lane, dsps, fetch = 1.0, float(engine.lanes), 120.0 + 2 * engine.source.word_bits
    else:
        lane, dsps = engine.acc_bits + 5.0, float(engine.lane_groups)
        flags = engine.timesteps * engine.rows * (engine.depth << engine.unit_bits) / 32
        fetch = 170 + 7 * engine.source.n + flags
    luts = fetch + rom_luts + buffer_luts + engine.lanes * lane + engine.lane_groups * group
    return Resources(luts, brams, dsps)


def plan_resources(plan: Plan) -> Resources:
    """The whole accelerator."""
    total = Resources(luts=60.0)
    for stage in plan.stages:
        if stage.line is not None:
            total = total + _line_resources(stage.line, stage.source)
        if isinstance(stage, EnginePlan):
            flags = 0.0 if stage.schedule is None else stage.source.n * 8.0
            total = total + engine_resources(stage).times(stage.engines) + Resources(luts=80.0 + flags)
        else:
            total = total + Resources(luts=stage.source.n * 4.0)
    return total

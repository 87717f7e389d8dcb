"""What a plan costs: clocks from the spikes it expects, LUTs, block RAM and DSP slices. Estimates, for the planner."""

from __future__ import annotations

import math
from dataclasses import dataclass

from onespike_hw.codegen.layout import SETTLE
from onespike_hw.codegen.plan import AddPlan, EnginePlan, LinePlan, Plan, PoolPlan, Stage, Stream

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
    search = period * engine.levels if engine.neurons.fires else engine.group_lanes
    if engine.schedule is None:
        return engine.passes * max(words * engine.j, period, search) + 1
    phases = engine.timesteps
    silent = (1 - density / phases) ** engine.groups
    issue = words * engine.j * phases * (1 - silent)
    word_silent = (1 - density / phases) ** (engine.groups * engine.j)
    visited = words * phases * (1 - word_silent)
    scan = max(visited, phases * engine.cols * engine.pass_units)
    return engine.passes * (max(issue, scan, period * engine.classes, search) + 3) + 2


def stage_cycles(stage: Stage, density: float) -> float:
    """Clocks for one image: the slower one of the engines and of what feeds them; of an add, the drains."""
    if isinstance(stage, AddPlan):
        drains = stage.windows * stage.passes * stage.classes / stage.engines
        return float(drains * max(stage.group_lanes, SETTLE))
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
    return Resources(240.0, max(0.5, _memory_brams(rows, source.word_bits)) if rows > LUT_ROM_ROWS else 0.0)


def engine_resources(engine: EnginePlan) -> Resources:
    """One engine with its weights."""
    rows, weight_row_bits = engine.weight_rows, engine.lanes * engine.weight_bits
    brams = _memory_brams(rows, weight_row_bits)
    rom = weight_row_bits * math.ceil(rows / 64) if brams == 0 else 0
    addresses = engine.depth << (engine.unit_bits if engine.units > 1 else 0) + (
        engine.row_bits if engine.rows > 1 else 0
    )
    window = 26 + _ram_luts(addresses, engine.source.word_bits)
    drain = 4.1 * engine.acc_bits * engine.group_lanes / 16 + 3.6 * engine.potential_bits
    lane_addresses = 1 << (engine.pass_bits if engine.passes > 1 else 0) + engine.lane_bits
    bias = engine.potential_bits * math.ceil(lane_addresses / 64)
    ladder = 2 * engine.potential_bits * math.ceil((lane_addresses << engine.node_bits) / 64)
    group = drain + bias + (50 + 0.85 * ladder if engine.layer.fires else 30)
    if engine.early:
        group += engine.potential_bits * math.ceil((lane_addresses << engine.step_bits) / 64) + 30
    collector = 5 if engine.out_words == engine.passes else engine.lanes * engine.code_bits
    if engine.schedule is None:
        lane, dsps, fetch = 0.0, float(engine.lanes), 60.0 + engine.source.n * engine.source.bits
    else:
        lane, dsps = engine.acc_bits + 1.1, float(engine.lane_groups)
        flags = engine.timesteps * _ram_luts(engine.depth << (engine.unit_bits if engine.units > 1 else 0), engine.rows)
        fetch = 85 + flags + 36 + 8.1 * engine.source.n
    luts = fetch + rom + window + collector + 31 + engine.lanes * lane + engine.lane_groups * group
    return Resources(luts, brams, dsps)


def _ram_luts(words: int, bits: int) -> float:
    """LUTs of a distributed RAM: four for 6 bits of 32 words, or for 3 bits of 64."""
    if words <= 32:
        return 4 * math.ceil(bits / 6)
    return 4 * math.ceil(bits / 3) * math.ceil(words / 64)


def plan_resources(plan: Plan) -> Resources:
    """The whole accelerator. An add counts two bits of an adder for each bit of a lane: a weight or none, and a sum."""
    total = Resources(luts=60.0)
    for stage in plan.stages:
        if isinstance(stage, AddPlan):
            total = total + Resources(luts=2.0 * stage.engines * stage.lanes * stage.acc_bits)
            continue
        if stage.line is not None:
            total = total + _line_resources(stage.line, stage.source)
        if isinstance(stage, EnginePlan):
            flags = 0.0 if stage.schedule is None else stage.source.n * stage.timesteps * 1.9
            merge = stage.out.word_bits * (stage.engines + 1) / 3 if stage.engines > 1 else 0.0
            total = total + engine_resources(stage).times(stage.engines) + Resources(luts=40.0 + flags + merge)
        else:
            total = total + Resources(luts=20.0 + stage.source.word_bits * 1.5)
    return total

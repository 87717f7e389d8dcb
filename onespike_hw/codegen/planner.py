"""Chooses how many lanes and engines each layer gets, so that all take about as long and the board holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from onespike_hw.codegen.board import Board, list_boards
from onespike_hw.codegen.cost import Resources, plan_resources, stage_cycles
from onespike_hw.codegen.layout import Parallel, divisors, lay_out, leader_of, weighted_layers
from onespike_hw.codegen.plan import EnginePlan, Plan
from onespike_hw.errors import BoardError
from onespike_hw.network import Network

DENSITY = 0.4
"""Share of the inputs of a layer that spike, where nobody measured it."""


def plan_network(net: Network, board: Board, density: Mapping[str, float] | None = None) -> Plan:
    """The fastest plan that the board's budget holds, as the cost model sees it.

    density   layer name -> share of the values it reads that spike, 0..1 (from a golden run); else DENSITY
    Raises BoardError, with what is short, by how much, and the boards that would hold it.
    """
    densities = {layer.name: (density or {}).get(layer.name, DENSITY) for layer in weighted_layers(net)}
    parallel = _smallest(net, board)
    plan = lay_out(net, board.input_bus_bits, parallel)
    blocked: set[str] = set()
    while True:
        slowest = max((e for e in plan.engines), key=lambda e: _cycles(e, densities))
        if slowest.layer.name in blocked or _cycles(slowest, densities) <= _floor(plan, densities):
            break
        leader = leader_of(net, slowest.layer)
        for step in _steps(parallel[leader], slowest):
            wider = {**parallel, leader: step}
            candidate = _try(net, board, wider)
            if candidate is not None and _cycles(_same(candidate, slowest), densities) < _cycles(slowest, densities):
                parallel, plan = wider, candidate
                break
        else:
            blocked.add(slowest.layer.name)
    return with_estimates(plan, densities)


def with_estimates(plan: Plan, densities: Mapping[str, float]) -> Plan:
    """The plan with the clocks an image that each engine is expected to take."""
    stages = tuple(
        replace(stage, estimated_cycles=round(_cycles(stage, densities))) if isinstance(stage, EnginePlan) else stage
        for stage in plan.stages
    )
    return replace(plan, stages=stages)


def fits(needed: Resources, board: Board) -> bool:
    """Within the shares of the board that the accelerator may take."""
    return (
        needed.luts <= board.usable_luts
        and needed.brams * 36 <= board.usable_brams * board.bram_kbits
        and needed.dsps <= board.usable_dsps
    )


def _cycles(engine: EnginePlan, densities: Mapping[str, float]) -> float:
    return stage_cycles(engine, densities[engine.layer.name])


def _floor(plan: Plan, densities: Mapping[str, float]) -> float:
    """Clocks that no engine can beat: pixels in, logits out, pooling, line buffers."""
    pools = [stage_cycles(stage, 0.0) for stage in plan.stages if not isinstance(stage, EnginePlan)]
    feeds = [stage_cycles(replace(e, engines=1 << 30), 0.0) for e in plan.engines]
    return max([float(plan.input.image_words), float(plan.logits), *pools, *feeds])


def _same(plan: Plan, engine: EnginePlan) -> EnginePlan:
    return next(e for e in plan.engines if e.name == engine.name)


def _try(net: Network, board: Board, parallel: Mapping[str, Parallel]) -> Plan | None:
    plan = lay_out(net, board.input_bus_bits, dict(parallel))
    return plan if fits(plan_resources(plan), board) else None


def _steps(now: Parallel, engine: EnginePlan) -> list[Parallel]:
    """The next ways to give a layer more lanes: fewer passes first, then one more engine."""
    fewer = [
        t
        for t in divisors(now.tiles)
        if t < now.tiles and engine.group_passes * t * engine.out.n <= engine.layer.shape[0]
    ]
    steps = [Parallel(fewer[-1], now.engines)] if fewer else []
    if engine.windows > now.engines or engine.layer.kind == "linear":
        steps.append(Parallel(now.tiles, now.engines + 1))
    return steps


def _smallest(net: Network, board: Board) -> dict[str, Parallel]:
    """Every layer in one engine with as few lanes as its words allow; BoardError where even that is too large."""
    plan = lay_out(net, board.input_bus_bits, {})
    parallel = {}
    for engine in plan.engines:
        unit = engine.out.n if engine.neurons.fires else 1
        most = engine.lanes // unit if engine.groups == 1 else 1
        parallel[engine.layer.name] = Parallel(
            tiles=max(t for t in divisors(engine.lanes) if t <= most and engine.lanes // t % unit == 0)
        )
    needed = plan_resources(lay_out(net, board.input_bus_bits, parallel))
    if fits(needed, board):
        return parallel
    holders = [other.name for other in list_boards() if fits(needed, other)]
    raise BoardError(
        f"{board.name}: the network does not fit; it needs at least {_short(needed, board)}. "
        + (
            f"It would fit {', '.join(holders)}"
            if holders
            else "No board here would hold it; use fewer channels or weight bits"
        )
    )


def _short(needed: Resources, board: Board) -> str:
    """What is short and by how much."""
    rows = (
        (needed.luts, board.usable_luts, "LUTs"),
        (needed.brams * 36 / board.bram_kbits, board.usable_brams, f"block RAMs of {board.bram_kbits} kbit"),
        (needed.dsps, board.usable_dsps, "DSP slices"),
    )
    return ", ".join(f"{have:.0f} + {need - have:.0f} {what}" for need, have, what in rows if need > have)

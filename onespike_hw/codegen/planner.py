"""Chooses how many lanes and engines each layer gets, so that all take about as long and the board holds them.

Every layer has many ways: its output channels in several passes or at once, its windows on few or many engines. For
a given number of clocks an image, each layer takes the cheapest way that is fast enough; the fewest clocks that fit
are found by bisection. What is cheap depends on what is scarce, so that several weightings of LUTs, block RAM and DSP
slices are tried.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product

from onespike_hw.codegen.activity import Activity
from onespike_hw.codegen.area import (
    Resources,
    add_resources,
    engine_resources,
    graph_resources,
    plan_resources,
)
from onespike_hw.codegen.board import Board, list_boards
from onespike_hw.codegen.clocks import stage_cycles
from onespike_hw.codegen.engine_plan import EnginePlan
from onespike_hw.codegen.layout import Parallel, lay_out, leader_of, weighted_layers
from onespike_hw.codegen.plan import AddPlan, GraphPlan, Plan
from onespike_hw.codegen.strips import with_engines
from onespike_hw.codegen.words import divisors
from onespike_hw.errors import BoardError
from onespike_hw.network import Network

LINEAR_SHARE = 1 / 3
"""Of an image's clocks: an image alone waits for the last piece of a linear layer, or for all of it."""
LUT_MARGIN = 1.025
"""By so much a synthesiser may need more LUTs than the model says."""
EXACT = 1.05
"""Clocks of engines of pairs are known no better: of plans as fast as that, the one with the fewest lanes is taken."""
GROUPS = (16, 32)
"""Lanes that share the neurons behind them."""
GRAPH_GROUPS = (16, 8, 4)
"""Lanes that share a way out to the edges: a node has few spikes, and its sums leave for as long as they are many."""
SCARCE = ((1.0, 1.0, 1.0), (1.0, 4.0, 1.0), (4.0, 1.0, 1.0), (1.0, 1.0, 4.0))
"""Weightings of LUTs, block RAM and DSP slices."""


@dataclass(frozen=True)
class Goal:
    """What the plan is to reach; None: as fast as the board allows.

    fps          images a second, at the board's clock; the cheapest plan that reaches them
    lanes        weights that may be added in a clock, at most
    utilisation  share of the board's LUTs, block RAMs and DSP slices that may be used, above 0 and up to 1
    """

    fps: float | None = None
    lanes: int | None = None
    utilisation: float | None = None

    def __post_init__(self) -> None:
        if self.fps is not None and not self.fps > 0:
            raise BoardError(f"a target of {self.fps} images a second is none; ask for more than 0")
        if self.lanes is not None and self.lanes < 1:
            raise BoardError(f"{self.lanes} lanes add nothing; allow at least 1")
        if self.utilisation is not None and not 0 < self.utilisation <= 1:
            raise BoardError(f"a utilisation of {self.utilisation} is not above 0 and at most 1")


def plan_network(
    net: Network,
    board: Board,
    activity: Mapping[str, Activity] | None = None,
    *,
    pairs: bool = True,
    goal: Goal | None = None,
) -> Plan:
    """The fastest plan that the board's budget holds, or the cheapest that reaches the goal, as the cost model sees it.

    activity  layer name -> what it reads (onespike_hw.codegen.activity.measure, on a golden run); else Activity()
    pairs     lanes may add two weights a clock
    Raises BoardError, with what is short, by how much, and the boards that would hold it, or what could be reached.
    """
    goal = goal or Goal()
    if goal.utilisation is not None:
        share = goal.utilisation
        board = replace(board, lut_budget=share, bram_budget=share, dsp_budget=share)
    activities = {layer.name: (activity or {}).get(layer.name, Activity()) for layer in weighted_layers(net)}
    search = _Search(net, board, activities, _ways(net, board, pairs=pairs), goal.lanes)
    slow = search.fastest_that_fits()
    if goal.fps is None:
        return with_estimates(search.quickened(slow), activities)
    cycles = board.clock_mhz * 1e6 / goal.fps
    reached = search.plan(cycles)
    if reached is None:
        most = (
            board.clock_mhz * 1e6 / max(stage_cycles(s, activities.get(s.layer.name, Activity())) for s in slow.stages)
        )
        raise BoardError(
            f"{board.name}: {goal.fps:g} images a second need an image every {cycles:.0f} clocks at "
            f"{board.clock_mhz:g} MHz; this network reaches {most:.0f} images a second here"
        )
    return with_estimates(reached, activities)


def with_estimates(plan: Plan, activities: Mapping[str, Activity]) -> Plan:
    """The plan with the clocks an image that each engine is expected to take."""
    cycles = {e.layer.name: round(stage_cycles(e, activities[e.layer.name])) for e in plan.engines}
    return plan.with_cycles(cycles)


def fits(needed: Resources, board: Board) -> bool:
    """Within the shares of the board that the accelerator may take."""
    there = needed.on(board)
    return (
        there.luts * LUT_MARGIN <= board.usable_luts
        and there.brams <= board.usable_brams
        and there.dsps <= board.usable_dsps
        and there.sprams <= board.spram_blocks
    )


@dataclass(frozen=True)
class _Way:
    """A way to spread a layer, and those that are walked in the same passes because they feed the same add.

    leader     the layer under whose name their passes are given (onespike_hw.codegen.layout.leader_of)
    followers  the other one that feeds the add, on engines of its own
    behind     the add, or the edges of a graph, that take the sums; None for a layer that has neurons of its own
    """

    leader: EnginePlan
    followers: tuple[EnginePlan, ...] = ()
    behind: AddPlan | GraphPlan | None = None

    @property
    def engines(self) -> tuple[EnginePlan, ...]:
        return (self.leader, *self.followers)

    @property
    def parallel(self) -> dict[str, Parallel]:
        return {engine.layer.name: _parallel(engine) for engine in self.engines}

    def resources(self) -> Resources:
        total = Resources()
        if isinstance(self.behind, GraphPlan):
            total = graph_resources(self.behind)
        elif self.behind is not None:
            total = add_resources(self.behind)
        for engine in self.engines:
            total = total + engine_resources(engine).times(engine.engines)
        return total

    @property
    def walk(self) -> float:
        """Clocks of an image in which the engines stand still: a graph's edges are walked when all nodes are there."""
        return stage_cycles(self.behind, Activity(0.0)) if isinstance(self.behind, GraphPlan) else 0.0

    @property
    def words(self) -> float:
        """Clocks of an image in an add."""
        return stage_cycles(self.behind, Activity(0.0)) if isinstance(self.behind, AddPlan) else 0.0


@dataclass(frozen=True)
class _Search:
    """The ways of all leaders, each on one engine, and what limits them."""

    net: Network
    board: Board
    activities: Mapping[str, Activity]
    ways: Mapping[str, tuple[_Way, ...]]
    most_weights: int | None

    def fastest_that_fits(self) -> Plan:
        """Bisection over the clocks an image; BoardError where even the smallest plan is too large."""
        best = self.plan(math.inf)
        if best is None:
            raise self._too_large()
        low, high = self._floor(best), max(self._cycles(way) for ways in self.ways.values() for way in ways)
        while high > low * 1.004:
            middle = (low * high) ** 0.5
            plan = self.plan(middle)
            if plan is None:
                low = middle
            else:
                best, high = plan, middle
        as_fast = list(self._plans(high * EXACT)) if any(engine.pairs for engine in best.engines) else []
        return min(as_fast, key=lambda plan: (plan.weights_per_cycle, plan_resources(plan).luts), default=best)

    def quickened(self, plan: Plan) -> Plan:
        """The plan with its linear layers as quick as what is left allows: an image waits for each of them."""
        linear = [name for name, ways in self.ways.items() if ways[0].leader.layer.kind == "linear"]
        for name in linear:
            now = max(self._engine_cycles(e) for e in plan.engines if leader_of(self.net, e.layer) == name)
            for way in sorted(self.ways[name], key=self._cycles):
                if self._cycles(way) >= now:
                    break
                parallel = {
                    e.layer.name: replace(_parallel(e), sliced=0, in_luts=0) for e in plan.engines
                } | way.parallel
                quicker = self._laid_out(parallel)
                if self._holds(quicker):
                    plan = quicker
                    break
        return plan

    def plan(self, cycles: float) -> Plan | None:
        """The cheapest plan whose layers all take so many clocks at most; None where there is none that fits."""
        return next(self._plans(cycles), None)

    def _plans(self, cycles: float) -> Iterator[Plan]:
        """Plans that fit whose layers take so many clocks at most: the cheapest ones, then those that fold."""
        folded = {name: tuple(way for way in ways if way.leader.folded) or ways for name, ways in self.ways.items()}
        foldable = any(way.leader.folded for ways in folded.values() for way in ways)
        choices = (self.ways, folded) if foldable else (self.ways,)
        for choice, weighting in product(choices, SCARCE):
            chosen = [self._cheapest(ways, cycles, weighting) for ways in choice.values()]
            ways = [way for way in chosen if way is not None]
            if len(ways) < len(chosen):
                return  # too few clocks: what is scarce makes no difference, and fewer ways neither
            plan = self._laid_out({name: split for way in ways for name, split in way.parallel.items()})
            if self._holds(plan):
                yield plan

    def _laid_out(self, parallel: dict[str, Parallel]) -> Plan:
        """The plan, with as many lanes of pairs in DSP slices as these allow; the widest, which save most, first.

        Where there are too few slices for a first layer that skips zeros, some of its lanes multiply in LUTs.
        """
        plan = lay_out(self.net, self.board.input_bus_bits, parallel)
        if not self.board.slices_add:
            return plan
        left = self.board.usable_dsps - math.ceil(plan_resources(plan).on(self.board).dsps)
        first = plan.engines[0]
        if left < 0 and first.skips:
            parallel = parallel | {first.layer.name: replace(_parallel(first), in_luts=-left)}
            return lay_out(self.net, self.board.input_bus_bits, parallel)
        sliced = {}
        for engine in sorted(plan.engines, key=lambda e: -e.acc_bits):
            slices = max(0, min(engine.most_slices, left // engine.engines))
            left -= slices * engine.engines
            sliced[engine.layer.name] = replace(parallel[engine.layer.name], sliced=2 * slices)
        return lay_out(self.net, self.board.input_bus_bits, parallel | sliced)

    def _holds(self, plan: Plan) -> bool:
        few = self.most_weights is None or plan.weights_per_cycle <= self.most_weights
        return few and fits(plan_resources(plan), self.board)

    def _cheapest(self, ways: tuple[_Way, ...], cycles: float, weighting: tuple[float, float, float]) -> _Way | None:
        fast = [way for way in (self._widened(way, cycles) for way in ways) if way is not None]
        return min(fast, key=lambda way: self._price(way, weighting), default=None)

    def _widened(self, way: _Way, cycles: float) -> _Way | None:
        """The way on as few engines as are fast enough."""
        if way.leader.layer.kind == "linear":  # one window: more engines would not help
            allowed = cycles if way.leader.tiles == 1 else cycles * LINEAR_SHARE
            return way if self._cycles(way) <= allowed else None
        if way.words > cycles or way.walk >= cycles:
            return None
        wider = [self._on_more(engine, cycles - way.walk) for engine in way.engines]
        fast = [engine for engine in wider if engine is not None]
        return _Way(fast[0], tuple(fast[1:]), way.behind) if len(fast) == len(wider) else None

    def _on_more(self, engine: EnginePlan, cycles: float) -> EnginePlan | None:
        """The layer on as few engines as are fast enough."""
        while self._engine_cycles(engine) > cycles:
            engines, windows = engine.engines, engine.windows
            if engines == windows:
                return None
            most = max(engines + 1, min(windows, int(engines * self._engine_cycles(engine) / cycles)))
            wider = with_engines(engine, most)
            if self._engine_cycles(wider) >= self._engine_cycles(engine) and _engine_floor(engine) > cycles:
                return None
            engine = wider
        return engine

    def _price(self, way: _Way, weighting: tuple[float, float, float]) -> float:
        needed = way.resources().on(self.board)
        shares = (
            needed.luts / max(self.board.usable_luts, 1),
            needed.brams / max(self.board.usable_brams, 1),
            needed.dsps / max(self.board.usable_dsps, 1),
        )
        return sum(weight * share for weight, share in zip(weighting, shares, strict=True))

    def _cycles(self, way: _Way) -> float:
        return max(way.words, way.walk + max(map(self._engine_cycles, way.engines)))

    def _engine_cycles(self, engine: EnginePlan) -> float:
        return stage_cycles(engine, self.activities[engine.layer.name])

    def _floor(self, plan: Plan) -> float:
        """Clocks that no plan can beat: pixels in, logits out, pooling, line buffers, adds."""
        others = [stage_cycles(stage, Activity(0.0)) for stage in plan.stages if not isinstance(stage, EnginePlan)]
        return max([float(plan.input.image_words), float(plan.logits), *others, *map(_engine_floor, plan.engines)])

    def _too_large(self) -> BoardError:
        smallest = {name: min(ways, key=lambda way: self._price(way, SCARCE[0])) for name, ways in self.ways.items()}
        parallel = {name: split for way in smallest.values() for name, split in way.parallel.items()}
        plan = lay_out(self.net, self.board.input_bus_bits, parallel)
        needed = plan_resources(plan)
        if fits(needed, self.board):
            return BoardError(
                f"{self.board.name}: {self.most_weights} lanes are too few; this network takes "
                f"{plan.weights_per_cycle} at least"
            )
        graph = ""
        if self.net.graph is not None:
            nodes, edges = self.net.graph.nodes, self.net.graph.edges
            graph = f" for {nodes:,} nodes and {edges:,} edges (node_bits of convert makes a node smaller)"
        holders = [other.name for other in list_boards() if fits(needed, other)]
        return BoardError(
            f"{self.board.name}: the network does not fit; it needs at least {_short(needed, self.board)}{graph}. "
            + (
                f"It would fit {', '.join(holders)}"
                if holders
                else "No board here would hold it; use fewer channels or weight bits"
            )
        )


def _parallel(engine: EnginePlan) -> Parallel:
    words = engine.out.n if engine.neurons.fires else 1
    return Parallel(
        engine.tiles,
        engine.engines,
        engine.pairs,
        engine.group_lanes,
        engine.loaded,
        words,
        engine.folded,
        engine.sliced,
        engine.in_luts,
    )


def _engine_floor(engine: EnginePlan) -> float:
    return stage_cycles(with_engines(engine, engine.windows), Activity(0.0))


def _ways(net: Network, board: Board, *, pairs: bool) -> dict[str, tuple[_Way, ...]]:
    """Each leader in as many passes as its words allow, with neurons shared by few lanes or many, on one engine."""
    wide = {layer.name: Parallel(pairs=pairs, word_channels=board.word_channels) for layer in weighted_layers(net)}
    ways: dict[str, tuple[_Way, ...]] = {}
    for engine in lay_out(net, board.input_bus_bits, wide).engines:
        name = engine.layer.name
        if leader_of(net, engine.layer) != name:
            continue
        unit = engine.out.n if engine.neurons.fires else 1
        tiles = [1]
        if engine.groups == 1:
            tiles = [t for t in divisors(engine.lanes) if engine.lanes // t % unit == 0]
        splits = [
            Parallel(t, 1, pairs, shared, loaded, board.word_channels, folded)
            for loaded in ((False, True) if board.spram_blocks and not engine.pairs else (False,))
            for folded in ((False, True) if engine.pairs and board.lut_inputs == 6 else (False,))
            for t in tiles
            for shared in _shared(engine, engine.lanes // t)
        ]
        found = ((_way(net, board, name, {**wide, name: split}), split) for split in splits)
        ways[name] = tuple(way for way, split in found if way is not None and way.leader.folded == split.folded)
    return ways


def _shared(engine: EnginePlan, lanes: int) -> tuple[int, ...]:
    """How many of so many lanes may share what is behind them."""
    if engine.layer.kind == "graphconv":
        return GRAPH_GROUPS
    return tuple(most for most in GROUPS if most == GROUPS[0] or (engine.pipelined and lanes % most == 0))


def _way(net: Network, board: Board, leader: str, parallel: dict[str, Parallel]) -> _Way | None:
    """The way of a leader; None where the layers that follow it cannot be walked in its passes."""
    try:
        plan = lay_out(net, board.input_bus_bits, parallel)
    except BoardError:
        return None
    engines = [engine for engine in plan.engines if leader_of(net, engine.layer) == leader]
    first = next(engine for engine in engines if engine.layer.name == leader)
    behind = next((s for s in plan.stages if isinstance(s, AddPlan | GraphPlan) and s.layer is first.joins), None)
    return _Way(first, tuple(engine for engine in engines if engine is not first), behind)


def _short(needed: Resources, board: Board) -> str:
    """What is short and by how much."""
    there = needed.on(board)
    rows = (
        (there.luts, board.usable_luts, "LUTs"),
        (there.brams, board.usable_brams, f"block RAMs of {board.bram_kbits} kbit"),
        (there.dsps, board.usable_dsps, "DSP slices"),
        (there.sprams, board.spram_blocks, "single-port RAMs"),
    )
    return ", ".join(f"{have:.0f} + {need - have:.0f} {what}" for need, have, what in rows if need > have)

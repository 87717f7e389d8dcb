"""What the accelerator looks like: engines, adds, graphs, pooling. Plain numbers, which the templates render."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import accumulate

from onespike_hw.codegen.engine_plan import EnginePlan
from onespike_hw.codegen.schedule import Schedule
from onespike_hw.codegen.streams import PoolPlan, Stream, bits_for, search_levels, signed_bits
from onespike_hw.graph import Graph
from onespike_hw.network import Layer, Network


@dataclass(frozen=True)
class AddPlan:
    """An add: neurons that take the sums of two branches.

    inputs   each the engines whose sums it takes, or a stream of codes that it weighs itself
    schedule, lanes, passes, windows, group_lanes  those of the engines that feed it
    engines  the most of those that feed it, for a backend that gives all of them as many
    acc_bits, sum_bits, potential_bits  widths of the sum of both branches, of the potential without and with the bias
    """

    name: str
    layer: Layer
    inputs: tuple[EnginePlan | Stream, EnginePlan | Stream]
    out: Stream
    schedule: Schedule
    windows: int
    passes: int
    lanes: int
    engines: int
    group_lanes: int
    acc_bits: int
    sum_bits: int
    potential_bits: int
    timesteps: int
    code_bits: int
    wait: int

    @property
    def lane_groups(self) -> int:
        return self.lanes // self.group_lanes

    @property
    def classes(self) -> int:
        return self.schedule.classes

    @property
    def early(self) -> bool:
        """Neurons may fire before all of their input is there."""
        return self.wait < self.timesteps - 1

    @property
    def pass_words(self) -> int:
        """Words of one class in a pass."""
        return self.lanes // self.out.n

    @property
    def word_number_bits(self) -> int:
        return bits_for(self.pass_words)

    @property
    def pass_bits(self) -> int:
        return bits_for(self.passes)

    @property
    def class_bits(self) -> int:
        return bits_for(self.classes)

    @property
    def levels(self) -> int:
        """Rounds of the search in the ladder, three ways each."""
        return search_levels(self.timesteps)

    def level_node_bits(self, level: int) -> int:
        """Bits of a node's number in a round of the search."""
        return bits_for(3**level)


@dataclass(frozen=True)
class GraphPlan:
    """The edges of a graphconv layer: what the nodes send is kept, then added up edge by edge.

    source    the engines that give the sums of each node, in words of source.out.n channels
    graph     nodes, edges and scales
    out       codes, or logits one by one
    z_bits, sent_bits, row_bits  widths of a node's sum, of what it sends, of a sum over edges
    sum_bits, potential_bits  widths of the potential without and with the bias
    """

    name: str
    layer: Layer
    source: EnginePlan
    graph: Graph
    out: Stream
    z_bits: int
    sent_bits: int
    row_bits: int
    sum_bits: int
    potential_bits: int
    timesteps: int
    code_bits: int

    @property
    def channels(self) -> int:
        return self.out.channels

    @property
    def constants(self) -> tuple[int, ...]:
        """What the sums of each class count, in the order in which they drain."""
        return (1,) if self.source.schedule is None else self.source.schedule.multipliers

    @property
    def node_bits(self) -> int:
        return bits_for(self.graph.nodes)

    @property
    def sums_n(self) -> int:
        """Channels in a word of sums."""
        return self.source.out.n

    @property
    def node_words(self) -> int:
        """Words of sums of a node, of one class."""
        return self.channels // self.sums_n

    @property
    def out_words(self) -> int:
        """Words of codes, or logits, of a node."""
        return self.channels // self.out.n

    @property
    def word_number_bits(self) -> int:
        return bits_for(self.out_words)

    @property
    def scale_bits(self) -> tuple[int, int]:
        """Bits of the scale of a node that sends, and of one that takes."""
        scales = self.graph.source_scale, self.graph.target_scale
        source, target = (max(1, int(scale.max()).bit_length()) for scale in scales)
        return source, target

    @property
    def weight_bits(self) -> int:
        """Bits of an edge's weight; 0 where each edge counts once."""
        weight = self.graph.edge_weight
        return 0 if weight is None or not len(weight) else signed_bits(int(weight.min()), int(weight.max()))

    @property
    def entries(self) -> int:
        """Entries of the list of edges: the edges, and one for each node into which none goes."""
        return self.graph.edges + int((self.graph.degrees == 0).sum())

    @property
    def entry_bits(self) -> int:
        """Bits of {weight, last of its node, none, node that sends}."""
        return self.weight_bits + 2 + self.node_bits

    @property
    def pass_bits(self) -> int:
        """Of the one pass over a node's channels."""
        return 1

    @property
    def levels(self) -> int:
        """Rounds of the search in the ladder, three ways each."""
        return search_levels(self.timesteps)

    def level_node_bits(self, level: int) -> int:
        """Bits of a node's number in a round of the search."""
        return bits_for(3**level)


Stage = PoolPlan | EnginePlan | AddPlan | GraphPlan


@dataclass(frozen=True)
class Plan:
    """The whole accelerator, in the order of the data.

    counters    the engines count what they do with their clocks
    field_bits  bits of one input value on the input bus (its width, up to full bytes)
    logit_bits  bits of one logit on the output bus
    logits      logits in an image
    """

    net: Network
    input: Stream
    stages: tuple[Stage, ...]
    field_bits: int
    logit_bits: int
    logits: int
    counters: bool = False

    def with_cycles(self, cycles: Mapping[str, int]) -> Plan:
        """The plan with the clocks an image that the engines of each layer are expected to take; by layer name."""

        def expecting(engine: EnginePlan) -> EnginePlan:
            return replace(engine, estimated_cycles=cycles[engine.layer.name])

        def each(stage: Stage) -> Stage:
            if isinstance(stage, GraphPlan):
                return replace(stage, source=expecting(stage.source))
            return expecting(stage) if isinstance(stage, EnginePlan) else stage

        return replace(self, stages=tuple(map(each, self.stages)))

    @property
    def counted(self) -> tuple[EnginePlan, ...]:
        """The engines that count, where there are counters: those that add."""
        return tuple(e for e in self.engines if e.schedule is not None)

    @property
    def loaded(self) -> tuple[tuple[EnginePlan, int], ...]:
        """The engines whose weights are loaded at start, largest first, and the address of each one's first byte."""
        engines = sorted((e for e in self.engines if e.loaded), key=lambda e: -e.load_bits)
        starts = accumulate((1 << engine.load_bits for engine in engines), initial=0)
        return tuple(zip(engines, starts, strict=False))

    @property
    def engines(self) -> tuple[EnginePlan, ...]:
        return tuple(stage for stage in self.stages if isinstance(stage, EnginePlan))

    @property
    def output(self) -> EnginePlan | GraphPlan:
        last = self.stages[-1]
        assert isinstance(last, EnginePlan | GraphPlan)
        return last

    @property
    def zero_points(self) -> tuple[int, ...]:
        """Of the channels of a pixel; of those of one word, where all have the same."""
        zeros = tuple(map(int, self.net.input_zero_point))
        return zeros[:1] * self.input.n if len(set(zeros)) == 1 else zeros

    @property
    def takes_spikes(self) -> bool:
        """Its input values are single bits that spike or not, and no differences."""
        return self.input.is_codes

    @property
    def lanes(self) -> int:
        """Synapse lanes (the multiplying lanes of the first layer left out)."""
        return sum(e.lanes * e.engines for e in self.engines if e.schedule is not None)

    @property
    def weights_per_cycle(self) -> int:
        """Weights that can be added in a clock (the multiplying lanes of the first layer left out)."""
        return sum(e.weights_per_cycle for e in self.engines if e.schedule is not None)

    @property
    def sops_bits(self) -> int:
        """Bits of the synaptic operations that all lanes do in a clock."""
        return bits_for(self.weights_per_cycle + 1)

    @property
    def weight_memory_bits(self) -> int:
        """Bits of weight memory over all engines (each has its own copy)."""
        return sum(e.weight_memory_bits * e.engines for e in self.engines)

    @property
    def streams(self) -> tuple[Stream, ...]:
        """Streams of codes, as the scoreboard watches them."""
        return tuple(s.out for s in self.stages[:-1] if s.out.is_codes and self.net.carries_codes(s.layer.name))

"""What the accelerator looks like: streams, engines, widths. Plain numbers, which the templates render."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import accumulate

from onespike_hw.codegen.schedule import Schedule
from onespike_hw.graph import Graph
from onespike_hw.network import Layer, Network

BLOCK_PORT_BITS = 18
"""Bits of a port of half a block RAM of 36 kbit, at 1,024 words."""
MAX_REST_BITS = 4
SLICE_BITS = 24
"""Bits of a lane in half a DSP slice, at most."""


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


def _field(count: int) -> int:
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


@dataclass(frozen=True)
class EnginePlan:
    """A layer with weights: one or several engines, dealt the windows in turn.

    line          line buffer in front; None where the words come in the order of the columns anyway
    columns       columns in a row of windows
    stride        columns from one window to the next
    row_windows   windows in a row
    windows       windows in an image
    cols, units, rows  a window is cols columns of units x rows words
    depth         columns in an engine's ring; words, where it adds pairs
    strip         neighbouring windows that one engine takes in turn where it adds pairs; else 1
    two_rows      columns serve two rows of windows at once, so that fewer words feed the engines
    pairs         its lanes add two weights a clock (pair_engine.sv.j2), or one (spike_engine.sv.j2)
    group_passes, tiles, lanes  a window is walked group_passes * tiles times, each for `lanes` output channels
    groups, j     channel groups side by side in a word, channels of each; one position of all groups is read a clock
    engines       side by side
    schedule      None for the first layer, whose engines multiply
    weight_bits, acc_bits, sum_bits, potential_bits  widths of weight in memory, lane, potential without and with bias
    group_lanes   lanes that share one drain
    loaded        its weights lie in memory that is empty at power-up, and are loaded at start
    sliced        lanes of each engine that lie in DSP slices, two in each (slice_lanes.sv)
    pieces        a window that is all of the input is walked in so many pieces, each as soon as it is there
    joins         the layer whose neurons stand behind it and take its sums: an add, or a graphconv layer, whose nodes
                  it walks; None where it has neurons of its own. The sums of each drain leave it in words of out.n
                  lanes, pass by pass and class by class
    """

    name: str
    layer: Layer
    source: Stream
    out: Stream
    line: LinePlan | None
    columns: int
    stride: int
    row_windows: int
    windows: int
    cols: int
    units: int
    rows: int
    depth: int
    strip: int
    two_rows: bool
    pairs: bool
    group_passes: int
    tiles: int
    lanes: int
    groups: int
    j: int
    engines: int
    schedule: Schedule | None
    weight_bits: int
    acc_bits: int
    sum_bits: int
    potential_bits: int
    group_lanes: int
    timesteps: int
    code_bits: int
    wait: int
    estimated_cycles: int
    joins: Layer | None = None
    loaded: bool = False
    sliced: int = 0
    pieces: int = 1

    @property
    def folded(self) -> bool:
        """Weights of some phases lie in memory a second time, shifted."""
        return self.schedule is not None and any(self.schedule.raised)

    @property
    def most_slices(self) -> int:
        """DSP slices in which the lanes of an engine may lie, two in each."""
        return self.lanes // 2 if self.pairs and self.acc_bits <= SLICE_BITS else 0

    @property
    def neurons(self) -> Layer:
        """The layer whose neurons take its sums."""
        return self.joins or self.layer

    @property
    def gives_words(self) -> bool:
        """Words of codes or of sums leave it, not logits one by one."""
        return self.layer.fires or self.joins is not None

    @property
    def gives(self) -> str:
        """What a window gives, for people."""
        if not self.gives_words:
            return f"{self.out_words} logits"
        return f"{self.out_words} words of {self.out.n} {'codes' if self.joins is None else 'sums'}"

    @property
    def passes(self) -> int:
        return self.group_passes * self.tiles

    @property
    def pass_units(self) -> int:
        return self.units // self.group_passes

    @property
    def piece_cols(self) -> int:
        """Columns that are walked at a time."""
        return self.cols // self.pieces

    @property
    def piece_bits(self) -> int:
        return bits_for(self.pieces)

    @property
    def bundle(self) -> int:
        return self.source.bundle

    @property
    def lane_groups(self) -> int:
        return self.lanes // self.group_lanes

    @property
    def pass_rows(self) -> int:
        """Rows of weights for one pass."""
        return self.cols * (self.pass_units // self.bundle) * self.rows * self.j

    @property
    def weight_rows(self) -> int:
        """Rows of the weight memory; an engine that adds has a row of zeros behind them."""
        return self.passes * self.pass_rows + (0 if self.schedule is None else 1)

    @property
    def column_words(self) -> int:
        """Words in a column of a window."""
        return self.units * self.rows

    @property
    def entry_bits(self) -> int:
        """Bits of {word, channel}: a spike's place in its column. A part that has one value only is left out."""
        return _field(self.column_words) + _field(self.source.n)

    @property
    def pair_address_bits(self) -> int:
        """Address bits of an engine of pairs: {pass, shifted, column, word, channel}; zeros lie at all ones."""
        counts = (self.passes, 1 + self.folded, self.cols, self.column_words, self.source.n)
        return sum(map(_field, counts)) + all(count & (count - 1) == 0 for count in counts)

    @property
    def word_number_bits(self) -> int:
        return bits_for(self.column_words)

    @property
    def channel_bits(self) -> int:
        return bits_for(self.source.n)

    @property
    def col_bits(self) -> int:
        return bits_for(self.cols)

    @property
    def list_slot_bits(self) -> int:
        """Address bits of the lists that an engine of pairs keeps: of one window, and of the next strip's first."""
        return bits_for(2 * self.cols)

    @property
    def place_bits(self) -> int:
        """Address bits of the ring of lists: it holds a window whose every value spikes, and one place more."""
        return bits_for(self.cols * self.column_words * self.source.n + 2)

    @property
    def fifo_bits(self) -> int:
        """Address bits of the queue that holds a strip's words until their turn; 32 cost no more LUTs than fewer."""
        return max(5, bits_for(self.strip * self.out_words))

    @property
    def memory_rows(self) -> int:
        """Rows of the weight memory as it is emitted."""
        return 1 << self.pair_address_bits if self.pairs else self.weight_rows

    @property
    def rest_bits(self) -> int:
        """Upper bits of a row that lie in LUTs where an engine adds pairs: too few to be worth a block RAM."""
        rest = self.lanes * self.weight_bits % BLOCK_PORT_BITS
        shallow = self.pairs and self.memory_rows <= 512
        return rest if shallow and self.lanes * self.weight_bits > BLOCK_PORT_BITS and rest <= MAX_REST_BITS else 0

    @property
    def row_bytes(self) -> int:
        """Bytes of a row of weights as they are loaded."""
        return -(-self.lanes * self.weight_bits // 8)

    @property
    def row_byte_bits(self) -> int:
        """Address bits of a byte in a row as it is loaded."""
        return _field(self.row_bytes)

    @property
    def load_bits(self) -> int:
        """Address bits of the weights as they are loaded: {row, byte}."""
        return self.base_bits + self.row_byte_bits

    @property
    def held_windows(self) -> int:
        """Windows that may start within an engine's ring of columns, as a power of two."""
        apart = self.piece_cols if self.row_windows == 1 else min(self.cols, self.stride * self.engines)
        return 1 << bits_for(-(-self.depth // apart))

    @property
    def weights_per_cycle(self) -> int:
        """Weights that all engines of the layer can add in a clock; products, for the first layer."""
        return self.lanes * self.engines * (2 if self.pairs else 1)

    @property
    def adds(self) -> int:
        """Rows of weights that one engine adds in a clock, at most: groups side by side have rows of their own."""
        return 2 if self.pairs else self.groups

    @property
    def adds_bits(self) -> int:
        return bits_for(self.adds + 1)

    @property
    def layer_adds_bits(self) -> int:
        """Bits of the rows that all engines of the layer add in a clock."""
        return bits_for(self.adds * self.engines + 1)

    @property
    def weight_memory_bits(self) -> int:
        """Bits of the weights in one engine's memory."""
        return self.memory_rows * self.lanes * self.weight_bits

    @property
    def base_bits(self) -> int:
        return bits_for(self.weight_rows)

    @property
    def slot_bits(self) -> int:
        return bits_for(self.depth)

    @property
    def unit_bits(self) -> int:
        return bits_for(self.units)

    @property
    def row_bits(self) -> int:
        return bits_for(self.rows)

    @property
    def pass_bits(self) -> int:
        return bits_for(self.passes)

    @property
    def lane_bits(self) -> int:
        return bits_for(self.group_lanes)

    @property
    def step_bits(self) -> int:
        return bits_for(self.timesteps)

    @property
    def classes(self) -> int:
        return 1 if self.schedule is None else self.schedule.classes

    @property
    def class_bits(self) -> int:
        return bits_for(self.classes)

    @property
    def products(self) -> tuple[int, ...]:
        """The constants with which the neurons multiply: one a class, which may drain in two parts (Schedule)."""
        return (1,) if self.schedule is None else self.schedule.products

    @property
    def levels(self) -> int:
        """Rounds of the search in the ladder, three ways each; 1 where the potentials leave as they are."""
        return search_levels(self.timesteps) if self.neurons.fires else 1

    @property
    def level_bits(self) -> int:
        return bits_for(self.levels)

    @property
    def node_bits(self) -> int:
        """Address bits of the nodes of all rounds: 1 + 3 + 9 + .."""
        return bits_for((3**self.levels - 1) // 2)

    @property
    def early(self) -> bool:
        """Neurons may fire before all of their input is there."""
        return self.neurons.fires and self.schedule is not None and self.wait < self.timesteps - 1

    @property
    def tall(self) -> bool:
        """Columns come whole, all rows in one word (tall_columns.sv): the multi-bit words of the input are narrow."""
        return (
            self.schedule is None
            and self.line is not None
            and self.groups == 1
            and self.rows > 1
            and self.line.padding_h < self.rows
            and self.source.width * self.source.words > 1  # a row's word is stored before the next row reads it
        )

    @property
    def feed(self) -> LinePlan | None:
        """The line buffer that the engines share; columns for two rows of windows are taller, and half as many."""
        if self.line is None or not self.two_rows:
            return self.line
        kernel_h, stride_h = self.line.kernel_h + self.line.stride_h, 2 * self.line.stride_h
        lines = line_count(kernel_h, stride_h, self.source.height)
        rows_out = -(-self.line.rows_out // 2)
        return replace(self.line, kernel_h=kernel_h, stride_h=stride_h, rows_out=rows_out, lines=lines)

    @property
    def pipelined(self) -> bool:
        """Neurons that need no more than the final sums of a few classes: a pipeline, a lane a clock (pipeline.j2)."""
        return self.layer.fires and not self.early and (self.schedule is None or self.schedule.shift > 0)

    def level_node_bits(self, level: int) -> int:
        """Bits of a node's number in a round of the search."""
        return bits_for(3**level)

    @property
    def latency(self) -> int:
        """Clocks from the issue of a drain to its sums, less one: memory, its register, lane.

        A multiplying lane takes four clocks, an engine of pairs one more for the address, and its DSP slices another.
        """
        if self.schedule is None:
            return 6
        return 4 + (self.sliced > 0) if self.pairs else 3

    @property
    def out_words(self) -> int:
        """Words (codes, sums) or logits that a window gives."""
        return self.passes * self.lanes // self.out.n * (1 if self.joins is None else self.classes)


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

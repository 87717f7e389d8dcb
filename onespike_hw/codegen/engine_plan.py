"""What the engines of a layer look like: windows, lanes, memories, widths."""

from __future__ import annotations

from dataclasses import dataclass, replace

from onespike_hw.codegen.schedule import Schedule
from onespike_hw.codegen.streams import LinePlan, Stream, bits_for, field_bits, line_count, search_levels
from onespike_hw.network import Layer

BLOCK_PORT_BITS = 18
"""Bits of a port of half a block RAM of 36 kbit, at 1,024 words."""

MAX_REST_BITS = 4

SETTLE = 6
"""Clocks between two drains into a potential, at least (templates/verilog/neuron_control.sv)."""
SLICE_BITS = 24
"""Bits of a lane in half a DSP slice, at most."""


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
    in_luts       lanes of each engine, the last ones, that multiply in LUTs, where the others do so in DSP slices
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
    in_luts: int = 0
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
        return field_bits(self.column_words) + field_bits(self.source.n)

    @property
    def pair_address_bits(self) -> int:
        """Address bits of an engine of pairs: {pass, shifted, column, word, channel}; zeros lie at all ones."""
        counts = (self.passes, 1 + self.folded, self.cols, self.column_words, self.source.n)
        return sum(map(field_bits, counts)) + all(count & (count - 1) == 0 for count in counts)

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
        return field_bits(self.row_bytes)

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
    def drain_period(self) -> int:
        """Clocks from a drain to the next, at least, where drains go into potentials."""
        return max(self.group_lanes, SETTLE)

    @property
    def window_drains(self) -> int:
        """Drains after which the neurons have a window; those of a pipeline take each piece for itself."""
        return self.classes * (1 if self.pipelined else self.pieces)

    @property
    def class_bits(self) -> int:
        return bits_for(self.window_drains)

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
    def skips(self) -> bool:
        """Values of 0 take no clock: a vector comes in words of several values, of which the next one is looked for."""
        return self.schedule is None and self.layer.kind == "linear" and self.groups == 1 and self.j > 1

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

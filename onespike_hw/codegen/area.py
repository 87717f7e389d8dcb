"""The LUTs, block RAMs and DSP slices that a plan takes: estimates, for the planner."""

from __future__ import annotations

import math
from dataclasses import dataclass

from onespike_hw.codegen.board import Board
from onespike_hw.codegen.engine_plan import BLOCK_PORT_BITS, EnginePlan
from onespike_hw.codegen.forks import all_queues
from onespike_hw.codegen.plan import AddPlan, GraphPlan, Plan
from onespike_hw.codegen.streams import LinePlan, Stream, bits_for

LUT_ROM_ROWS = 65
"""Weights of so many rows (64, and one of zeros) go into LUTs: a block RAM would stand all but empty."""

LUT_RAM_ROWS, LUT_RAM_LUTS = 64, 48
"""Memories of so many words, or so few LUTs of six inputs, are built of LUTs by yosys 0.23; others of block RAM."""

LINE_RAM_ROWS, WINDOW_RAM_ROWS = 96, 192
"""The same for line buffers and window buffers of LUTs of four inputs."""

LUT6S = 1.06
"""LUTs of six inputs of a chip against the sum of its parts below: 39,609 to 36,770 for the CNN on pynq, by yosys."""

LUT4S = 2.7
"""LUTs of four inputs that stand for one of six, RAM of LUTs included: yosys for ECP5, the plans of docs/boards.md."""

LANE_LUTS = 200
"""LUTs of four inputs in which a lane of the first layer multiplies: 8 x 9 bits, yosys for ECP5."""

LANE_LUT6S = 154
"""The same of LUTs of six inputs, its sum included, where other lanes multiply in slices: yosys for xc7."""

SUMS_IN_SLICES = ("xc7",)
"""Families for which yosys puts the sums of products into the slices that multiply."""

BRAM_KBITS = 36
SPRAM_BITS, SPRAM_ROWS = 16, 16384
"""Width and words of a single-port RAM of 256 kbit."""

_BRAM_SHAPES = ((512, 72), (1024, 36), (2048, 18), (4096, 9), (8192, 4), (16384, 2), (32768, 1))
"""Words and width of a block RAM of 36 kbit with one read port; a half of it has half the words, or half the width."""


@dataclass(frozen=True)
class Resources:
    """LUTs of six inputs, block RAMs of 36 kbit, DSP slices, single-port RAMs of 256 kbit.

    products  multipliers of the first layer: DSP slices or LUTs, as the board has it
    ram_luts, ram_brams  of buffers that lie in LUTs where these have four inputs, else in block RAMs; of large window
                  buffers only these: the whole blocks of the weights leave room for them on parts of four inputs
    product_bits  of the sums of these products: a LUT each, or in the slices; LUT4S and LANE_LUTS hold them already
    """

    luts: float = 0.0
    brams: float = 0.0
    dsps: float = 0.0
    sprams: float = 0.0
    products: float = 0.0
    product_bits: float = 0.0
    ram_luts: float = 0.0
    ram_brams: float = 0.0

    def __add__(self, other: Resources) -> Resources:
        mine, others = vars(self).values(), vars(other).values()
        return Resources(*(one + another for one, another in zip(mine, others, strict=True)))

    def times(self, count: int) -> Resources:
        return Resources(*(one * count for one in vars(self).values()))

    def on(self, board: Board) -> Resources:
        """The same in the LUTs and the block RAMs of a board."""
        sums = 0.0 if board.yosys_family in SUMS_IN_SLICES else self.product_bits
        wide = board.lut_inputs == 6
        luts = LUT6S * (self.luts + sums) if wide else LUT4S * (self.luts + self.ram_luts)
        brams = self.brams + (self.ram_brams if wide else 0.0)
        dsps = self.dsps + self.products if board.lane_dsps else self.dsps
        luts += 0.0 if board.lane_dsps else self.products * LANE_LUTS
        return Resources(luts, brams * BRAM_KBITS / board.bram_kbits, dsps, self.sprams)


def _memory_brams(rows: int, bits: int) -> float:
    """Block RAMs of 36 kbit, in halves, for a memory of one read port."""
    wholes = (math.ceil(bits / width) * math.ceil(rows / depth) for depth, width in _BRAM_SHAPES)
    halves = (math.ceil(bits / (width // 2)) * math.ceil(rows / depth) / 2 for depth, width in _BRAM_SHAPES[:-1])
    return float(min(*wholes, *halves))


def _buffer(rows: int, bits: int, few: int) -> Resources:
    """A memory of one read port that yosys builds of LUTs or of block RAM; of LUTs of four inputs to so `few` words."""
    luts = float(_ram_luts(rows, bits))
    if rows <= LUT_RAM_ROWS or luts <= LUT_RAM_LUTS:
        return Resources(luts)
    if rows <= few:
        return Resources(ram_luts=luts, ram_brams=_memory_brams(rows, bits))
    return Resources(brams=_memory_brams(rows, bits))


def _pair_rom_brams(rows: int, bits: int) -> float:
    """Block RAMs of 36 kbit, in halves, for a memory of two read ports: to 1,024 rows of BLOCK_PORT_BITS a half."""
    return math.ceil(bits / BLOCK_PORT_BITS) / 2 * math.ceil(rows / 1024)


def _line_resources(line: LinePlan, source: Stream) -> Resources:
    rows = line.lines * source.width * source.words
    buffer = _buffer(rows, source.word_bits, LINE_RAM_ROWS)
    return Resources(130.0 if buffer.brams else 115.0) + buffer


def _feed_resources(engine: EnginePlan) -> Resources:
    """What stands in front of the engines of a layer: whole columns of pixels, a line buffer, or nothing."""
    if engine.feed is None:
        return Resources()
    if not engine.tall:
        return _line_resources(engine.feed, engine.source)
    bits = engine.source.word_bits
    return Resources(60.0 + engine.rows * bits + _ram_luts(engine.source.width, (engine.rows - 1) * bits))


def engine_resources(engine: EnginePlan) -> Resources:
    """One engine with its weights."""
    memory = _weight_memory(engine)
    front = _dense_front(engine) if engine.schedule is None else _pair_front(engine) if engine.pairs else _front(engine)
    collector = 8.0 if engine.out_words == engine.passes else engine.out.word_bits
    if engine.joins is not None:
        neurons = Resources(engine.acc_bits * _mux_luts(engine.group_lanes) + 6)
    else:
        neurons = _pipeline_group(engine) if engine.pipelined else _group(engine)
    control = Resources(14.0 if engine.pipelined or engine.joins else 31.0)
    return (
        memory
        + front
        + _lane(engine).times(engine.lanes - engine.sliced - engine.in_luts)
        + Resources(LANE_LUT6S * engine.in_luts, dsps=engine.sliced / 2)
        + neurons.times(engine.lane_groups)
        + control
        + Resources(collector if engine.gives_words else 0.0)
    )


def _weight_memory(engine: EnginePlan) -> Resources:
    bits = engine.lanes * engine.weight_bits
    ports = 2 if engine.pairs else 1
    if engine.loaded:
        blocks = math.ceil(8 * engine.row_bytes / SPRAM_BITS) * math.ceil(engine.memory_rows / SPRAM_ROWS)
        return Resources(10.0, sprams=float(blocks))
    if engine.memory_rows <= LUT_ROM_ROWS:
        return Resources(ports * 0.9 * bits * math.ceil(engine.memory_rows / 64))
    if engine.pairs:
        rest = 2 * engine.rest_bits * math.ceil(engine.memory_rows / 64)
        return Resources(rest, _pair_rom_brams(engine.memory_rows, bits - engine.rest_bits))
    return Resources(brams=_memory_brams(engine.memory_rows, bits))


def _lane(engine: EnginePlan) -> Resources:
    if engine.schedule is None:
        return Resources(1.0, products=1.0, product_bits=float(engine.acc_bits))
    return Resources(engine.acc_bits + 1.2)


def _dense_front(engine: EnginePlan) -> Resources:
    return _window(engine) + Resources(45.0 + engine.source.n * engine.source.bits)


def _front(engine: EnginePlan) -> Resources:
    """Window, walker, fetch and serializer: what finds one spike a clock."""
    units = engine.depth << (engine.unit_bits if engine.units > 1 else 0)
    flags = engine.timesteps * _ram_luts(units, engine.rows)
    return _window(engine) + Resources(121 + flags + 8.1 * engine.source.n)


def _pair_front(engine: EnginePlan) -> Resources:
    """Column buffer, lists and reader: what finds two spikes a clock."""
    place = engine.place_bits
    ring = 2 * _ram_luts(1 << place, engine.entry_bits) * 1.1
    ends = 2 * _ram_luts(1 << (engine.list_slot_bits + engine.step_bits), place)
    columns = 28 + _ram_luts(engine.depth, engine.source.word_bits + 1)
    columns += _ram_luts(engine.depth, engine.column_words * engine.timesteps) + 4 * engine.column_words
    return Resources(columns + 105 + 5.0 * engine.source.n + 85 + ends + 75 + 8.0 * place + ring + 20)


def _window(engine: EnginePlan) -> Resources:
    """The window buffer of an engine."""
    words = engine.depth << (engine.unit_bits if engine.units > 1 else 0) + (engine.row_bits if engine.rows > 1 else 0)
    buffer = _buffer(words, engine.source.word_bits, WINDOW_RAM_ROWS)
    return Resources(26.0 + buffer.luts, ram_luts=buffer.ram_luts, ram_brams=buffer.brams + buffer.ram_brams)


def _lane_addresses(engine: EnginePlan) -> int:
    return 1 << (engine.pass_bits if engine.passes > 1 else 0) + engine.lane_bits


def _mux_luts(lanes: int) -> float:
    """LUTs a bit of a multiplexer over so many lanes."""
    return math.ceil(lanes / 4) + (lanes > 16) if lanes > 1 else 0.0


def _pipeline_group(engine: EnginePlan) -> Resources:
    """The neurons of one group of lanes, as a pipeline."""
    ladder = _ladder_luts(engine, _lane_addresses(engine))
    mux = engine.classes * engine.acc_bits * _mux_luts(engine.group_lanes)
    joined = engine.acc_bits * (engine.classes - len(engine.products))
    pieces = engine.sum_bits + _ram_luts(engine.group_lanes, engine.sum_bits) if engine.pieces > 1 else 0
    return Resources(18 + mux + joined + pieces + ladder, dsps=float(sum(q.bit_count() > 1 for q in engine.products)))


def _ladder_luts(neurons: EnginePlan | AddPlan | GraphPlan, addresses: int) -> float:
    """LUTs of the search in the ladders of so many neurons, one after the other."""
    nodes = [addresses << (neurons.level_node_bits(level) if level else 0) for level in range(neurons.levels)]
    return sum(38 + 1.8 * neurons.sum_bits * math.ceil(count / 64) for count in nodes)


def _group(engine: EnginePlan) -> Resources:
    """The neurons of one group of lanes, where each drain goes into a potential."""
    drain = 4.1 * engine.acc_bits * engine.group_lanes / 16 + 3.6 * engine.potential_bits
    bias = engine.potential_bits * math.ceil(_lane_addresses(engine) / 64)
    ladder = 2 * engine.potential_bits * math.ceil((_lane_addresses(engine) << engine.node_bits) / 64)
    luts = drain + bias + (50 + 0.85 * ladder if engine.layer.fires else 30)
    if engine.early:
        luts += engine.potential_bits * math.ceil((_lane_addresses(engine) << engine.step_bits) / 64) + 30
    return Resources(luts, dsps=0.0 if engine.schedule is None else 1.0)


def _ram_luts(words: int, bits: int) -> float:
    """LUTs of a distributed RAM: four for 6 bits of 32 words, or for 3 bits of 64."""
    if words <= 32:
        return 4 * math.ceil(bits / 6)
    return 4 * math.ceil(bits / 3) * math.ceil(words / 64)


def _layer_resources(engine: EnginePlan) -> Resources:
    """What a layer's engines share: dealer, flags, queues, merge."""
    several = engine.engines > 1
    flags = 0.0 if engine.schedule is None else engine.source.n * engine.timesteps * 1.9
    queue = 17 + _ram_luts(1 << engine.fifo_bits, engine.out.word_bits) if engine.pairs and several else 0
    dealer = 24 + (queue + 7) * engine.engines if engine.pairs else 12
    merge = engine.out.word_bits * (engine.engines + 1) / 3 if several else 0.0
    return Resources(16 + dealer + flags + merge)


def add_resources(add: AddPlan) -> Resources:
    """The neurons of an add, one for each channel of a word, and the weights of its shortcuts."""
    places = 1 << (add.pass_bits + add.word_number_bits)
    neuron = add.acc_bits + add.sum_bits + _ram_luts(add.pass_words, add.sum_bits) + _ladder_luts(add, places)
    if add.early:
        neuron += add.sum_bits * (0.5 + math.ceil((places << add.class_bits) / 64)) + 30
    shortcut = (1.5 * add.acc_bits + 12 * math.ceil(places / 64)) * add.out.n + 30
    shortcuts = sum(isinstance(read, Stream) for read in add.inputs)
    return Resources(40 + neuron * add.out.n + shortcut * shortcuts, dsps=float(add.out.n))


def graph_resources(layer: GraphPlan) -> Resources:
    """What the nodes send, the list of edges, and the neurons, one for each channel of a word."""
    nodes, few = layer.graph.nodes, layer.graph.nodes <= LINE_RAM_ROWS
    word = layer.sums_n * layer.sent_bits
    kept = Resources(layer.node_words * (_ram_luts(nodes, word) if few else 0))
    if not few:
        scales = sum(_memory_brams(nodes, bits) for bits in layer.scale_bits)
        kept = kept + Resources(brams=layer.node_words * _memory_brams(nodes, word) + scales)
    edges = Resources(brams=_memory_brams(layer.entries, layer.entry_bits))
    adders = layer.channels * layer.row_bits * 3.0 + layer.sums_n * (layer.z_bits + 2 * layer.sent_bits)
    ladder = _ladder_luts(layer, 1 << layer.word_number_bits) if layer.layer.fires else float(layer.potential_bits)
    products = [(layer.sums_n, layer.source.acc_bits if layer.source.classes > 1 else 0), (layer.sums_n, layer.z_bits)]
    products += [(layer.out.n, layer.row_bits), (layer.channels if layer.weight_bits else 0, layer.sent_bits)]
    dsps = sum(count * math.ceil(bits / 25) for count, bits in products)
    return kept + edges + Resources(150 + adders + ladder * layer.out.n, dsps=float(dsps))


def fork_resources(plan: Plan) -> Resources:
    """The queues where branches part."""
    waiting = all_queues(plan)
    streams = (plan.input, *(stage.out for stage in plan.stages))
    depths = [(queue.depth, stream.word_bits) for stream in streams for queue in waiting[stream.name]]
    return Resources(sum(17 + _ram_luts(1 << bits_for(depth), bits) for depth, bits in depths))


def plan_resources(plan: Plan) -> Resources:
    """The whole accelerator."""
    total = Resources(luts=60.0) + fork_resources(plan)
    for stage in plan.stages:
        if isinstance(stage, AddPlan):
            total = total + add_resources(stage)
        elif isinstance(stage, GraphPlan):
            total = total + graph_resources(stage)
        elif isinstance(stage, EnginePlan):
            engines = engine_resources(stage).times(stage.engines)
            total = total + _feed_resources(stage) + engines + _layer_resources(stage)
        else:
            compare = Resources(luts=20.0 + stage.source.word_bits * 1.5)
            total = total + _line_resources(stage.line, stage.source) + compare
    return total

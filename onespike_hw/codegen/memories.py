"""What the emitted memories hold: weights, biases and ladders in the order in which the engines read them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from onespike_hw.codegen.engine_plan import EnginePlan
from onespike_hw.codegen.plan import AddPlan, GraphPlan, Plan
from onespike_hw.codegen.streams import bits_for
from onespike_hw.network import Int64


def _places(plan: EnginePlan) -> Iterator[tuple[int, int, int]]:
    """(pixel row, pixel column, chunk of channels) of each word of a pass, as the walker meets the weights."""
    chunks = plan.pass_units // plan.bundle
    if plan.layer.kind == "conv":
        for col in range(plan.cols):
            for chunk in range(chunks):
                for row in range(plan.rows):
                    yield row, col, chunk
        return
    width, per_pixel = plan.source.width, plan.source.words // plan.bundle
    for word in range(plan.cols * chunks * plan.rows):
        pixel, chunk = divmod(word, per_pixel)
        yield pixel // width, pixel % width, chunk


def weight_rows(plan: EnginePlan) -> NDArray[np.int8]:
    """int8 (weight_rows, lanes): rows as the engine addresses them; the row of zeros last, where there is one."""
    layer = plan.layer
    assert layer.weight is not None
    source = plan.source
    weight = layer.weight
    if layer.kind == "linear":
        weight = weight.reshape(layer.shape[0], source.channels, source.height, source.width)
    elif layer.kind == "graphconv":
        weight = weight.reshape(layer.shape[0], source.channels, 1, 1)
    group_out = layer.shape[0] // layer.groups
    group_in = source.channels // layer.groups if layer.kind == "conv" else source.channels
    chunks_per_pass = source.channels // source.n // plan.group_passes
    rows = np.zeros((plan.weight_rows, plan.lanes), np.int8)
    lane = np.arange(plan.lanes)
    lane_group = lane // (plan.lanes // plan.groups)
    address = 0
    for number in range(plan.passes):
        channel = number * plan.lanes + lane
        first = (number // plan.tiles) * chunks_per_pass
        for row, col, chunk in _places(plan):
            for j in range(plan.j):
                value = (first + chunk) * source.n + lane_group * plan.j + j
                rows[address] = weight[channel, value - channel // group_out * group_in, row, col]
                address += 1
    return rows


def pair_rows(plan: EnginePlan) -> NDArray[np.int32]:
    """int32 (memory_rows, lanes): the same weights at {pass, shifted, column, word, channel}, else zeros."""
    assert plan.schedule is not None
    rows = weight_rows(plan)[: plan.passes * plan.pass_rows].astype(np.int32)
    raises = (0, max(plan.schedule.raises)) if plan.folded else (0,)
    rows = np.stack([rows.reshape(plan.passes, -1) << bits for bits in raises], axis=1).reshape(-1, plan.lanes)
    shape = (plan.passes, len(raises), plan.cols, plan.column_words, plan.source.n)
    strides = np.cumprod([1, *(1 << (count - 1).bit_length() for count in reversed(shape[1:]))])[::-1]
    places = sum(np.indices(shape).reshape(len(shape), -1) * strides[:, None])
    result = np.zeros((plan.memory_rows, plan.lanes), np.int32)
    result[places] = rows
    return result


def biases(plan: EnginePlan, group: int) -> Int64:
    """int64 (2^(pass_bits + lane_bits),): by {pass, lane} for one group of lanes."""
    assert plan.layer.bias is not None
    return _by_address(plan.layer.bias[:, None], engine_channels(plan, group))[:, 0]


def ladder_nodes(plan: EnginePlan, group: int) -> tuple[Int64, Int64]:
    """Earlier and later step of each node, by {pass, lane, node}: the ternary search tree of each neuron's ladder."""
    assert plan.layer.ladder is not None
    ladder = _clipped(plan, plan.layer.ladder)
    least = -(1 << (plan.potential_bits - 1))
    count = 1 << plan.node_bits
    pairs = np.full((ladder.shape[0], count, 2), least, np.int64)
    node = 0
    for level in range(plan.levels):
        span = 3 ** (plan.levels - 1 - level)
        for position in range(3**level):
            for side in range(2):
                step = (3 * position + side + 1) * span - 1
                if step < plan.timesteps:
                    pairs[:, node, side] = ladder[:, step]
            node += 1
    rows = _by_address(pairs.reshape(ladder.shape[0], -1), engine_channels(plan, group)).reshape(-1, 2)
    return rows[:, 0], rows[:, 1]


def ladder_level(plan: EnginePlan | AddPlan | GraphPlan, channels: Int64, level: int) -> tuple[Int64, Int64]:
    """Earlier and later step, less the bias, of the nodes of one round of the search, by {address, node}.

    channels  int64 (addresses,): the channel at each address; -1 where there is none
    """
    top = (1 << (plan.sum_bits - 1)) - 1
    ladder = _unbiased(plan)
    span = 3 ** (plan.levels - 1 - level)
    pairs = np.full((ladder.shape[0], (1 << plan.level_node_bits(level)) if level else 1, 2), -top - 1, np.int64)
    for node in range(3**level):
        for side in range(2):
            step = (3 * node + side + 1) * span - 1
            if step < plan.timesteps:
                pairs[:, node, side] = ladder[:, step]
    rows = _by_address(pairs.reshape(ladder.shape[0], -1), channels).reshape(-1, 2)
    return rows[:, 0], rows[:, 1]


def _unbiased(plan: EnginePlan | AddPlan | GraphPlan) -> Int64:
    """The ladder less the bias, in the width of the sums."""
    assert plan.layer.ladder is not None
    assert plan.layer.bias is not None
    top = (1 << (plan.sum_bits - 1)) - 1
    ladder: Int64 = np.clip(plan.layer.ladder - plan.layer.bias[:, None], -top - 1, top)
    return ladder


def early_steps(add: AddPlan, channels: Int64) -> Int64:
    """The step to test, less the bias, with each phase, by {address, phase}; above every sum for none."""
    return _early_table(add, _unbiased(add), add.sum_bits, channels)


def _early_table(plan: EnginePlan | AddPlan, ladder: Int64, bits: int, channels: Int64) -> Int64:
    """The step of a ladder to test with each phase, by {address, phase}; the largest of so many bits for none."""
    table = np.full((ladder.shape[0], 1 << bits_for(plan.timesteps)), (1 << (bits - 1)) - 1, np.int64)
    table[:, plan.wait : plan.timesteps - 1] = ladder[:, : plan.timesteps - 1 - plan.wait]
    return _by_address(table, channels).reshape(-1)


def shortcut_rows(add: AddPlan, slot: int) -> Int64:
    """int64 (2^(pass_bits + word_bits), n): the weights of a shortcut, by {pass, word}; 0 where there is none."""
    assert add.layer.operand_weight is not None
    channels = np.stack([add_channels(add, number) for number in range(add.out.n)], axis=1)
    weights: Int64 = add.layer.operand_weight[slot][channels]
    return np.where(channels < 0, 0, weights)


def engine_channels(plan: EnginePlan, group: int) -> Int64:
    """int64 (2^(pass_bits + lane_bits),): the channel at {pass, lane} of one group of lanes; -1 where there is none."""
    lane = np.arange(plan.group_lanes)
    channels = np.full((1 << plan.pass_bits, 1 << plan.lane_bits), -1, np.int64)
    for number in range(plan.passes):
        channels[number, : plan.group_lanes] = number * plan.lanes + group * plan.group_lanes + lane
    return channels.reshape(-1)


def add_channels(add: AddPlan, number: int) -> Int64:
    """int64 (2^(pass_bits + word_bits),): channel of place `number` in the word at {pass, word}; -1 for none."""
    words = np.arange(add.pass_words)
    channels = np.full((1 << add.pass_bits, 1 << add.word_number_bits), -1, np.int64)
    for each in range(add.passes):
        channels[each, : add.pass_words] = each * add.lanes + words * add.out.n + number
    return channels.reshape(-1)


def graph_channels(plan: GraphPlan, number: int) -> Int64:
    """int64 (2^(1 + word_bits),): channel of place `number` in the word at {pass 0, word}; -1 for none."""
    channels = np.full(2 << plan.word_number_bits, -1, np.int64)
    channels[: plan.out_words] = np.arange(plan.out_words) * plan.out.n + number
    return channels


def edge_entries(plan: GraphPlan) -> Int64:
    """The list of edges as the engine walks it, each {weight, last of its node, none, node that sends}."""
    graph = plan.graph
    empty = np.flatnonzero(graph.degrees == 0)
    none = np.zeros(graph.edges, np.int64)
    last = np.zeros(graph.edges, np.int64)
    last[graph.row_start[1:][graph.degrees > 0] - 1] = 1
    weight = np.zeros(graph.edges, np.int64) if graph.edge_weight is None else graph.edge_weight
    fields = np.stack([weight, last, none, graph.column])
    blank = np.array([[0], [1], [1], [0]]) * np.ones(len(empty), np.int64)
    weight, last, none, column = np.insert(fields, graph.row_start[empty], blank, axis=1)
    entries: Int64 = ((weight << 2 | last << 1 | none) << plan.node_bits) | column
    return entries


def _by_address(table: Int64, channels: Int64) -> Int64:
    """Rows of a table by channel, at their addresses; 0 where there is no channel."""
    rows: Int64 = table[channels]
    return np.where(channels[:, None] < 0, 0, rows)


def early_thresholds(plan: EnginePlan, group: int) -> Int64:
    """The step to test with the drain of each phase, by {pass, lane, phase}; above every potential for none."""
    assert plan.layer.ladder is not None
    ladder = _clipped(plan, plan.layer.ladder)
    return _early_table(plan, ladder, plan.potential_bits, engine_channels(plan, group))


def _clipped(plan: EnginePlan, ladder: Int64) -> Int64:
    """A ladder in the width of the potentials: the largest number is above every potential, the least below none."""
    top = (1 << (plan.potential_bits - 1)) - 1
    return np.clip(ladder, -top - 1, top)


def hex_lines(words: list[int] | Int64, bits: int) -> str:
    """One two's complement word a line, as $readmemh takes it."""
    digits = -(-bits // 4)
    mask = (1 << bits) - 1
    return "".join(f"{int(word) & mask:0{digits}x}\n" for word in words)


def cut(widths: Sequence[int]) -> list[tuple[int, int]]:
    """Lowest bit and width of each part of a word that is cut into so many bits each, the lowest first."""
    return list(zip(accumulate(widths, initial=0), widths, strict=False))


def packed_parts(fields: NDArray[np.signedinteger], bits: int, widths: Sequence[int]) -> list[str]:
    """Packed words, cut into parts of so many bits each, the lowest first."""
    words = [int(line, 16) for line in packed_words(fields, bits).split()]
    return [hex_lines([word >> low for word in words], width) for low, width in cut(widths)]


def packed_words(fields: NDArray[np.signedinteger], bits: int) -> str:
    """Rows of small two's complement fields, the first field in the lowest bits, one row a line."""
    count = fields.shape[1]
    raw = (fields.astype(np.int32)[:, :, None] >> np.arange(bits, dtype=np.int32)) & 1
    flat = raw.reshape(len(fields), count * bits).astype(np.uint8)
    digits = -(-(count * bits) // 4)
    padded = np.zeros((len(fields), digits * 4), np.uint8)
    padded[:, : count * bits] = flat
    nibbles = padded.reshape(len(fields), digits, 4) @ np.array([1, 2, 4, 8], np.uint8)
    text = np.frombuffer(b"0123456789abcdef", np.uint8)[nibbles[:, ::-1]]
    return "".join(f"{line.tobytes().decode()}\n" for line in text)


def load_image(plan: Plan) -> bytes:
    """What a host loads at start, from address 0; empty where nothing is loaded."""
    image = b""
    for engine, start in plan.loaded:
        rows = [int(line, 16) for line in packed_words(weight_rows(engine), engine.weight_bits).split()]
        pitch = 1 << engine.row_byte_bits
        image = image.ljust(start, b"\0") + b"".join(row.to_bytes(pitch, "little") for row in rows)
    return image

"""From a network to streams, windows and widths: all of the accelerator but its parallelism."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from onespike_hw.codegen.activity import DENSITY
from onespike_hw.codegen.names import identifiers
from onespike_hw.codegen.plan import (
    AddPlan,
    EnginePlan,
    GraphPlan,
    LinePlan,
    Plan,
    PoolPlan,
    Stage,
    Stream,
    bits_for,
    line_count,
    signed_bits,
)
from onespike_hw.codegen.schedule import Schedule, largest_shift, schedule
from onespike_hw.errors import BoardError
from onespike_hw.graph import Graph
from onespike_hw.network import INPUT, Int64, Layer, Network

WORD_CHANNELS = {
    ("conv", "conv"): 32,
    ("conv", "linear"): 16,
    ("linear", "linear"): 8,
    ("graphconv", "graphconv"): 8,
}
"""Channels in a word of codes, at most, between two kinds of layers: the reader looks at all of them in one clock."""
ADD_CHANNELS = 8
"""Channels in a word of an add, at most: each has a neuron of its own."""
SPIKE_CHANNELS = 64
"""Channels in a word of an input of single bits, at most."""
SETTLE = 6
"""Clocks between two drains, at least (templates/verilog/neuron_control.sv)."""


STRIP = 4
"""Neighbouring windows of one engine, about: a longer strip lists fewer columns twice, and answers later."""
FOLDED_STRIP = 6
"""The same where weights are folded: two spikes a clock leave no clock to list columns often."""


@dataclass(frozen=True)
class Parallel:
    """How a layer is spread: output channels in `tiles` passes, windows over `engines` engines.

    group_lanes   lanes that share the neurons behind them, at most: a window keeps those busy for so many clocks
    pairs         lanes that add two weights a clock, where the layer suits them (`suits_pairs`)
    loaded        weights in memory that is loaded at start
    word_channels channels in a word of codes that leaves, at most: a pass is for as many output channels, or more
    folded        weights of every other phase lie in memory shifted, where lanes add pairs for neurons of their own
    sliced        lanes of each engine that lie in DSP slices, at most, where lanes add pairs
    """

    tiles: int = 1
    engines: int = 1
    pairs: bool = True
    group_lanes: int = 16
    loaded: bool = False
    word_channels: int = 32
    folded: bool = False
    sliced: int = 0


def weighted_layers(net: Network) -> tuple[Layer, ...]:
    """The layers that have weights, in the order of the data."""
    return tuple(layer for layer in net.layers if layer.weight is not None)


def divisors(value: int) -> list[int]:
    """All divisors, rising."""
    return [d for d in range(1, value + 1) if value % d == 0]


def _suits_groups(n: int, channels: int, groups: int) -> bool:
    """Can a layer of so many groups read words of n channels? Words within a group, or whole groups within a word."""
    size = channels // groups
    return size % n == 0 or (n % size == 0 and groups % (n // size) == 0)


def _readers(net: Network, name: str) -> list[Layer]:
    """The layers that look at the words of a layer, behind pooling and flattening too: those with weights, and adds."""
    found: list[Layer] = []
    for layer in net.readers_of(name):
        looks = layer.weight is not None or layer.kind == "add"
        found += [layer] if looks else _readers(net, layer.name)
    return found


def _suits_readers(net: Network, name: str, n: int, channels: int) -> bool:
    """Can all layers that look at the words of a layer read words of n channels?"""
    return all(_suits_groups(n, channels, reader.groups) for reader in _readers(net, name))


def _group_passes(channels: int, groups: int, n: int) -> tuple[int, int]:
    """(passes over groups, groups side by side in a word) for words of n channels."""
    size = channels // groups
    return (groups, 1) if size % n == 0 else (groups // (n // size), n // size)


def _map(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """(channels, height, width); nodes stand below one another."""
    channels, height, width = (*shape, 1, 1)[:3]
    return channels, height, width


def input_stream(net: Network, bus_bits: int) -> tuple[Stream, int]:
    """The stream behind the zero points, and the bits of one value's field on a bus of `bus_bits`."""
    channels, height, width = _map(net.input_shape)
    if _takes_spikes(net):
        most = min(bus_bits, SPIKE_CHANNELS)
        n = max(d for d in divisors(channels) if d <= most)
        return Stream(INPUT, INPUT, channels, height, width, n, 1, 1, True), 1
    field = 8 if net.input_bits <= 8 else 16
    fitting = [
        d for d in divisors(channels) if d * field <= max(bus_bits, field) and _suits_readers(net, INPUT, d, channels)
    ]
    return Stream(INPUT, INPUT, channels, height, width, max(fitting), 1, net.input_bits + 1, False), field


def _takes_spikes(net: Network) -> bool:
    """Features of a node are single bits: the engines add the weights of those that are set."""
    single = net.input_bits == 1 and not net.input_signed
    return net.graph is not None and single and not net.input_zero_point.any()


def _line(layer: Layer, source: Stream, *, by_column: bool) -> LinePlan:
    """Line buffer of a layer: whole windows for pooling, columns of all windows of a row for engines."""
    _, rows_out, columns_out = _map(layer.shape)
    (kernel_h, kernel_w), (stride_h, stride_w), (padding_h, padding_w) = layer.kernel_size, layer.stride, layer.padding
    needed = (columns_out - 1) * stride_w + kernel_w
    return LinePlan(
        kernel_h=kernel_h,
        kernel_w=1 if by_column else kernel_w,
        stride_h=stride_h,
        stride_w=1 if by_column else stride_w,
        padding_h=padding_h,
        padding_w=padding_w,
        rows_out=rows_out,
        columns=needed if by_column else columns_out,
        lines=line_count(kernel_h, stride_h, source.height),
    )


def _pool(net: Network, layer: Layer, source: Stream, name: str) -> PoolPlan:
    channels, height, width = _map(layer.shape)
    window = layer.kernel_size[0] * layer.kernel_size[1]
    out = replace(
        source,
        name=name,
        source=layer.name,
        channels=channels,
        height=height,
        width=width,
        bundle=source.bundle * (window if layer.kind == "avgpool" else 1),
    )
    return PoolPlan(name, layer, source, out, _line(layer, source, by_column=False))


def _sums(layer: Layer, bundle: int) -> tuple[np.ndarray, np.ndarray]:
    """Sum of the negative and of the positive weights of each output channel, times the values in a bundle."""
    assert layer.weight is not None
    flat = layer.weight.reshape(layer.weight.shape[0], -1).astype(np.int64)
    return np.minimum(flat, 0).sum(1) * bundle, np.maximum(flat, 0).sum(1) * bundle


def _widths(net: Network, layer: Layer, source: Stream, steps: Schedule | None) -> tuple[int, int, int, int]:
    """(weight in memory, lane, sum, potential) bits: no value of any input needs more (docs/contract.md, Widths)."""
    assert layer.weight is not None
    assert layer.bias is not None
    weight_bits = max(2, signed_bits(int(layer.weight.min()), int(layer.weight.max())))
    weight_bits += 0 if steps is None else max(steps.raises)
    lows, highs = _reach(net, layer, source)
    if steps is None:
        lane = signed_bits(int(lows.min()), int(highs.max()))
    else:
        negative, positive = _sums(layer, source.bundle)
        shift = largest_shift(steps)
        lane = signed_bits(int(negative.min()) << shift, int(positive.max()) << shift)
    lane = max(lane, weight_bits + 1)
    reach = signed_bits(int((lows + layer.bias).min()), int((highs + layer.bias).max()) + 1)
    bias = signed_bits(int(layer.bias.min()), int(layer.bias.max()) + 1)
    total = max(signed_bits(int(lows.min()), int(highs.max()) + 1), lane)
    return weight_bits, lane, total, max(reach, bias, lane + 1)


def _reach(net: Network, layer: Layer, source: Stream) -> tuple[Int64, Int64]:
    """The least and the largest potential of each output channel without its bias."""
    negative, positive = _sums(layer, source.bundle)
    constants = _constants(net, layer)
    if constants is not None:
        return negative * int(constants[0]), positive * int(constants[0])
    low, high = net.input_range
    least = min(low - int(net.input_zero_point.max()), 0)
    most = max(high - int(net.input_zero_point.min()), 0)
    return negative * most + positive * least, positive * most + negative * least


def _constants(net: Network, layer: Layer) -> Int64 | None:
    """The phase constants of the spikes that a layer reads; None where it reads differences."""
    if layer.inputs[0] == INPUT and _takes_spikes(net):
        return np.ones(1, np.int64)
    return net.constants_of(layer.inputs[0])


def _like(layer: Layer) -> str:
    """The kind of layer with weights whose windows a layer has: an add those of the layers that may feed it."""
    if layer.kind != "add":
        return layer.kind
    return "conv" if len(layer.shape) == 3 else "linear"


def _word_channels(net: Network, layer: Layer, largest: int, limit: int) -> int:
    """Channels in a word of codes: as many as a limit, the layer's lanes, its readers and WORD_CHANNELS allow."""
    channels = layer.shape[0]
    most = min(limit, *(WORD_CHANNELS[_like(layer), _like(reader)] for reader in _readers(net, layer.name)))
    if layer.kind == "add":
        most = min(most, ADD_CHANNELS)
    fitting = (d for d in divisors(largest) if d <= most)
    return max(d for d in fitting if _suits_readers(net, layer.name, d, channels))


def _engine(
    net: Network, layer: Layer, source: Stream, name: str, parallel: Parallel, joins: Layer | None = None
) -> EnginePlan:
    channels, height, width = _map(layer.shape)
    constants = _constants(net, layer)
    timesteps = net.timesteps if constants is None else len(constants)
    neurons = joins or layer
    settled = net.settled or not neurons.fires
    steps = None if constants is None else schedule(constants, settled=settled)
    group_passes, groups = _group_passes(source.channels, layer.groups, source.n)
    pass_channels = channels // group_passes
    lanes = pass_channels // parallel.tiles
    n = _word_channels(net, neurons, pass_channels, parallel.word_channels) if layer.fires else 1
    code_bits = bits_for(timesteps + 1)
    if layer.kind == "conv":
        by_column = layer.kernel_size[0] == 1 and layer.stride == (1, 1) and layer.padding == (0, 0)
        line = None if by_column else _line(layer, source, by_column=True)
        cols, units, rows = layer.kernel_size[1], source.words, layer.kernel_size[0]
        columns = source.width if line is None else line.columns
        stride, row_windows, windows = layer.stride[1], width, height * width
    else:
        line = None
        cols, units, rows = _vector_window(source, source.words if layer.kind == "graphconv" else source.image_words)
        columns, stride, row_windows, windows = cols, 1, 1, 1
    if layer.kind == "graphconv":
        stride, windows = cols, height
    pairs = parallel.pairs and suits_pairs(layer, source, steps, groups, group_passes)
    if pairs and parallel.folded and joins is None and neurons.fires:
        assert constants is not None
        steps = schedule(constants, settled=settled, folded=True)
    shared = parallel.group_lanes
    if steps is None:
        shared = min(shared, max(4, cols * units * rows * source.n // groups))
    weight_bits, acc_bits, sum_bits, potential_bits = _widths(net, layer, source, steps)
    out = Stream(
        name, layer.name, channels, height, width, n, 1, code_bits if layer.fires else potential_bits, layer.fires
    )
    engine = EnginePlan(
        name=name,
        layer=layer,
        source=source,
        out=out,
        line=line,
        columns=columns,
        stride=stride,
        row_windows=row_windows,
        windows=windows,
        cols=cols,
        units=units,
        rows=rows,
        depth=0,
        strip=0,
        two_rows=False,
        pairs=pairs,
        group_passes=group_passes,
        tiles=parallel.tiles,
        lanes=lanes,
        groups=groups,
        j=source.n // groups,
        engines=1,
        schedule=steps,
        weight_bits=weight_bits,
        acc_bits=acc_bits,
        sum_bits=sum_bits,
        potential_bits=potential_bits,
        group_lanes=_group_lanes(lanes, shared) if neurons.fires or joins else lanes,
        timesteps=timesteps,
        code_bits=code_bits,
        wait=net.wait,
        estimated_cycles=0,
        joins=joins,
        loaded=parallel.loaded and not pairs and joins is None,
    )
    engine = replace(engine, sliced=2 * min(parallel.sliced // 2, engine.most_slices), pieces=_pieces(engine))
    return with_engines(engine, parallel.engines)


def with_engines(engine: EnginePlan, engines: int) -> EnginePlan:
    """The same layer on so many engines."""
    if not engine.pairs:
        ahead = min(engine.cols, engines * engine.stride)
        return replace(engine, engines=engines, strip=1, depth=1 << bits_for(engine.cols + ahead))
    strip = _strip(engine.row_windows, engine.cols, engine.stride, engines, FOLDED_STRIP if engine.folded else STRIP)
    # A strip of its own, loaded while the others work.
    columns = engine.cols + (strip - 1) * engine.stride if engines > 1 else 2
    # Columns that serve two rows of windows at once, where engines enough work on both, and are waiting for columns.
    several = engines >= -(-engine.row_windows // strip) + 2 and engine.windows > engine.row_windows
    spikes = DENSITY * engine.cols * engine.column_words * engine.source.n
    hungry = 2 * engine.stride * engine.column_words * engines > spikes / 2
    two_rows = several and hungry and engine.line is not None
    # 32 words cost no more LUTs than fewer, and engines that wait for their turn hold up the others: with 32 also those
    # that fold, which are quicker (2,703 clocks an image of the shipped CNN on pynq, not 2,559).
    depth = max(64 if engine.folded else 32, 1 << bits_for(engine.column_words * columns))
    return replace(engine, engines=engines, strip=strip, depth=depth, two_rows=two_rows)


def _pieces(engine: EnginePlan) -> int:
    """Pieces in which the engine of a linear layer walks its input, of which the last comes long after the first.

    A piece has twice as many spikes as lanes share the neurons, or more, lest the engine waits for those.
    """
    if engine.layer.kind != "linear" or engine.schedule is None or not engine.pipelined or engine.passes > 1:
        return 1
    spikes = DENSITY * engine.column_words * engine.source.n
    return max(d for d in divisors(engine.cols) if d == 1 or engine.cols // d * spikes >= 2 * engine.group_lanes)


def suits_pairs(layer: Layer, source: Stream, steps: Schedule | None, groups: int, group_passes: int) -> bool:
    """Can an engine of this layer list its columns and add two spikes a clock?

    The sums must shift from phase to phase, and windows must share columns: a list is read more often than written.
    """
    return (
        layer.kind == "conv"
        and steps is not None
        and steps.shift > 0
        and groups * group_passes == 1
        and source.bundle == 1
        and layer.kernel_size[1] > 1
        and layer.stride[1] <= layer.kernel_size[1]
        and source.channels * layer.kernel_size[0] > 1
    )


def _strip(windows: int, cols: int, stride: int, engines: int, about: int) -> int:
    """Windows of a row that an engine takes in turn: about so many, shared out evenly, and no column taken twice."""
    if engines == 1:
        return windows
    least = max(1, -(-(cols - stride) // (stride * (engines - 1))))
    shortest = max(about, least)
    choices = range(shortest, 2 * shortest + 1)
    best = min(choices, key=lambda strip: (_busiest(windows, strip, engines), windows % strip > 0, strip))
    return min(windows, best)


def _busiest(windows: int, strip: int, engines: int) -> Fraction:
    """Share of all windows that the busiest engine takes, rows on rows; strips at the end of a row may be shorter."""
    row = [min(strip, windows - start) for start in range(0, windows, strip)]
    taken = [0] * engines
    for turn in range(math.lcm(len(row), engines)):
        taken[turn % engines] += row[turn % len(row)]
    return Fraction(max(taken), sum(taken))


def _group_lanes(lanes: int, most: int) -> int:
    return max(d for d in divisors(lanes) if d <= most)


def leader_of(net: Network, layer: Layer) -> str:
    """The layer under whose name the parallelism of a layer is given: its own.

    Layers that feed an add are walked in the same passes: there it is the one of them with the most groups.
    """
    add = next((reader for reader in net.readers_of(layer.name) if reader.kind == "add"), None)
    if add is None or layer.fires or layer.weight is None:
        return layer.name
    feeders = [net.layer(name) for name in add.inputs]
    return max((x for x in feeders if x.weight is not None and not x.fires), key=lambda x: x.groups).name


def _add(
    net: Network, layer: Layer, streams: dict[str, Stream], names: dict[str, str], parallel: dict[str, Parallel]
) -> list[EnginePlan | AddPlan]:
    """The engines that feed an add, and the add."""
    feeders = [net.layer(name) for name in layer.inputs if name not in streams]
    feeders.sort(key=lambda feeder: feeder.name != leader_of(net, feeder))
    engines: dict[str, EnginePlan] = {}
    split = parallel.get(feeders[0].name if feeders else layer.name, Parallel())
    for feeder in feeders:
        source = streams[feeder.inputs[0]]
        if engines:
            group_passes, _ = _group_passes(source.channels, feeder.groups, source.n)
            split = replace(split, tiles=next(iter(engines.values())).passes // group_passes)
            split = replace(split, engines=parallel.get(feeder.name, split).engines)
        engine = _engine(net, feeder, source, names[feeder.name], split, layer)
        engines[feeder.name] = _checked(engine, split)
    passes = {engine.passes for engine in engines.values()} or {split.tiles}
    if len(passes) > 1:
        both = " and ".join(engines)
        raise BoardError(f"{layer.name}: {both} cannot be walked in the same passes, their groups do not allow it")
    channels, height, width = _map(layer.shape)
    lanes = channels // max(passes)
    constants = net.constants_of(layer.inputs[0] if layer.inputs[0] in streams else feeders[0].inputs[0])
    assert constants is not None
    shortcuts = [streams[name].n for name in layer.inputs if name in streams]
    n = _word_channels(net, layer, math.gcd(lanes, *shortcuts), split.word_channels)
    code_bits = bits_for(net.timesteps + 1)
    steps = schedule(constants, settled=net.settled)
    acc_bits, sum_bits, potential_bits = _add_widths(net, layer, engines, constants, steps)
    for name, engine in engines.items():
        sums = replace(engine.out, n=n, bundle=steps.classes, bits=engine.acc_bits)
        engines[name] = replace(engine, out=sums)
    first, second = (engines.get(name) or streams[name] for name in layer.inputs)
    return [
        *engines.values(),
        AddPlan(
            name=names[layer.name],
            layer=layer,
            inputs=(first, second),
            out=Stream(names[layer.name], layer.name, channels, height, width, n, 1, code_bits, True),
            schedule=steps,
            windows=height * width if len(layer.shape) == 3 else 1,
            passes=max(passes),
            lanes=lanes,
            engines=max([split.engines, *(engine.engines for engine in engines.values())]),
            group_lanes=_group_lanes(lanes, split.group_lanes),
            acc_bits=acc_bits,
            sum_bits=sum_bits,
            potential_bits=potential_bits,
            timesteps=net.timesteps,
            code_bits=code_bits,
            wait=net.wait,
        ),
    ]


def _add_widths(
    net: Network, layer: Layer, engines: dict[str, EnginePlan], constants: Int64, steps: Schedule
) -> tuple[int, int, int]:
    """(lane, sum, potential) bits of the sum of both branches."""
    assert layer.bias is not None
    assert layer.operand_weight is not None
    negative, positive = np.zeros_like(layer.bias), np.zeros_like(layer.bias)
    for name, weight in zip(layer.inputs, layer.operand_weight, strict=True):
        if name in engines:
            low, high = _sums(engines[name].layer, engines[name].source.bundle)
        else:
            low, high = np.minimum(weight, 0), np.maximum(weight, 0)
        negative, positive = negative + low, positive + high
    shift = largest_shift(steps)
    lane = signed_bits(int(negative.min()) << shift, int(positive.max()) << shift)
    lows, highs = negative * int(constants[0]), positive * int(constants[0])
    total = max(signed_bits(int(lows.min()), int(highs.max()) + 1), lane)
    reach = signed_bits(min(int((lows + layer.bias).min()), 0), max(int((highs + layer.bias).max()), 0) + 1)
    return lane, total, max(reach, lane + 1)


def _nodes_of(layer: Layer) -> str:
    """What the engines that walk the nodes of a layer are called: no layer has that name."""
    return f"{layer.name}\0nodes"


def _graph(
    net: Network, layer: Layer, source: Stream, names: dict[str, str], split: Parallel
) -> list[EnginePlan | GraphPlan]:
    """The engines that walk the nodes of a graphconv layer, and its edges."""
    graph = net.graph
    assert graph is not None
    engine = _engine(net, layer, source, names[_nodes_of(layer)], split, layer)
    n = max(d for d in divisors(engine.lanes) if d <= ADD_CHANNELS)
    sums = replace(engine.out, name=engine.name, n=n, bundle=engine.classes, bits=engine.acc_bits, is_codes=False)
    engine = _checked(replace(engine, out=sums), split)
    sent_bits, row_bits, sum_bits, potential_bits = _graph_widths(net, layer, engine)
    channels, height, _ = _map(layer.shape)
    code_bits = bits_for(net.timesteps + 1)
    words = _word_channels(net, layer, channels, split.word_channels) if layer.fires else 1
    bits = code_bits if layer.fires else potential_bits
    name = names[layer.name]
    plan = GraphPlan(
        name=name,
        layer=layer,
        source=engine,
        graph=graph,
        out=Stream(name, layer.name, channels, height, 1, words, 1, bits, layer.fires),
        z_bits=engine.sum_bits,
        sent_bits=sent_bits,
        row_bits=row_bits,
        sum_bits=sum_bits,
        potential_bits=potential_bits,
        timesteps=net.timesteps,
        code_bits=code_bits,
    )
    return [engine, plan]


def _graph_widths(net: Network, layer: Layer, engine: EnginePlan) -> tuple[int, int, int, int]:
    """(sent, row, sum, potential) bits: no value of any input needs more (docs/contract.md, "graphconv")."""
    graph, bias = net.graph, layer.bias
    assert graph is not None
    assert bias is not None
    low, high = _reach(net, layer, engine.source)
    scale, half = int(graph.source_scale.max()), (1 << layer.shift) >> 1
    least, most = (int(end) * scale + half >> layer.shift for end in (low.min(), high.max()))
    least, most = min(least, 0), max(most, 0)
    weight = np.ones(graph.edges, np.int64) if graph.edge_weight is None else graph.edge_weight
    up, down = (_row_sums(graph, np.maximum(sign * weight, 0)) for sign in (1, -1))
    lows, highs = up * least - down * most, up * most - down * least
    below, above = int((lows * graph.target_scale).min()), int((highs * graph.target_scale).max())
    sent = signed_bits(least, most)
    row = max(sent, signed_bits(int(lows.min()), int(highs.max())))
    return (
        sent,
        row,
        max(row, signed_bits(below, above + 1)),
        signed_bits(min(below + int(bias.min()), 0), max(above + int(bias.max()), 0) + 1),
    )


def _row_sums(graph: Graph, values: Int64) -> Int64:
    """Sum of the values of the edges into each node."""
    before = np.append(0, np.cumsum(values))
    return np.asarray(np.diff(before[graph.row_start]), np.int64)


def _vector_window(source: Stream, words: int) -> tuple[int, int, int]:
    """(cols, units, rows) of a window of so many words, all that a neuron reads, in the order in which they come.

    A unit is looked at in one clock; up to eight rows keep that quick and the walk short. Bundles are own units.
    """
    if source.bundle > 1:
        return source.height * source.width, source.words, 1
    rows = max(d for d in divisors(words) if d <= 8)
    return words // rows, 1, rows


def lay_out(net: Network, bus_bits: int, parallel: dict[str, Parallel]) -> Plan:
    """The plan of a network for given parallelism (by layer name; one engine, one pass where there is none).

    Raises BoardError where a layer cannot be split so.
    """
    names = identifiers([*(layer.name for layer in net.layers), *(_nodes_of(layer) for layer in net.layers)])
    streams: dict[str, Stream] = {}
    stream, field = input_stream(net, bus_bits)
    streams[INPUT] = stream
    stages: list[Stage] = []
    for layer in net.layers:
        if layer.kind == "add":
            stages += _add(net, layer, streams, names, parallel)
        elif layer.kind == "flatten":
            streams[layer.name] = streams[layer.inputs[0]]
            continue
        elif layer.kind == "graphconv":
            split = parallel.get(layer.name, Parallel())
            stages += _graph(net, layer, streams[layer.inputs[0]], names, split)
        elif layer.weight is None:
            stages.append(_pool(net, layer, streams[layer.inputs[0]], names[layer.name]))
        elif layer.fires or layer is net.layers[-1]:
            split = parallel.get(layer.name, Parallel())
            engine = _engine(net, layer, streams[layer.inputs[0]], names[layer.name], split)
            stages.append(_checked(engine, split))
        else:
            continue  # laid out with the add that it feeds
        streams[layer.name] = stages[-1].out
    output = stages[-1]
    logit_bits = 32 if output.out.bits <= 32 else 64
    return Plan(net, stream, tuple(stages), field, logit_bits, int(np.prod(net.layers[-1].shape)))


def _checked(engine: EnginePlan, split: Parallel) -> EnginePlan:
    layer = engine.layer
    whole_words = not layer.fires or engine.lanes % engine.out.n == 0  # an add's words follow from its lanes
    if split.tiles == 0 or layer.shape[0] % (engine.group_passes * split.tiles) or not whole_words:
        raise BoardError(f"{layer.name}: {layer.shape[0]} output channels cannot be walked in {split.tiles} passes")
    if engine.groups > 1 and split.tiles > 1:
        raise BoardError(f"{layer.name}: groups side by side are walked in one pass, not {split.tiles}")
    return engine

"""From a network to streams, windows and widths: all of the accelerator but its parallelism."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from onespike_hw.codegen.engine_plan import EnginePlan
from onespike_hw.codegen.names import identifiers
from onespike_hw.codegen.plan import AddPlan, GraphPlan, Plan, Stage
from onespike_hw.codegen.schedule import schedule
from onespike_hw.codegen.streams import LinePlan, PoolPlan, Stream, bits_for, line_count
from onespike_hw.codegen.strips import suits_pairs, with_engines
from onespike_hw.codegen.widths import add_widths, constants_read, engine_widths, graph_widths
from onespike_hw.codegen.words import ADD_CHANNELS, divisors, group_passes_of, input_stream, map_of, word_channels
from onespike_hw.errors import BoardError
from onespike_hw.network import INPUT, Layer, Network


@dataclass(frozen=True)
class Parallel:
    """How a layer is spread: output channels in `tiles` passes, windows over `engines` engines.

    group_lanes   lanes that share the neurons behind them, at most: a window keeps those busy for so many clocks
    pairs         lanes that add two weights a clock, where the layer suits them (`suits_pairs`)
    loaded        weights in memory that is loaded at start
    word_channels channels in a word of codes that leaves, at most: a pass is for as many output channels, or more
    folded        weights of every other phase lie in memory shifted, where lanes add pairs for neurons of their own
    sliced        lanes of each engine that lie in DSP slices, at most, where lanes add pairs
    in_luts       lanes of each engine that multiply in LUTs, at most, where a first layer skips zeros
    """

    tiles: int = 1
    engines: int = 1
    pairs: bool = True
    group_lanes: int = 16
    loaded: bool = False
    word_channels: int = 32
    folded: bool = False
    sliced: int = 0
    in_luts: int = 0


def weighted_layers(net: Network) -> tuple[Layer, ...]:
    """The layers that have weights, in the order of the data."""
    return tuple(layer for layer in net.layers if layer.weight is not None)


def _line(layer: Layer, source: Stream, *, by_column: bool) -> LinePlan:
    """Line buffer of a layer: whole windows for pooling, columns of all windows of a row for engines."""
    _, rows_out, columns_out = map_of(layer.shape)
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
    channels, height, width = map_of(layer.shape)
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


def _engine(
    net: Network, layer: Layer, source: Stream, name: str, parallel: Parallel, joins: Layer | None = None
) -> EnginePlan:
    channels, height, width = map_of(layer.shape)
    constants = constants_read(net, layer)
    timesteps = net.timesteps if constants is None else len(constants)
    neurons = joins or layer
    settled = net.settled or not neurons.fires
    steps = None if constants is None else schedule(constants, settled=settled)
    group_passes, groups = group_passes_of(source.channels, layer.groups, source.n)
    pass_channels = channels // group_passes
    lanes = pass_channels // parallel.tiles
    n = word_channels(net, neurons, pass_channels, parallel.word_channels) if layer.fires else 1
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
    weight_bits, acc_bits, sum_bits, potential_bits = engine_widths(net, layer, source, steps)
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
    in_luts = min(parallel.in_luts, lanes) if engine.skips else 0
    engine = replace(engine, sliced=2 * min(parallel.sliced // 2, engine.most_slices), in_luts=in_luts)
    return with_engines(engine, parallel.engines)


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
            group_passes, _ = group_passes_of(source.channels, feeder.groups, source.n)
            split = replace(split, tiles=next(iter(engines.values())).passes // group_passes)
            split = replace(split, engines=parallel.get(feeder.name, split).engines)
        engine = _engine(net, feeder, source, names[feeder.name], split, layer)
        engines[feeder.name] = _checked(engine, split)
    passes = {engine.passes for engine in engines.values()} or {split.tiles}
    if len(passes) > 1:
        both = " and ".join(engines)
        raise BoardError(f"{layer.name}: {both} cannot be walked in the same passes, their groups do not allow it")
    channels, height, width = map_of(layer.shape)
    lanes = channels // max(passes)
    constants = net.constants_of(layer.inputs[0] if layer.inputs[0] in streams else feeders[0].inputs[0])
    assert constants is not None
    shortcuts = [streams[name].n for name in layer.inputs if name in streams]
    n = word_channels(net, layer, math.gcd(lanes, *shortcuts), split.word_channels)
    code_bits = bits_for(net.timesteps + 1)
    steps = schedule(constants, settled=net.settled)
    acc_bits, sum_bits, potential_bits = add_widths(net, layer, engines, constants, steps)
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
    sent_bits, row_bits, sum_bits, potential_bits = graph_widths(net, layer, engine)
    channels, height, _ = map_of(layer.shape)
    code_bits = bits_for(net.timesteps + 1)
    words = word_channels(net, layer, channels, split.word_channels) if layer.fires else 1
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

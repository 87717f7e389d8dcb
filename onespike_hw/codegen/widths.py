"""Widths of lanes, sums and potentials: no value of any input needs more (docs/contract.md, Widths)."""

from __future__ import annotations

import numpy as np

from onespike_hw.codegen.engine_plan import EnginePlan
from onespike_hw.codegen.schedule import Schedule, largest_shift
from onespike_hw.codegen.streams import Stream, signed_bits
from onespike_hw.codegen.words import takes_spikes
from onespike_hw.graph import Graph
from onespike_hw.network import INPUT, Int64, Layer, Network


def _weight_sums(layer: Layer, bundle: int) -> tuple[np.ndarray, np.ndarray]:
    """Sum of the negative and of the positive weights of each output channel, times the values in a bundle."""
    assert layer.weight is not None
    flat = layer.weight.reshape(layer.weight.shape[0], -1).astype(np.int64)
    return np.minimum(flat, 0).sum(1) * bundle, np.maximum(flat, 0).sum(1) * bundle


def engine_widths(net: Network, layer: Layer, source: Stream, steps: Schedule | None) -> tuple[int, int, int, int]:
    """(weight in memory, lane, sum, potential) bits: no value of any input needs more (docs/contract.md, Widths)."""
    assert layer.weight is not None
    assert layer.bias is not None
    weight_bits = max(2, signed_bits(int(layer.weight.min()), int(layer.weight.max())))
    weight_bits += 0 if steps is None else max(steps.raises)
    lows, highs = _reach(net, layer, source)
    if steps is None:
        lane = signed_bits(int(lows.min()), int(highs.max()))
    else:
        negative, positive = _weight_sums(layer, source.bundle)
        shift = largest_shift(steps)
        lane = signed_bits(int(negative.min()) << shift, int(positive.max()) << shift)
    lane = max(lane, weight_bits + 1)
    reach = signed_bits(int((lows + layer.bias).min()), int((highs + layer.bias).max()) + 1)
    bias = signed_bits(int(layer.bias.min()), int(layer.bias.max()) + 1)
    total = max(signed_bits(int(lows.min()), int(highs.max()) + 1), lane)
    return weight_bits, lane, total, max(reach, bias, lane + 1)


def _reach(net: Network, layer: Layer, source: Stream) -> tuple[Int64, Int64]:
    """The least and the largest potential of each output channel without its bias."""
    negative, positive = _weight_sums(layer, source.bundle)
    constants = constants_read(net, layer)
    if constants is not None:
        return negative * int(constants[0]), positive * int(constants[0])
    low, high = net.input_range
    least = min(low - int(net.input_zero_point.max()), 0)
    most = max(high - int(net.input_zero_point.min()), 0)
    return negative * most + positive * least, positive * most + negative * least


def constants_read(net: Network, layer: Layer) -> Int64 | None:
    """The phase constants of the spikes that a layer reads; None where it reads differences."""
    if layer.inputs[0] == INPUT and takes_spikes(net):
        return np.ones(1, np.int64)
    return net.constants_of(layer.inputs[0])


def add_widths(
    net: Network, layer: Layer, engines: dict[str, EnginePlan], constants: Int64, steps: Schedule
) -> tuple[int, int, int]:
    """(lane, sum, potential) bits of the sum of both branches."""
    assert layer.bias is not None
    assert layer.operand_weight is not None
    negative, positive = np.zeros_like(layer.bias), np.zeros_like(layer.bias)
    for name, weight in zip(layer.inputs, layer.operand_weight, strict=True):
        if name in engines:
            low, high = _weight_sums(engines[name].layer, engines[name].source.bundle)
        else:
            low, high = np.minimum(weight, 0), np.maximum(weight, 0)
        negative, positive = negative + low, positive + high
    shift = largest_shift(steps)
    lane = signed_bits(int(negative.min()) << shift, int(positive.max()) << shift)
    lows, highs = negative * int(constants[0]), positive * int(constants[0])
    total = max(signed_bits(int(lows.min()), int(highs.max()) + 1), lane)
    reach = signed_bits(min(int((lows + layer.bias).min()), 0), max(int((highs + layer.bias).max()), 0) + 1)
    return lane, total, max(reach, lane + 1)


def graph_widths(net: Network, layer: Layer, engine: EnginePlan) -> tuple[int, int, int, int]:
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

"""The integers of a Network: normalised weights, biases and ladders, by the equations of docs/contract.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from onespike_hw.convert.base import Coding, fraction_bits, phase_constants
from onespike_hw.convert.graphs import GraphPlan, Interval, plan_graph, shared_edges
from onespike_hw.convert.inputs import InputCode
from onespike_hw.convert.layers import FloatLayer, Shape, shapes
from onespike_hw.convert.neurons import Neurons
from onespike_hw.convert.options import Options
from onespike_hw.convert.quantize import IntegerWeight
from onespike_hw.convert.scales import full_scales_of, integer_weights, sources
from onespike_hw.network import INPUT, Layer, Network

Float64 = NDArray[np.float64]


def common_fraction_bits(neurons: Mapping[str, Neurons], coding: Coding) -> int:
    """F, large enough for every layer's constants and the network's own."""
    return max(fraction_bits(each) for each in (coding, *(layer.coding for layer in neurons.values())))


def build(
    chain: Sequence[FloatLayer],
    neurons: Mapping[str, Neurons],
    coding: Coding,
    code: InputCode,
    input_shape: Shape,
    options: Options,
) -> Network:
    """The network of a folded chain.

    neurons  of each layer with a ReLU, by name
    coding   the network's own; layers that code with another base get phase constants of their own
    """
    bits = common_fraction_bits(neurons, coding)
    read = sources(chain, neurons, code.step * 2.0**bits, input_shape)
    integers = integer_weights(chain, read, neurons, options.weight_bits)
    over_graph = _plan_graph(chain, integers, neurons, coding, code, options.node_bits)
    layers: list[Layer] = []
    for layer, shape in zip(chain, shapes(chain, input_shape), strict=True):
        built = _plain_layer(layer, shape)
        if layer.name in integers:
            own_bits = bits
            if over_graph is not None:
                unit = over_graph.units[layer.name]
                built, own_bits = replace(built, shift=unit.shift), bits + unit.bits
            built = _with_weights(built, layer, integers[layer.name], full_scales_of(chain, layer, neurons), own_bits)
        if layer.name in neurons:
            built = _with_ladder(built, neurons[layer.name], coding, bits)
        layers.append(built)
    return Network(
        timesteps=coding.timesteps,
        base=coding.base,
        start=coding.start,
        phase_constants=phase_constants(coding, bits),
        fraction_bits=bits,
        wait=options.phases_waited,
        input_shape=input_shape,
        input_bits=code.bits,
        input_signed=code.signed,
        input_zero_point=code.zero_point,
        input_scale=code.scale,
        input_offset=code.offset,
        layers=tuple(layers),
        input_levels=code.levels,
        graph=None if over_graph is None else over_graph.graph,
    )


def _plan_graph(
    chain: Sequence[FloatLayer],
    integers: Mapping[str, IntegerWeight],
    neurons: Mapping[str, Neurons],
    coding: Coding,
    code: InputCode,
    node_bits: int,
) -> GraphPlan | None:
    """Graph and shifts of a GCN; None of another network."""
    edges = shared_edges(chain)
    if edges is None:
        return None
    bits = common_fraction_bits(neurons, coding)
    zero = code.zero_point
    left: dict[str, Interval] = {INPUT: (code.smallest - int(zero.max()), code.largest - int(zero.min()))}
    left |= {name: (0, int(phase_constants(own.coding, bits)[0])) for name, own in neurons.items()}
    weights = {layer.name: integers[layer.name].values for layer in chain}
    return plan_graph(edges, weights, {layer.name: left[layer.inputs[0]] for layer in chain}, node_bits)


def _plain_layer(layer: FloatLayer, shape: Shape) -> Layer:
    return Layer(
        layer.name,
        layer.kind,
        layer.inputs,
        shape,
        kernel_size=layer.kernel_size,
        stride=layer.stride,
        padding=layer.padding,
        groups=layer.groups,
    )


def _with_weights(built: Layer, layer: FloatLayer, integers: IntegerWeight, full_scales: Float64, bits: int) -> Layer:
    """Weights, bias and scale: B = round(2^bits * b / (lambda_out * s)); bits is F, more over a graph."""
    bias = layer.affine[1].numpy()
    joins = layer.kind == "add"
    return replace(
        built,
        weight=None if joins else integers.values,
        operand_weight=integers.values if joins else None,
        bias=np.rint(2.0**bits * bias / full_scales / integers.scale).astype(np.int64),
        scale=integers.scale * full_scales / 2.0**bits,
    )


def _with_ladder(layer: Layer, own: Neurons, coding: Coding, bits: int) -> Layer:
    """A firing layer: Theta[c, k] = ceil(2^F * theta_k / s[c]), and its own constants where its base is another."""
    assert layer.scale is not None
    return replace(
        layer,
        fires=True,
        ladder=np.ceil(own.thresholds / layer.scale[:, None]).astype(np.int64),
        full_scale=own.full_scales,
        phase_constants=None if own.coding == coding else phase_constants(own.coding, bits),
    )

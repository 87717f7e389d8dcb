"""The integers of a Network: normalised weights, biases and ladders, by the equations of docs/contract.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from onespike_hw.convert.base import Coding, fraction_bits, phase_constants
from onespike_hw.convert.inputs import InputCode
from onespike_hw.convert.layers import FloatLayer, Shape, shapes
from onespike_hw.convert.neurons import Neurons
from onespike_hw.convert.options import Options
from onespike_hw.convert.quantize import IntegerWeight
from onespike_hw.convert.scales import full_scales_of, integer_weights, sources
from onespike_hw.network import Layer, Network

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
    layers: list[Layer] = []
    for layer, shape in zip(chain, shapes(chain, input_shape), strict=True):
        built = _plain_layer(layer, shape)
        if layer.name in integers:
            built = _with_weights(built, layer, integers[layer.name], full_scales_of(chain, layer, neurons), bits)
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
    )


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
    """Weights, bias and scale: B = round(2^F * b / (lambda_out * s))."""
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

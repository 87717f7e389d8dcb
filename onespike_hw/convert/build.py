"""The integers of a Network: normalised weights, biases and ladders, by the equations of docs/contract.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from onespike_hw.convert.base import Coding, fraction_bits, phase_constants
from onespike_hw.convert.inputs import InputCode
from onespike_hw.convert.layers import FloatLayer, Shape, shapes
from onespike_hw.convert.options import Options
from onespike_hw.convert.quantize import quantize
from onespike_hw.network import INPUT, Layer, Network

Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Neurons:
    """How the neurons of one firing layer code: their phases, and each channel's full scale, float64 [C], > 0."""

    coding: Coding
    full_scales: Float64


@dataclass(frozen=True, eq=False)
class _Source:
    """What a layer reads: where from, and per channel the real value of 2^F units of a phase constant."""

    name: str
    full_scales: Float64

    def behind(self, layer: FloatLayer, shape: Shape) -> _Source:
        """The same behind a pooling or flatten layer that reads `shape`."""
        scales = self.full_scales
        if layer.kind == "avgpool":
            scales = scales / (layer.kernel_size[0] * layer.kernel_size[1])
        elif layer.kind == "flatten":
            scales = np.repeat(scales, int(np.prod(shape[1:])))
        return _Source(layer.name, scales)


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
    bits = max(fraction_bits(each) for each in (coding, *(layer.coding for layer in neurons.values())))
    channels = input_shape[0]
    # Input integers enter with the weight 1 where spikes enter with q_k: 2^F in place of 1 makes the formulas one.
    source = _Source(INPUT, np.full(channels, code.scale * 2.0**bits))
    layers: list[Layer] = []
    before = input_shape
    for layer, shape in zip(chain, shapes(chain, input_shape), strict=True):
        if layer.kind in ("conv", "linear"):
            own = neurons.get(layer.name)
            layers.append(_affine_layer(layer, shape, source, own, bits, options.weight_bits))
            if own is not None:
                layers[-1] = _with_ladder(layers[-1], own, coding, bits)
                source = _Source(layer.name, own.full_scales)
        else:
            layers.append(_plain_layer(layer, shape, source))
            source = source.behind(layer, before)
        before = shape
    return Network(
        timesteps=coding.timesteps,
        base=coding.base,
        start=coding.start,
        phase_constants=phase_constants(coding, bits),
        fraction_bits=bits,
        wait=options.wait,
        input_shape=input_shape,
        input_bits=code.bits,
        input_signed=code.signed,
        input_zero_point=np.zeros(channels, np.int64),
        input_scale=np.full(channels, code.scale),
        input_offset=np.zeros(channels),
        layers=tuple(layers),
    )


def _plain_layer(layer: FloatLayer, shape: Shape, source: _Source) -> Layer:
    return Layer(
        layer.name,
        layer.kind,
        (source.name,),
        shape,
        kernel_size=layer.kernel_size,
        stride=layer.stride,
        padding=layer.padding,
        groups=layer.groups,
    )


def _affine_layer(
    layer: FloatLayer, shape: Shape, source: _Source, own: Neurons | None, bits: int, weight_bits: int
) -> Layer:
    """Weights, bias and scale: W_n = W * lambda_in / lambda_out ~ s * W_int, B = round(2^F * b / (lambda_out * s))."""
    float_weight, float_bias = (value.numpy() for value in layer.affine)
    full_scales = np.ones(len(float_bias)) if own is None else own.full_scales
    rows = float_weight.reshape(*float_weight.shape[:2], -1)
    weight = rows * _input_scales(source, layer)[:, :, None] / full_scales[:, None, None]
    bias = float_bias / full_scales
    quantized = quantize(weight.reshape(float_weight.shape), _reference(weight, bias, own is not None), weight_bits)
    return replace(
        _plain_layer(layer, shape, source),
        weight=quantized.values,
        bias=np.rint(2.0**bits * bias / quantized.scale).astype(np.int64),
        scale=quantized.scale * full_scales / 2.0**bits,
    )


def _input_scales(source: _Source, layer: FloatLayer) -> Float64:
    """Full scales of what each output channel reads: float64 (C_out, C_in / groups)."""
    outputs = layer.affine[1].numel() // layer.groups
    return np.repeat(source.full_scales.reshape(layer.groups, -1), outputs, axis=0)


def _reference(weight: Float64, bias: Float64, fires: bool) -> Float64:
    """Per output channel, what weights must not be negligible against: full scale and bias, or the largest logit's."""
    least = 1.0 if fires else float(np.abs(weight).max()) or 1.0
    return np.maximum(least, np.abs(bias))


def _with_ladder(layer: Layer, own: Neurons, coding: Coding, bits: int) -> Layer:
    """A firing layer: Theta[c, k] = ceil(2^F * theta_k / s[c]), and its own constants where its base is another."""
    assert layer.scale is not None
    thresholds = own.coding.thresholds * own.full_scales[:, None]
    return replace(
        layer,
        fires=True,
        ladder=np.ceil(thresholds / layer.scale[:, None]).astype(np.int64),
        full_scale=own.full_scales,
        phase_constants=None if own.coding == coding else phase_constants(own.coding, bits),
    )

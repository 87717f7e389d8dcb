"""What each layer of a chain reads: from which layer, and what a spike of full strength stands for there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from onespike_hw.convert.layers import FloatLayer, Shape, shapes
from onespike_hw.convert.neurons import Neurons
from onespike_hw.convert.quantize import IntegerWeight, quantize
from onespike_hw.network import INPUT

Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Source:
    """What a layer reads: where from, and per channel the real value of 2^F units of a phase constant."""

    name: str
    full_scales: Float64

    def of_each_output(self, layer: FloatLayer) -> Float64:
        """Full scales of what each output channel of a conv or linear layer reads: float64 (C_out, C_in / groups)."""
        outputs = layer.affine[1].numel() // layer.groups
        return np.repeat(self.full_scales.reshape(layer.groups, -1), outputs, axis=0)

    def behind(self, layer: FloatLayer, shape: Shape) -> Source:
        """The same behind a pooling or flatten layer that reads `shape`."""
        scales = self.full_scales
        if layer.kind == "avgpool":
            scales = scales / (layer.kernel_size[0] * layer.kernel_size[1])
        elif layer.kind == "flatten":
            scales = np.repeat(scales, int(np.prod(shape[1:])))
        return Source(layer.name, scales)


def sources(
    chain: Sequence[FloatLayer], neurons: Mapping[str, Neurons], input_unit: Float64, input_shape: Shape
) -> list[Source]:
    """What each layer of the chain reads.

    neurons     of each layer with a ReLU, by name
    input_unit  float64 [C]: real value of 2^F input steps
    """
    source = Source(INPUT, input_unit)
    result = []
    for layer, shape in zip(chain, [input_shape, *shapes(chain, input_shape)], strict=False):
        result.append(source)
        if layer.name in neurons:
            source = Source(layer.name, neurons[layer.name].full_scales)
        elif layer.kind not in ("conv", "linear"):
            source = source.behind(layer, shape)
    return result


def integer_weight(layer: FloatLayer, source: Source, own: Neurons | None, bits: int) -> IntegerWeight:
    """W_n[c, j] = W[c, j] * lambda_in[j] / lambda_out[c] ~ s[c] * W_int[c, j]; lambda_out is 1 for the last layer."""
    float_weight, float_bias = (value.numpy() for value in layer.affine)
    full_scales = np.ones(len(float_bias)) if own is None else own.full_scales
    rows = float_weight.reshape(*float_weight.shape[:2], -1)
    weight = rows * source.of_each_output(layer)[:, :, None] / full_scales[:, None, None]
    reference = _reference(weight, float_bias / full_scales, own is not None)
    return quantize(weight.reshape(float_weight.shape), reference, bits)


def with_integer_weights(
    chain: Sequence[FloatLayer], read: Sequence[Source], neurons: Mapping[str, Neurons], bits: int
) -> list[FloatLayer]:
    """The chain with the weights that the integers stand for; rounding those again gives the same integers."""
    return [_rounded(layer, source, neurons, bits) for layer, source in zip(chain, read, strict=True)]


def _rounded(layer: FloatLayer, source: Source, neurons: Mapping[str, Neurons], bits: int) -> FloatLayer:
    if layer.kind not in ("conv", "linear"):
        return layer
    own = neurons.get(layer.name)
    integers = integer_weight(layer, source, own, bits)
    full_scales = np.ones(len(integers.scale)) if own is None else own.full_scales
    rows = integers.values.reshape(*integers.values.shape[:2], -1)
    weight = rows * (integers.scale * full_scales)[:, None, None] / source.of_each_output(layer)[:, :, None]
    return replace(layer, weight=torch.from_numpy(weight.reshape(integers.values.shape)))


def _reference(weight: Float64, bias: Float64, fires: bool) -> Float64:
    """Per output channel, what weights must not be negligible against: full scale and bias, or the largest logit's."""
    least = 1.0 if fires else float(np.abs(weight).max()) or 1.0
    return np.maximum(least, np.abs(bias))

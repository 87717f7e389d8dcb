"""What each layer of a graph reads, and what a spike of full strength stands for there; and the integer weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from onespike_hw.convert.layers import FloatLayer, Shape, operands_of, readers_of, shapes
from onespike_hw.convert.neurons import Neurons
from onespike_hw.convert.quantize import IntegerWeight, quantize, whole_multiples
from onespike_hw.network import INPUT, OPERAND_WEIGHT_BITS, WEIGHTED

Float64 = NDArray[np.float64]

_LARGEST_OPERAND_WEIGHT = (1 << (OPERAND_WEIGHT_BITS - 1)) - 2
_IDENTITY_BITS = 8
"""Of operand weights, where no other weights share their scale."""


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
) -> dict[str, Source]:
    """What leaves the input and each layer, by name; left out are layers whose spikes no other layer reads.

    neurons     of each layer with a ReLU, by name
    input_unit  float64 [C]: real value of 2^F input steps
    """
    left = {INPUT: Source(INPUT, input_unit)}
    before = {INPUT: input_shape}
    for layer, shape in zip(chain, shapes(chain, input_shape), strict=True):
        if layer.name in neurons:
            left[layer.name] = Source(layer.name, neurons[layer.name].full_scales)
        elif layer.kind not in WEIGHTED:
            left[layer.name] = left[layer.inputs[0]].behind(layer, before[layer.inputs[0]])
        before[layer.name] = shape
    return left


def integer_weights(
    chain: Sequence[FloatLayer], read: Mapping[str, Source], neurons: Mapping[str, Neurons], bits: int
) -> dict[str, IntegerWeight]:
    """Integer weights of all layers with neurons, and of those that feed adds, by name; operand weights of adds.

    W_n[c, j] = W[c, j] * lambda_in[j] / lambda_out[c] ~ s[c] * W_int[c, j]; lambda_out is 1 for the last layer. What
    meets in an add has the add's lambda_out, and one s[c].
    """
    integers: dict[str, IntegerWeight] = {}
    for add in chain:
        if add.kind == "add":
            integers |= _joint_weights(chain, add, read, neurons[add.name], bits)
    for layer in chain:
        if layer.kind in WEIGHTED and layer.name not in integers:
            full_scales = full_scales_of(chain, layer, neurons)
            weight = _normalised(layer, read[layer.inputs[0]], full_scales)
            reference = _reference(weight, layer.affine[1].numpy() / full_scales, layer.name in neurons)
            trained = _trained_integers(layer, read[layer.inputs[0]], full_scales, weight, reference, bits)
            integers[layer.name] = trained or quantize(weight, reference, bits)
    return integers


def _trained_integers(
    layer: FloatLayer, source: Source, full_scales: Float64, weight: Float64, reference: Float64, bits: int
) -> IntegerWeight | None:
    """The integers that the network was trained with, where all that an output channel reads has one full scale."""
    scales = source.of_each_output(layer)
    if layer.step is None or (scales != scales[:, :1]).any():
        return None
    return whole_multiples(weight, layer.step.numpy() * scales[:, 0] / full_scales, reference, bits)


def _joint_weights(
    chain: Sequence[FloatLayer], add: FloatLayer, read: Mapping[str, Source], own: Neurons, bits: int
) -> dict[str, IntegerWeight]:
    """Of an add and of what feeds it. Operand weights are as long as the scale asks for, up to 16 bits."""
    factors, bias = (value.numpy() for value in add.affine)
    operands = operands_of(chain, add)
    identities = np.zeros_like(factors)
    weights: dict[str, Float64] = {}
    for row, (name, operand) in enumerate(zip(add.inputs, operands, strict=True)):
        if operand is None:
            identities[row] = factors[row] * read[name].full_scales / own.full_scales
        else:
            weights[name] = _normalised(operand, read[operand.inputs[0]], own.full_scales)
    reference = _reference(identities.T, bias / own.full_scales, True)
    if not weights:
        scale = quantize(identities.T, reference, _IDENTITY_BITS).scale
        return {add.name: _operand_weights(identities, operands, scale)}
    flat = [weight.reshape(len(weight), -1) for weight in weights.values()]
    least_scale = np.abs(identities).max(axis=0) / _LARGEST_OPERAND_WEIGHT
    joint = quantize(np.concatenate(flat, axis=1), reference, bits, least_scale)
    ends = np.cumsum([part.shape[1] for part in flat])
    parts = np.split(joint.values, ends[:-1], axis=1)
    integers = {
        name: IntegerWeight(part.reshape(weights[name].shape), joint.scale)
        for name, part in zip(weights, parts, strict=True)
    }
    return {**integers, add.name: _operand_weights(identities, operands, joint.scale)}


def _operand_weights(identities: Float64, operands: Sequence[FloatLayer | None], scale: Float64) -> IntegerWeight:
    values = np.rint(identities / scale).astype(np.int64)
    for row, operand in zip(values, operands, strict=True):
        if operand is not None:
            row[:] = 1
    return IntegerWeight(values, scale)


def _normalised(layer: FloatLayer, source: Source, full_scales: Float64) -> Float64:
    """Weights of a conv or linear layer in full scales of what it reads and of what it makes."""
    weight = layer.affine[0].numpy()
    rows = weight.reshape(*weight.shape[:2], -1) * source.of_each_output(layer)[:, :, None]
    return np.asarray((rows / full_scales[:, None, None]).reshape(weight.shape))


def with_integer_weights(
    chain: Sequence[FloatLayer], read: Mapping[str, Source], neurons: Mapping[str, Neurons], bits: int
) -> list[FloatLayer]:
    """The chain with the weights that the integers stand for; rounding those again gives the same integers."""
    integers = integer_weights(chain, read, neurons, bits)
    return [_rounded(chain, layer, read, neurons, integers) for layer in chain]


def _rounded(
    chain: Sequence[FloatLayer],
    layer: FloatLayer,
    read: Mapping[str, Source],
    neurons: Mapping[str, Neurons],
    integers: Mapping[str, IntegerWeight],
) -> FloatLayer:
    if layer.name not in integers:
        return layer
    values = integers[layer.name].values
    unit = integers[layer.name].scale * full_scales_of(chain, layer, neurons)
    if layer.kind == "add":
        factors = layer.affine[0].clone()
        for row, name, operand, weights in zip(factors, layer.inputs, operands_of(chain, layer), values, strict=True):
            if operand is None:
                row.copy_(torch.from_numpy(weights * unit / read[name].full_scales))
        return replace(layer, weight=factors)
    rows = values.reshape(*values.shape[:2], -1)
    weight = rows * unit[:, None, None] / read[layer.inputs[0]].of_each_output(layer)[:, :, None]
    return replace(layer, weight=torch.from_numpy(weight.reshape(values.shape)))


def full_scales_of(chain: Sequence[FloatLayer], layer: FloatLayer, neurons: Mapping[str, Neurons]) -> Float64:
    """lambda_out of a layer with weights or an add: its own, that of the add that it feeds, or 1 for the last layer."""
    firing = [layer, *readers_of(chain, layer.name)]
    own = next((neurons[each.name] for each in firing if each.name in neurons), None)
    return np.ones(layer.affine[1].numel()) if own is None else own.full_scales


def _reference(weight: Float64, bias: Float64, fires: bool) -> Float64:
    """Per output channel, what weights must not be negligible against: full scale and bias, or the largest logit's."""
    least = 1.0 if fires else float(np.abs(weight).max()) or 1.0
    return np.maximum(least, np.abs(bias))

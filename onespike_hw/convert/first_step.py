"""A normalisation that is the model's own first step: not a layer, but part of what input integers mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from onespike_hw.convert import compose
from onespike_hw.convert.fold import fold
from onespike_hw.convert.inputs import InputCode, with_first_step
from onespike_hw.convert.layers import FloatLayer, Shape, readers_of
from onespike_hw.errors import ConversionError
from onespike_hw.network import INPUT, WEIGHTED


def fold_with_input(
    operations: Sequence[FloatLayer], input_shape: Shape, code: InputCode
) -> tuple[list[FloatLayer], InputCode]:
    """The operations, folded, and the code with the normalisation that they begin with taken in.

    Where its 0 is no input integer, the normalisation is folded into the layer behind it, as any other.

    Raises ConversionError where folding is not exact.
    """
    first = _first_step(operations)
    if not first:
        return fold(operations, input_shape), code
    norm = first[0]
    for step in first[1:]:
        norm = compose.with_norm(norm, step)
    joined = with_first_step(code, norm)
    if joined is not None:
        return fold(_without(operations, first), input_shape), joined
    try:
        return fold(operations, input_shape), code
    except ConversionError as error:
        way_out = f"or give images to which {norm.name} gives both signs, so that 0 behind it is an input integer"
        raise ConversionError(f"{error}; {way_out}") from error


def absorb(chain: Sequence[FloatLayer], code: InputCode, input_shape: Shape) -> list[FloatLayer]:
    """The chain for inputs that are 0 at the zero point: the remainder of its rounding goes into the first bias, or the
    first ones where several layers read the input.

    Exact but where such a layer's padding is: there the remainder, at most half an input step, should not act.
    """
    remainder = torch.from_numpy(code.remainder)
    norm = FloatLayer("input", "norm", torch.ones_like(remainder), remainder)
    raw, result = {INPUT}, []
    for layer in chain:
        if layer.inputs[0] in raw and layer.kind in WEIGHTED:
            flat = len(input_shape) == 3 and layer.kind == "linear"
            read = compose.flattened_norm(norm, _pixels(layer, len(remainder))) if flat else norm
            layer = compose.behind_norm(read, layer)
        elif layer.inputs[0] in raw:
            raw.add(layer.name)
        result.append(layer)
    return result


def _pixels(linear: FloatLayer, channels: int) -> int:
    return linear.affine[0].shape[1] // channels


def _first_step(operations: Sequence[FloatLayer]) -> list[FloatLayer]:
    """The norms that the operations begin with, one behind the other, where a conv or linear layer follows."""
    norms: list[FloatLayer] = []
    name = INPUT
    while len(readers := readers_of(operations, name)) == 1 and readers[0].kind == "norm":
        norms += readers
        name = readers[0].name
    readers = readers_of(operations, name)
    while readers and readers[0].kind in ("avgpool", "flatten"):
        readers = readers_of(operations, readers[0].name)
    return norms if readers and readers[0].kind in WEIGHTED else []


def _without(operations: Sequence[FloatLayer], first: Sequence[FloatLayer]) -> list[FloatLayer]:
    """The operations that read the input where they read what the first ones leave."""
    left = {INPUT, *(step.name for step in first)}
    inputs = [tuple(INPUT if name in left else name for name in step.inputs) for step in operations]
    pairs = zip(operations, inputs, strict=True)
    return [replace(step, inputs=read) for step, read in pairs if step.name not in left]

"""A normalisation that is the model's own first step: not a layer, but part of what input integers mean."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

import torch

from onespike_hw.convert import compose
from onespike_hw.convert.fold import fold
from onespike_hw.convert.inputs import InputCode, with_first_step
from onespike_hw.convert.layers import AFFINE, FloatLayer, Shape
from onespike_hw.errors import ConversionError


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
        return fold(operations[len(first) :], input_shape), joined
    try:
        return fold(operations, input_shape), code
    except ConversionError as error:
        way_out = f"or give images to which {norm.name} gives both signs, so that 0 behind it is an input integer"
        raise ConversionError(f"{error}; {way_out}") from error


def absorb(chain: Sequence[FloatLayer], code: InputCode, input_shape: Shape) -> list[FloatLayer]:
    """The chain for inputs that are 0 at the zero point: the remainder of its rounding goes into the first bias.

    Exact but where the first layer's padding is: there the remainder, at most half an input step, should not act.
    """
    index = next(index for index, layer in enumerate(chain) if layer.kind in AFFINE)
    remainder = torch.from_numpy(code.remainder)
    norm = FloatLayer("input", "norm", torch.ones_like(remainder), remainder)
    if len(input_shape) == 3 and chain[index].kind == "linear":
        norm = compose.flattened_norm(norm, _pixels(chain[index], len(remainder)))
    return [*chain[:index], compose.behind_norm(norm, chain[index]), *chain[index + 1 :]]


def _pixels(linear: FloatLayer, channels: int) -> int:
    return linear.affine[0].shape[1] // channels


def _first_step(operations: Sequence[FloatLayer]) -> list[FloatLayer]:
    """The norms that the operations begin with, where a conv or linear layer reads what they leave."""
    norms = list(takewhile(lambda step: step.kind == "norm", operations))
    behind = (step for step in operations[len(norms) :] if step.kind not in ("avgpool", "flatten"))
    reader = next(behind, None)
    return norms if reader is not None and reader.kind in ("conv", "linear") else []

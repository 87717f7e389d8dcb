"""Float layers: what is left of a torch module once torch.fx is through with it, and before anything is an integer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from onespike_hw.network import output_size

Pair = tuple[int, int]
Shape = tuple[int, ...]

AFFINE = ("conv", "linear", "norm")


@dataclass(frozen=True, eq=False)
class FloatLayer:
    """One step of a chain of layers; what enters and leaves is [N, C, H, W] or [N, C].

    kind      "conv", "linear", "maxpool", "avgpool", "flatten", as in a Network, and until they are folded
              "norm" (y = weight * x + bias per channel: a batch norm) and "relu"
    weight    float64: conv (C_out, C_in / groups, K_h, K_w), linear (C_out, C_in), norm (C,)
    bias      float64 (C_out,)
    relu      True where a ReLU follows directly
    """

    name: str
    kind: str
    weight: Tensor | None = None
    bias: Tensor | None = None
    kernel_size: Pair = (1, 1)
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    groups: int = 1
    relu: bool = False

    @property
    def affine(self) -> tuple[Tensor, Tensor]:
        """Weight and bias of a conv, linear or norm layer."""
        assert self.weight is not None
        assert self.bias is not None
        return self.weight, self.bias

    @property
    def open(self) -> bool:
        """True for an affine layer that no ReLU follows: the next affine layer has to fold with it."""
        return self.kind in AFFINE and not self.relu

    @property
    def pointwise(self) -> bool:
        """True where every output pixel reads the one input pixel at its own place."""
        window = (self.kernel_size, self.stride, self.padding) == ((1, 1), (1, 1), (0, 0))
        return self.kind == "norm" or (self.kind == "conv" and window)


def shape_behind(layer: FloatLayer, shape: Shape) -> Shape:
    """Shape of what leaves the layer, for one image, when `shape` enters it."""
    if layer.kind == "flatten":
        return (torch.Size(shape).numel(),)
    if layer.kind == "linear":
        return (layer.affine[1].numel(),)
    if layer.kind in ("norm", "relu"):
        return shape
    channels = layer.affine[1].numel() if layer.kind == "conv" else shape[0]
    windows = zip(shape[1:], layer.kernel_size, layer.stride, layer.padding, strict=True)
    return (channels, *(output_size(*axis) for axis in windows))


def shapes(layers: Sequence[FloatLayer], input_shape: Shape) -> list[Shape]:
    """Shapes of what leaves each layer of a chain, for one image."""
    result: list[Shape] = []
    for layer in layers:
        input_shape = shape_behind(layer, input_shape)
        result.append(input_shape)
    return result


def apply(layer: FloatLayer, x: Tensor) -> Tensor:
    """What leaves the layer for the batch `x`, in the precision of `x`."""
    if layer.kind == "flatten":
        return x.flatten(1)
    if layer.kind == "relu":
        return x.relu()
    if layer.kind == "maxpool":
        return functional.max_pool2d(x, layer.kernel_size, layer.stride, layer.padding)
    if layer.kind == "avgpool":
        return functional.avg_pool2d(x, layer.kernel_size, layer.stride, layer.padding)
    weight, bias = (value.to(x.dtype) for value in layer.affine)
    if layer.kind == "conv":
        y = functional.conv2d(x, weight, bias, layer.stride, layer.padding, groups=layer.groups)
    elif layer.kind == "linear":
        y = functional.linear(x, weight, bias)
    else:
        per_channel = (-1,) + (1,) * (x.dim() - 2)
        y = x * weight.view(per_channel) + bias.view(per_channel)
    return y.relu() if layer.relu else y


def apply_all(layers: Sequence[FloatLayer], x: Tensor) -> Tensor:
    """What leaves the whole chain for the batch `x`."""
    for layer in layers:
        x = apply(layer, x)
    return x

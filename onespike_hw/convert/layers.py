"""Float layers: what is left of a torch module once torch.fx is through with it, and before anything is an integer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor
from torch.nn import functional

from onespike_hw.convert.adjacency import Adjacency
from onespike_hw.network import INPUT, output_size

Pair = tuple[int, int]
Shape = tuple[int, ...]
Value = TypeVar("Value")

AFFINE = ("conv", "linear", "graphconv", "norm", "add")


@dataclass(frozen=True, eq=False)
class FloatLayer:
    """One layer of a graph; what enters and leaves is [N, C, H, W], [N, C], or [N, C, nodes] of a GCN.

    kind      "conv", "linear", "graphconv", "maxpool", "avgpool", "add", "flatten", as in a Network, and until they are
              folded "norm" (y = weight * x + bias per channel: a batch norm) and "relu"
    weight    float64: conv (C_out, C_in / groups, K_h, K_w), linear and graphconv (C_out, C_in), norm (C,), add (2, C):
              the factor of each input
    bias      float64 (C_out,)
    relu      True where a ReLU follows directly
    inputs    names of the layers that it reads, two for an add; "input" is the model's own input
    edges     of a graphconv layer
    step      float64 (C_out,), of a conv or linear layer that was trained with integer weights: what they are multiples
              of, until more than a batch norm folds in (quantize.whole_multiples looks); None where nothing is known
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
    inputs: tuple[str, ...] = (INPUT,)
    edges: Adjacency | None = None
    step: Tensor | None = None

    @property
    def affine(self) -> tuple[Tensor, Tensor]:
        """Weight and bias of a conv, linear, graphconv, norm or add layer."""
        assert self.weight is not None
        assert self.bias is not None
        return self.weight, self.bias

    @property
    def open(self) -> bool:
        """True for an affine layer that no ReLU follows: what reads it has to fold with it, or add it up."""
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
    if layer.kind == "graphconv":
        return (layer.affine[1].numel(), *shape[1:])
    if layer.kind in ("norm", "relu", "add"):
        return shape
    channels = layer.affine[1].numel() if layer.kind == "conv" else shape[0]
    windows = zip(shape[1:], layer.kernel_size, layer.stride, layer.padding, strict=True)
    return (channels, *(output_size(*axis) for axis in windows))


def flow(
    layers: Sequence[FloatLayer], start: Value, step: Callable[[FloatLayer, list[Value]], Value]
) -> Iterator[tuple[FloatLayer, Value]]:
    """Takes values through a graph; yields each layer with what leaves it.

    start  what enters the graph
    step   from a layer and what its inputs give, to what leaves it

    A value is kept as long as a later layer reads it.
    """
    readers = Counter(name for layer in layers for name in layer.inputs)
    values = {INPUT: start}
    for layer in layers:
        result = step(layer, [values[name] for name in layer.inputs])
        readers.subtract(layer.inputs)
        values = {name: value for name, value in values.items() if readers[name] > 0}
        values[layer.name] = result
        yield layer, result


def shapes(layers: Sequence[FloatLayer], input_shape: Shape) -> list[Shape]:
    """Shapes of what leaves each layer of a graph, for one image."""
    return [shape for _, shape in flow(layers, input_shape, lambda layer, read: shape_behind(layer, read[0]))]


def apply(layer: FloatLayer, x: Tensor, other: Tensor | None = None) -> Tensor:
    """What leaves the layer for the batch `x`, in the precision of `x`; `other` is the second input of an add."""
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
    elif layer.kind == "graphconv":
        assert layer.edges is not None
        y = layer.edges.spread((weight @ x).mT).mT + bias[:, None]
    else:
        per_channel = (-1,) + (1,) * (x.dim() - 2)
        factors = weight.view(-1, *bias.shape)
        y = x * factors[0].view(per_channel) + bias.view(per_channel)
        if other is not None:
            y = y + other * factors[1].view(per_channel)
    return y.relu() if layer.relu else y


def apply_all(layers: Sequence[FloatLayer], x: Tensor) -> Tensor:
    """What leaves the last layer of a graph for the batch `x`."""
    for _, y in flow(layers, x, lambda layer, read: apply(layer, *read)):
        x = y
    return x


def readers_of(layers: Sequence[FloatLayer], name: str) -> list[FloatLayer]:
    """The layers that read what leaves the layer of that name."""
    return [layer for layer in layers if name in layer.inputs]


def operands_of(layers: Sequence[FloatLayer], add: FloatLayer) -> list[FloatLayer | None]:
    """For each input of an add the open conv or linear layer that gives it; None where spikes come in as they are."""
    by_name = {layer.name: layer for layer in layers}
    given = [by_name.get(name) for name in add.inputs]
    return [layer if layer is not None and layer.kind in ("conv", "linear") and layer.open else None for layer in given]

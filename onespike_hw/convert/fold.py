"""From the operations of a torch module to layers that each end in one ReLU: batch norm, ReLU and linear chains fold.

The operations of a GCN act on the features of each node, so shapes here are (C,); graphconv alone knows of edges.

Every rewriting is exact; where none is, ConversionError names both layers and the way out.
An *open* layer is affine (conv, linear, batch norm, add) without a ReLU behind it: the next affine layer must fold with
it, or an add take it as it is. A graph falls into *chains*, which begin at the input, at an add, or where several
layers read a value; within a chain operations fold as they come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from onespike_hw.convert import compose
from onespike_hw.convert.layers import AFFINE, FloatLayer, Shape, shape_behind
from onespike_hw.errors import ConversionError
from onespike_hw.network import INPUT

Chain = list[FloatLayer]


@dataclass(frozen=True)
class _Value:
    """What some operations leave.

    source    the last layer before the chain; "input" is the network's own input, "" stands before an add
    shape     of what enters the chain
    raw       what enters comes from the network's own input, and no layer that fires lies in between
    averaged  what enters are averages
    chain     the layers since then
    """

    source: str
    shape: Shape
    raw: bool
    averaged: bool
    chain: Chain

    @property
    def name(self) -> str:
        """The layer from which it comes."""
        return self.chain[-1].name if self.chain else self.source

    @property
    def shape_left(self) -> Shape:
        return [self.shape, *_shapes(self.chain, self.shape)][-1]

    @property
    def raw_left(self) -> bool:
        return self.raw and all(layer.kind not in AFFINE or layer.open for layer in self.chain)

    @property
    def averages(self) -> bool:
        """True for averages; a conv, linear, norm or add layer behind them makes spikes of them."""
        kinds = [layer.kind for layer in self.chain if layer.kind in (*AFFINE, "avgpool")]
        return kinds[-1] == "avgpool" if kinds else self.averaged

    def parted(self) -> _Value:
        """The same as the beginning of new chains."""
        return _Value(self.name, self.shape_left, self.raw_left, self.averages, [])


def fold(operations: Sequence[FloatLayer], input_shape: Shape) -> Chain:
    """The same function as `operations`, as conv and linear layers that each end in a ReLU (the last one does not),
    adds that end in one too, max pooling, average pooling and flattening.

    A conv or linear layer that feeds an add has no ReLU and no bias.

    Raises ConversionError where that is not possible exactly.
    """
    readers = Counter(name for operation in operations for name in operation.inputs)
    values = {INPUT: _Value(INPUT, input_shape, True, False, [])}
    done: Chain = []
    for operation in operations:
        read = [values[name] for name in operation.inputs]
        if operation.kind == "add":
            value, layers = _take_add(operation, read)
            done += layers
        else:
            value = replace(read[0], chain=_take(read[0], operation))
        if readers[operation.name] > 1:
            done += _shared(value)
            value = value.parted()
        values[operation.name] = value
    last = values[operations[-1].name] if operations else values[INPUT]
    closed = _close(last.chain, last.shape)
    return compose.normal_form([*done, *_linked(replace(last, chain=closed))])


def _take(value: _Value, operation: FloatLayer) -> Chain:
    chain, shape = value.chain, value.shape
    if operation.kind == "relu":
        return _take_relu(value, operation)
    if operation.kind == "maxpool":
        return _take_max_pool(value, operation)
    if operation.kind == "flatten":
        return [*chain, operation]
    _check_sum_fires(chain, operation)
    if operation.kind == "avgpool":
        return _take_average_pool(chain, operation, shape)
    if operation.kind == "norm":
        return _take_norm(chain, operation)
    return _take_linear(chain, operation, shape)


def _check_sum_fires(chain: Chain, operation: FloatLayer) -> None:
    """Behind an open add comes a norm, which folds into it, or a ReLU."""
    index = _last_open(chain)
    if index is not None and chain[index].kind == "add" and operation.kind != "norm":
        what = f"no ReLU follows this sum before {operation.name}, so that it can't leave as a spike"
        raise ConversionError(f"{chain[index].name}: {what}; put a ReLU behind it")


def _shared(value: _Value) -> Chain:
    """The layers of a value that several layers read."""
    index = _last_open(value.chain)
    if index is not None:
        what = "several layers read what it gives, and no ReLU makes spikes of that first"
        raise ConversionError(f"{value.chain[index].name}: {what}; put a ReLU behind it, before the branches part")
    return _linked(value)


def _linked(value: _Value) -> Chain:
    """The layers of a chain, each with the one before it as its input."""
    before = [value.shape, *_shapes(value.chain, value.shape)]
    linked: Chain = []
    source = value.source
    for layer, shape in zip(value.chain, before, strict=False):
        as_layer = compose.norm_as_layer(layer, shape) if layer.kind == "norm" else layer
        linked.append(as_layer if layer.kind == "add" else replace(as_layer, inputs=(source,)))
        source = layer.name
    return linked


def _take_add(add: FloatLayer, read: Sequence[_Value]) -> tuple[_Value, Chain]:
    """The chain that begins with the add, and the layers before it."""
    weight, bias = add.affine
    rows, layers, names = list(weight), [], []
    for index, value in enumerate(read):
        if value.raw_left:
            what = f"its branch {value.name} stands behind the network's own input without a layer that fires"
            raise ConversionError(f"{add.name}: {what}; put a Conv2d and a ReLU in front of both branches")
        norm, value = _operand(add, value)
        if norm is not None:
            scale, shift = norm.affine
            bias = bias + rows[index] * shift
            rows[index] = rows[index] * scale
        layers += _linked(value)
        names.append(value.name)
    if names[0] == names[1]:  # the same spikes twice
        both = FloatLayer(add.name, "norm", rows[0] + rows[1], bias)
        return replace(value.parted(), chain=[both]), layers
    joined = replace(add, weight=torch.stack(rows), bias=bias, inputs=tuple(names))
    return _Value("", read[0].shape_left, False, False, [joined]), layers


def _operand(add: FloatLayer, value: _Value) -> tuple[FloatLayer | None, _Value]:
    """What an add reads of a branch, charges or spikes; and the norm that the branch ends in, which the add takes."""
    norm = None
    index = _last_open(value.chain)
    if index is not None:
        layer, between = value.chain[index], value.chain[index + 1 :]
        if layer.kind == "add":
            what = f"adds the sum {layer.name}, which no ReLU follows"
            raise ConversionError(f"{add.name}: {what}; put a ReLU behind {layer.name}")
        if between:
            way_out = f"put a ReLU behind {layer.name}, or {between[0].name} behind {add.name}"
            raise ConversionError(f"{add.name}: {between[0].name} lies between it and {layer.name}; {way_out}")
        if layer.kind != "norm":
            return None, value
        norm, value = layer, replace(value, chain=value.chain[:index])
    if value.averages:
        ones = torch.ones(value.shape_left[0], dtype=torch.float64)
        one_to_one = FloatLayer(f"{add.name}/{value.name}", "norm", ones, torch.zeros_like(ones))
        value = replace(value, chain=[*value.chain, one_to_one])
    return norm, value


def _last_affine(chain: Chain) -> int | None:
    """Index of the last conv, linear or norm layer; behind it are pools and flattening alone."""
    return next((index for index in reversed(range(len(chain))) if chain[index].kind in AFFINE), None)


def _last_open(chain: Chain) -> int | None:
    index = _last_affine(chain)
    return index if index is not None and chain[index].open else None


def _take_relu(value: _Value, relu: FloatLayer) -> Chain:
    """A ReLU commutes with max pooling and flattening, and does nothing to what a ReLU has left."""
    chain = value.chain
    index = _last_affine(chain)
    if index is None and not value.raw:
        return chain
    if index is None:
        raise ConversionError(f"{relu.name}: a ReLU on the network's own input is not supported; apply it beforehand")
    return [*chain[:index], replace(chain[index], relu=True), *chain[index + 1 :]]


def _take_max_pool(value: _Value, pool: FloatLayer) -> Chain:
    chain = value.chain
    source = next((layer.name for layer in reversed(chain) if layer.kind in (*AFFINE, "avgpool")), None)
    if source is None and value.raw:
        way_out = "put a Conv2d and a ReLU in front, or pool the images beforehand"
        raise ConversionError(f"{pool.name}: max pooling reads the network's own input, which has no spikes; {way_out}")
    if value.averages:
        way_out = "put a Conv2d and a ReLU between them, or pool by the maximum first"
        raise ConversionError(f"{pool.name}: max pooling reads the averages of {source or value.source}; {way_out}")
    return [*chain, pool]


def _take_average_pool(chain: Chain, pool: FloatLayer, input_shape: Shape) -> Chain:
    """Behind an open layer: swapped with a pointwise one, folded into any other; else a layer of its own."""
    index = _last_open(chain)
    if index is None:
        return [*chain, pool]
    layer, between = chain[index], chain[index + 1 :]
    if between:
        raise _not_exact(layer, pool, f"{between[0].name} lies between them", f"put a ReLU behind {layer.name}")
    padded = pool.padding != (0, 0)
    if layer.pointwise and not (padded and _shifts(layer)):
        return [*chain[:index], pool, layer]
    if padded:
        raise _not_exact(layer, pool, f"its padding is {pool.padding}", f"use padding 0 in {pool.name}")
    channels = layer.affine[1].numel()
    folded = compose.conv_conv(layer, compose.average_as_conv(pool, channels))
    return [*chain[:index], replace(folded, name=layer.name)]


def _take_norm(chain: Chain, norm: FloatLayer) -> Chain:
    """Backwards into the open layer before it, through max pooling where no channel turns the order around."""
    index = _last_open(chain)
    if index is None:
        return [*chain, norm]
    layer, between = chain[index], chain[index + 1 :]
    scale = norm.affine[0]
    if scale.numel() != layer.affine[1].numel():
        way_out = "put a BatchNorm2d in front of the flatten"
        raise _not_exact(layer, norm, "a flatten lies between them", way_out)
    pool = next((step for step in between if step.kind == "maxpool"), None)
    if pool is not None:
        _check_order_kept(norm, pool, f"put {norm.name} in front of {pool.name}, or a ReLU behind {layer.name}")
    return [*chain[:index], compose.with_norm(layer, norm), *between]


def _take_linear(chain: Chain, layer: FloatLayer, input_shape: Shape) -> Chain:
    """A conv or linear layer; the open layer before it folds into it."""
    index = _last_open(chain)
    if index is None:
        return [*chain, layer]
    first, between = chain[index], chain[index + 1 :]
    if first.kind == "norm":
        before = [input_shape, *_shapes(chain, input_shape)]
        for step, shape in zip(between, before[index + 1 :], strict=False):
            if step.kind == "maxpool":
                _check_order_kept(first, step, f"put {first.name} behind {step.name}")
            elif len(shape) == 3:
                first = compose.flattened_norm(first, shape[1] * shape[2])
        if layer.padding != (0, 0) and _shifts(first):
            way_out = f"use padding 0 in {layer.name}, put {first.name} before the ReLU, or a ReLU between them"
            raise _not_exact(first, layer, "its shift does not act on the padding", way_out)
        if layer.kind == "graphconv" and _shifts(first):
            way_out = f"put {first.name} behind a graph convolution and in front of its ReLU"
            raise _not_exact(first, layer, "its shift is added up over the edges of each node", way_out)
        return [*chain[:index], *between, compose.behind_norm(first, layer)]
    if "graphconv" in (first.kind, layer.kind):
        return [*chain[:index], _joined_over_edges(first, layer)]
    if any(step.kind == "maxpool" for step in between):
        raise _not_exact(first, layer, "a max pooling lies between them", f"put a ReLU behind {first.name}")
    if layer.kind == "conv":
        bare = first.kernel_size == (1, 1) and first.padding == (0, 0) and not _shifts(first)
        if layer.padding != (0, 0) and not bare:
            way_out = f"put a ReLU between them, or use padding 0 in {layer.name}"
            raise _not_exact(first, layer, f"its padding is {layer.padding}", way_out)
        return [*chain[:index], compose.conv_conv(first, layer)]
    if between:
        shape = [input_shape, *_shapes(chain, input_shape)][index]
        return [*chain[:index], *between, compose.conv_flatten_linear(first, shape, layer)]
    return [*chain[:index], compose.linear_linear(first, layer)]


def _joined_over_edges(first: FloatLayer, layer: FloatLayer) -> FloatLayer:
    """Two affine layers on nodes, at least one of them over edges."""
    if layer.kind == "linear":
        return compose.graphconv_linear(first, layer)
    way_out = f"put a ReLU between them, or leave out {first.name}, or its bias"
    if first.kind == "graphconv":
        raise _not_exact(first, layer, "it would need the edges of edges", way_out)
    if _shifts(first):
        raise _not_exact(first, layer, "its bias is added up over the edges of each node", way_out)
    return compose.linear_linear(first, layer)


def _close(chain: Chain, input_shape: Shape) -> Chain:
    """Check the end of the chain; a conv that leaves one pixel and is then flattened becomes a linear layer."""
    index = _last_affine(chain)
    if index is None:
        raise ConversionError("model: there is no Conv2d, Linear or GraphConv in it; nothing to convert")
    last, behind = chain[index], chain[index + 1 :]
    if last.open and last.kind == "add":
        raise ConversionError(f"{last.name}: the network ends in a sum; put a ReLU and a Linear behind it")
    if not last.open:
        way_out = (
            "leave it out, or let a Linear or Conv2d follow: the last layer integrates and its potentials are logits"
        )
        if behind:
            names = ", ".join(step.name for step in behind)
            raise ConversionError(f"{last.name}: the network ends in a ReLU, then {names}; {way_out}")
        raise ConversionError(f"{last.name}: the network ends in a ReLU; {way_out}")
    if not behind:
        return chain
    if any(step.kind == "maxpool" for step in behind):
        way_out = f"leave it out, or put a ReLU and a Linear behind {last.name}"
        raise ConversionError(f"{behind[0].name}: the network ends in max pooling; {way_out}")
    before = [input_shape, *_shapes(chain, input_shape)]
    if before[index + 1][1:] != (1, 1):
        raise ConversionError(f"{behind[0].name}: flattens the output {before[index + 1]}; leave it out")
    channels = before[index + 1][0]
    eye, zeros = torch.eye(channels, dtype=torch.float64), torch.zeros(channels, dtype=torch.float64)
    if last.kind == "norm":
        last = compose.norm_as_layer(last, before[index])
    same = FloatLayer(last.name, "linear", eye, zeros)
    return [*chain[:index], *behind, compose.conv_flatten_linear(last, before[index], same)]


def _shapes(chain: Chain, shape: Shape) -> list[Shape]:
    """Shapes of what leaves each layer of a chain, for one image; the chain need not be linked."""
    result: list[Shape] = []
    for layer in chain:
        shape = shape_behind(layer, shape)
        result.append(shape)
    return result


def _shifts(layer: FloatLayer) -> bool:
    return bool((layer.affine[1] != 0).any())


def _check_order_kept(norm: FloatLayer, pool: FloatLayer, way_out: str) -> None:
    """A norm may swap places with max pooling where none of its factors is negative."""
    negative = torch.nonzero(norm.affine[0] < 0).flatten().tolist()
    if negative:
        factor = float(norm.affine[0][negative[0]])
        what = f"the factor of channel {negative[0]} is {factor:.4g}, which turns a maximum into a minimum"
        raise ConversionError(f"{norm.name}: cannot fold through {pool.name}, {what}; {way_out}")


def _not_exact(first: FloatLayer, second: FloatLayer, why: str, way_out: str) -> ConversionError:
    what = f"has no ReLU between {first.name} and itself and cannot fold with it exactly: {why}"
    return ConversionError(f"{second.name}: {what}; {way_out}")

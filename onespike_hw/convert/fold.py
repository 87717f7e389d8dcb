"""From the operations of a torch module to layers that each end in one ReLU: batch norm, ReLU and linear chains fold.

Every rewriting is exact; where none is, ConversionError names both layers and the way out.
An *open* layer is affine (conv, linear, batch norm) without a ReLU behind it: the next affine layer must fold with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from onespike_hw.convert import compose
from onespike_hw.convert.layers import AFFINE, FloatLayer, Shape, shapes
from onespike_hw.errors import ConversionError

Chain = list[FloatLayer]


def fold(operations: Sequence[FloatLayer], input_shape: Shape) -> Chain:
    """The same function as `operations`, as conv and linear layers that each end in a ReLU (the last one does not),
    max pooling, average pooling and flattening.

    Raises ConversionError where that is not possible exactly.
    """
    chain: Chain = []
    for operation in operations:
        if operation.kind == "relu":
            chain = _take_relu(chain, operation)
        elif operation.kind == "maxpool":
            chain = _take_max_pool(chain, operation)
        elif operation.kind == "avgpool":
            chain = _take_average_pool(chain, operation, input_shape)
        elif operation.kind == "flatten":
            chain = [*chain, operation]
        elif operation.kind == "norm":
            chain = _take_norm(chain, operation)
        else:
            chain = _take_linear(chain, operation, input_shape)
    chain = _close(chain, input_shape)
    before = [input_shape, *shapes(chain, input_shape)]
    pairs = zip(chain, before, strict=False)
    return [compose.norm_as_layer(layer, shape) if layer.kind == "norm" else layer for layer, shape in pairs]


def _last_affine(chain: Chain) -> int | None:
    """Index of the last conv, linear or norm layer; behind it are pools and flattening alone."""
    return next((index for index in reversed(range(len(chain))) if chain[index].kind in AFFINE), None)


def _last_open(chain: Chain) -> int | None:
    index = _last_affine(chain)
    return index if index is not None and chain[index].open else None


def _take_relu(chain: Chain, relu: FloatLayer) -> Chain:
    """A ReLU commutes with max pooling and flattening, and does nothing to what a ReLU has left."""
    index = _last_affine(chain)
    if index is None:
        raise ConversionError(f"{relu.name}: a ReLU on the network's own input is not supported; apply it beforehand")
    return [*chain[:index], replace(chain[index], relu=True), *chain[index + 1 :]]


def _take_max_pool(chain: Chain, pool: FloatLayer) -> Chain:
    source = next((layer for layer in reversed(chain) if layer.kind in (*AFFINE, "avgpool")), None)
    if source is None:
        way_out = "put a Conv2d and a ReLU in front, or pool the images beforehand"
        raise ConversionError(f"{pool.name}: max pooling reads the network's own input, which has no spikes; {way_out}")
    if source.kind == "avgpool":
        way_out = "put a Conv2d and a ReLU between them, or pool by the maximum first"
        raise ConversionError(f"{pool.name}: max pooling reads the averages of {source.name}; {way_out}")
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
        before = [input_shape, *shapes(chain, input_shape)]
        for step, shape in zip(between, before[index + 1 :], strict=False):
            if step.kind == "maxpool":
                _check_order_kept(first, step, f"put {first.name} behind {step.name}")
            elif len(shape) == 3:
                first = compose.flattened_norm(first, shape[1] * shape[2])
        if layer.padding != (0, 0) and _shifts(first):
            way_out = f"use padding 0 in {layer.name}, put {first.name} before the ReLU, or a ReLU between them"
            raise _not_exact(first, layer, "its shift does not act on the padding", way_out)
        return [*chain[:index], *between, compose.behind_norm(first, layer)]
    if any(step.kind == "maxpool" for step in between):
        raise _not_exact(first, layer, "a max pooling lies between them", f"put a ReLU behind {first.name}")
    if layer.kind == "conv":
        bare = first.kernel_size == (1, 1) and first.padding == (0, 0) and not _shifts(first)
        if layer.padding != (0, 0) and not bare:
            way_out = f"put a ReLU between them, or use padding 0 in {layer.name}"
            raise _not_exact(first, layer, f"its padding is {layer.padding}", way_out)
        return [*chain[:index], compose.conv_conv(first, layer)]
    if between:
        shape = [input_shape, *shapes(chain, input_shape)][index]
        return [*chain[:index], *between, compose.conv_flatten_linear(first, shape, layer)]
    return [*chain[:index], compose.linear_linear(first, layer)]


def _close(chain: Chain, input_shape: Shape) -> Chain:
    """Check the end of the chain; a conv that leaves one pixel and is then flattened becomes a linear layer."""
    index = _last_affine(chain)
    if index is None:
        raise ConversionError("model: there is no Conv2d or Linear in it; nothing to convert")
    last, behind = chain[index], chain[index + 1 :]
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
    before = [input_shape, *shapes(chain, input_shape)]
    if before[index + 1][1:] != (1, 1):
        raise ConversionError(f"{behind[0].name}: flattens the output {before[index + 1]}; leave it out")
    channels = before[index + 1][0]
    eye, zeros = torch.eye(channels, dtype=torch.float64), torch.zeros(channels, dtype=torch.float64)
    if last.kind == "norm":
        last = compose.norm_as_layer(last, before[index])
    same = FloatLayer(last.name, "linear", eye, zeros)
    return [*chain[:index], *behind, compose.conv_flatten_linear(last, before[index], same)]


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

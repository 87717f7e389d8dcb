"""Two affine layers without a ReLU between them are one affine layer: the exact compositions.

All in float64. Nothing here decides whether a composition is legal; that is fold.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.grad import conv2d_input

from onespike_hw.convert.layers import FloatLayer, Shape, operands_of


def behind_norm(norm: FloatLayer, layer: FloatLayer) -> FloatLayer:
    """norm, then a conv, linear or graphconv layer. Exact where that layer has no padding and no edges, or the norm no
    shift."""
    scale, shift = norm.affine
    weight, bias = layer.affine
    if layer.kind in ("linear", "graphconv"):
        return replace(layer, weight=weight * scale, bias=bias + weight @ shift)
    outputs_per_group = weight.shape[0] // layer.groups
    per_output = [value.view(layer.groups, -1).repeat_interleave(outputs_per_group, 0) for value in (scale, shift)]
    scale, shift = (value[:, :, None, None] for value in per_output)
    return replace(layer, weight=weight * scale, bias=bias + (weight * shift).sum((1, 2, 3)))


def with_norm(layer: FloatLayer, norm: FloatLayer) -> FloatLayer:
    """A conv, linear, graphconv, norm or add layer, then norm. Always exact."""
    scale, shift = norm.affine
    weight, bias = layer.affine
    if layer.kind == "add":
        return replace(layer, weight=weight * scale, bias=bias * scale + shift)
    per_output = scale.view((-1,) + (1,) * (weight.dim() - 1))
    step = None if layer.step is None else layer.step * scale.abs()
    return replace(layer, weight=weight * per_output, bias=bias * scale + shift, step=step)


def graphconv_linear(first: FloatLayer, second: FloatLayer) -> FloatLayer:
    """Graphconv, then a linear layer on each node: one graphconv layer. Always exact."""
    joined = linear_linear(first, second)
    return replace(joined, kind="graphconv", edges=first.edges)


def linear_linear(first: FloatLayer, second: FloatLayer) -> FloatLayer:
    """Linear, then linear. Always exact."""
    weight, bias = second.affine
    first_weight, first_bias = first.affine
    return replace(second, weight=weight @ first_weight, bias=bias + weight @ first_bias)


def conv_conv(first: FloatLayer, second: FloatLayer) -> FloatLayer:
    """Conv, then conv: a conv with the kernel K1 + (K2 - 1) * stride1, and the padding of both.

    Exact where the second has no padding, or the first is a 1x1 without padding and without bias.
    """
    groups = first.groups if first.groups == second.groups else 1
    first_weight, second_weight = (_grouped(layer, groups) for layer in (first, second))
    (rows, columns), (row_stride, column_stride) = second.kernel_size, first.stride
    kernel = (
        first.kernel_size[0] + (rows - 1) * row_stride,
        first.kernel_size[1] + (columns - 1) * column_stride,
    )
    outputs, inputs = second_weight.shape[1], first_weight.shape[2]
    weight = first_weight.new_zeros((groups, outputs, inputs, *kernel))
    for row in range(rows):
        for column in range(columns):
            top, left = row * row_stride, column * column_stride
            window = weight[..., top : top + first.kernel_size[0], left : left + first.kernel_size[1]]
            window += torch.einsum("gom,gmikl->goikl", second_weight[..., row, column], first_weight)
    first_bias = first.affine[1].view(groups, -1)
    bias = second.affine[1] + torch.einsum("gomkl,gm->go", second_weight, first_bias).flatten()
    return replace(
        second,
        weight=weight.flatten(0, 1),
        bias=bias,
        kernel_size=kernel,
        stride=(first.stride[0] * second.stride[0], first.stride[1] * second.stride[1]),
        padding=(
            first.padding[0] + second.padding[0] * first.stride[0],
            first.padding[1] + second.padding[1] * first.stride[1],
        ),
        groups=groups,
    )


def _grouped(layer: FloatLayer, groups: int) -> Tensor:
    """The weight as (groups, C_out / groups, C_in / groups, K_h, K_w); groups is the layer's, or 1 (then dense)."""
    weight, _ = layer.affine
    grouped = weight.view(layer.groups, -1, *weight.shape[1:])
    if groups == layer.groups:
        return grouped
    _, outputs, inputs, *kernel = grouped.shape
    dense = weight.new_zeros((layer.groups, outputs, layer.groups, inputs, *kernel))
    for group in range(layer.groups):
        dense[group, :, group] = grouped[group]
    return dense.view(1, layer.groups * outputs, layer.groups * inputs, *kernel)


def conv_flatten_linear(conv: FloatLayer, shape: Shape, linear: FloatLayer) -> FloatLayer:
    """Conv on `shape`, flatten, linear: one linear layer that reads the flattened `shape`. Always exact."""
    weight, bias = linear.affine
    conv_weight, conv_bias = conv.affine
    channels = conv_bias.numel()
    rows = (shape[1] + 2 * conv.padding[0] - conv.kernel_size[0]) // conv.stride[0] + 1
    maps = weight.view(len(weight), channels, rows, -1)
    size = (len(weight), *shape)
    through = conv2d_input(size, conv_weight, maps, conv.stride, conv.padding, groups=conv.groups)  # type: ignore[no-untyped-call]
    return replace(linear, weight=through.flatten(1), bias=bias + maps.sum((2, 3)) @ conv_bias)


def average_as_conv(pool: FloatLayer, channels: int) -> FloatLayer:
    """Average pooling as the depthwise conv that it is."""
    rows, columns = pool.kernel_size
    weight = torch.full((channels, 1, rows, columns), 1 / (rows * columns), dtype=torch.float64)
    bias = torch.zeros(channels, dtype=torch.float64)
    return replace(pool, kind="conv", weight=weight, bias=bias, groups=channels)


def norm_as_layer(norm: FloatLayer, shape: Shape) -> FloatLayer:
    """A norm that no other layer can take in, as a depthwise 1x1 conv, or a diagonal linear layer."""
    scale, _ = norm.affine
    if len(shape) == 1:
        return replace(norm, kind="linear", weight=torch.diag(scale))
    return replace(norm, kind="conv", weight=scale.view(-1, 1, 1, 1), groups=len(scale))


def flattened_norm(norm: FloatLayer, pixels: int) -> FloatLayer:
    """The norm that acts behind a flatten as `norm` does before it; `pixels` is H * W."""
    scale, shift = norm.affine
    return replace(norm, weight=scale.repeat_interleave(pixels), bias=shift.repeat_interleave(pixels))


def normal_form(layers: Sequence[FloatLayer]) -> list[FloatLayer]:
    """The same graph, where layers that feed an add have taken in their factors, and the add their biases."""
    by_name = {layer.name: layer for layer in layers}
    for add in layers:
        if add.kind != "add":
            continue
        factors, bias = add.affine
        factors = factors.clone()
        for row, operand in zip(factors, operands_of(layers, add), strict=True):
            if operand is not None:
                zeros = torch.zeros_like(row)
                bias = bias + row * operand.affine[1]
                scaled = with_norm(replace(operand, bias=zeros), FloatLayer(operand.name, "norm", row.clone(), zeros))
                by_name[operand.name] = scaled
                row.fill_(1)
        by_name[add.name] = replace(add, weight=factors, bias=bias)
    return [by_name[layer.name] for layer in layers]

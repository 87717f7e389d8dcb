"""What each supported torch module, function and method is as float layers, and why the others are refused.

An operation is called with its name, the shape that enters it, the shape that leaves it, and the arguments of the torch
function behind the tensor; it returns the float layers that do the same (none for an identity).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import torch
from brevitas.nn.quant_layer import QuantWeightBiasInputOutputLayer
from torch import Tensor, nn
from torch.nn import functional

from onespike_hw.convert.graph_conv import GraphConv
from onespike_hw.convert.layers import FloatLayer, Pair, Shape
from onespike_hw.errors import ConversionError
from onespike_hw.network import output_size

SUPPORTED = (
    "Conv2d, GraphConv, BatchNorm1d, BatchNorm2d, Linear, ReLU, MaxPool2d, AvgPool2d, AdaptiveAvgPool2d, Flatten, "
    "view, reshape, Dropout, Identity, + of two branches, and + - * / with constants"
)

Layers = list[FloatLayer]

_WAY_OUT_OF_MODULE: dict[type[nn.Module], str] = {
    nn.Sigmoid: "use ReLU",
    nn.Tanh: "use ReLU",
    nn.GELU: "use ReLU",
    nn.SiLU: "use ReLU",
    nn.LeakyReLU: "use ReLU",
    nn.ReLU6: "use ReLU",
    nn.Softmax: "leave it out: the largest logit stays the largest",
    nn.LogSoftmax: "leave it out: the largest logit stays the largest",
    nn.ConvTranspose2d: "use Conv2d",
    nn.Conv1d: "use Conv2d with a kernel of height 1",
}


def pair(value: int | tuple[int, ...], what: str) -> Pair:
    """An int or a tuple of one or two ints as (vertical, horizontal)."""
    values = (value,) if isinstance(value, int) else tuple(value)
    if len(values) not in (1, 2) or not all(isinstance(item, int) for item in values):
        raise ConversionError(f"{what} is {value!r}; use an int or a pair of ints")
    return values[0], values[-1]


def _finite(name: str, what: str, value: Tensor) -> Tensor:
    value = value.detach().to(torch.float64)
    wrong = int((~torch.isfinite(value)).sum())
    if wrong:
        raise ConversionError(f"{name}: {what} holds {wrong} values that are NaN or infinite; train or load it again")
    return value


def _affine(name: str, module: nn.Conv2d | nn.Linear | GraphConv) -> tuple[Tensor, Tensor, Tensor | None]:
    """Weight as the layer uses it, bias, and the step (C_out,) that Brevitas rounds its weights to, if it does."""
    weight, step = _weight(name, module)
    if module.bias is None:
        return weight, torch.zeros(len(weight), dtype=torch.float64), step
    return weight, _finite(name, "bias", module.bias), step


def _weight(name: str, module: nn.Conv2d | nn.Linear | GraphConv) -> tuple[Tensor, Tensor | None]:
    if not isinstance(module, QuantWeightBiasInputOutputLayer):
        return _finite(name, "weight", module.weight), None
    for part, proxy in (("input", module.input_quant), ("output", module.output_quant)):
        if proxy.is_quant_enabled:
            what = f"{part}_quant is not supported: the phase of a spike is the only rounding between layers"
            raise ConversionError(f"{name}: {what}; build the layer with {part}_quant=None")
    if not module.weight_quant.is_quant_enabled:
        return _finite(name, "weight", module.weight), None
    rounded: Any = module.quant_weight()
    weight = _finite(name, "weight", rounded.value)
    step = _finite(name, "scale of the weight", rounded.scale)
    return weight, step.reshape(-1).expand(len(weight)).clone()


def _conv(name: str, module: nn.Conv2d) -> Layers:
    rows, columns = pair(module.kernel_size, f"{name}: kernel_size")
    dilation = pair(module.dilation, f"{name}: dilation")
    if dilation != (1, 1):
        size = f"kernel {rows}x{columns} with dilation {dilation}"
        raise ConversionError(f"{name}: {size} is not supported; use dilation 1")
    if module.padding_mode != "zeros":
        mode = module.padding_mode
        raise ConversionError(f"{name}: padding_mode {mode!r} is not supported; padding is silence, use 'zeros'")
    weight, bias, step = _affine(name, module)
    if module.padding == "same":
        # torch pads an even kernel by one more behind than in front; a first tap of zero makes it symmetric.
        weight = functional.pad(weight, ((columns + 1) % 2, 0, (rows + 1) % 2, 0))
        rows, columns = weight.shape[2:]
        padding = (rows // 2, columns // 2)
    elif module.padding == "valid":
        padding = (0, 0)
    else:
        padding = pair(module.padding, f"{name}: padding")  # type: ignore[arg-type]
    stride = pair(module.stride, f"{name}: stride")
    return [FloatLayer(name, "conv", weight, bias, (rows, columns), stride, padding, module.groups, step=step)]


def _linear(name: str, shape: Shape, module: nn.Linear) -> Layers:
    if len(shape) != 1:
        raise ConversionError(f"{name}: Linear reads a tensor of shape {shape} an image; put a Flatten in front of it")
    weight, bias, step = _affine(name, module)
    return [FloatLayer(name, "linear", weight, bias, step=step)]


def _batch_norm(name: str, module: nn.BatchNorm1d | nn.BatchNorm2d) -> Layers:
    if module.running_mean is None or module.running_var is None:
        raise ConversionError(f"{name}: it keeps no running statistics; use track_running_stats=True and train again")
    mean = _finite(name, "running_mean", module.running_mean)
    variance = _finite(name, "running_var", module.running_var)
    if bool((variance < 0).any()):
        raise ConversionError(f"{name}: running_var is {float(variance.min())}, below 0; train or load it again")
    scale = torch.rsqrt(variance + module.eps)
    if module.weight is not None:
        scale = scale * _finite(name, "weight", module.weight)
    shift = -mean * scale
    if module.bias is not None:
        shift = shift + _finite(name, "bias", module.bias)
    return [FloatLayer(name, "norm", _finite(name, "weight / sqrt(running_var + eps)", scale), shift)]


def _relu(name: str, before: Shape, after: Shape, inplace: bool = False) -> Layers:
    return [FloatLayer(name, "relu")]


def _identity(name: str, before: Shape, after: Shape, *args: Any, **kwargs: Any) -> Layers:
    return []


def _dropout(
    name: str, before: Shape, after: Shape, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Layers:
    if training:
        raise ConversionError(f"{name}: dropout with training=True is random; pass training=self.training")
    return []


def _no_ceil(name: str, before: Shape, window: FloatLayer, after: Shape) -> None:
    axes = zip(before[1:], window.kernel_size, window.stride, window.padding, strict=True)
    floor = tuple(output_size(*axis) for axis in axes)
    if floor != after[1:]:
        what = f"ceil_mode=True gives {after[1:]} where whole windows give {floor}"
        raise ConversionError(f"{name}: {what}; use ceil_mode=False, or pad the images to a size that divides")


def _max_pool(
    name: str,
    before: Shape,
    after: Shape,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Layers:
    if pair(dilation, f"{name}: dilation") != (1, 1):
        raise ConversionError(f"{name}: max pooling with dilation {dilation} is not supported; use dilation 1")
    kernel = pair(kernel_size, f"{name}: kernel_size")
    step = pair(stride, f"{name}: stride") if stride else kernel
    border = pair(padding, f"{name}: padding")
    pool = FloatLayer(name, "maxpool", kernel_size=kernel, stride=step, padding=border)
    _no_ceil(name, before, pool, after)
    return [pool]


def _average_pool(
    name: str,
    before: Shape,
    after: Shape,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Layers:
    kernel = pair(kernel_size, f"{name}: kernel_size")
    step = pair(stride, f"{name}: stride") if stride else kernel
    border = pair(padding, f"{name}: padding")
    if border != (0, 0) and not count_include_pad:
        what = f"padding {border} with count_include_pad=False divides by less at the border"
        raise ConversionError(f"{name}: {what}; use count_include_pad=True or padding 0")
    if divisor_override is not None:
        raise ConversionError(f"{name}: divisor_override={divisor_override} is not supported; leave it None")
    pool = FloatLayer(name, "avgpool", kernel_size=kernel, stride=step, padding=border)
    _no_ceil(name, before, pool, after)
    return [pool]


def _adaptive_average_pool(name: str, before: Shape, after: Shape, output_size: Any) -> Layers:
    (height, width), (rows, columns) = before[1:], after[1:]
    if height % rows or width % columns:
        what = f"an output of {rows}x{columns} does not divide its input of {height}x{width}"
        raise ConversionError(f"{name}: {what}; use AdaptiveAvgPool2d(1) or AvgPool2d")
    window = (height // rows, width // columns)
    return [] if window == (1, 1) else [FloatLayer(name, "avgpool", kernel_size=window, stride=window)]


def _reshape(name: str, before: Shape, after: Shape, *args: Any, **kwargs: Any) -> Layers:
    if before == after:
        return []
    if after != (torch.Size(before).numel(),):
        what = f"reshapes {before} to {after} an image, and only (C, H, W) to (C * H * W,) is supported"
        raise ConversionError(f"{name}: {what}; use torch.flatten(x, 1)")
    return [FloatLayer(name, "flatten")]


def arithmetic(name: str, called: Any, before: Shape, operands: Sequence[Any], tensor: int) -> Layers:
    """x + c, x - c, c - x, x * c or x / c, for a number c or one number a channel, as a norm layer.

    called    a key of ARITHMETIC
    operands  both; the one of index `tensor` is x, the other a number or a constant tensor
    """
    sign = ARITHMETIC[called]
    constant = _one_a_channel(name, before, operands[1 - tensor])
    ones, zeros = torch.ones_like(constant), torch.zeros_like(constant)
    if sign in ("+", "-"):
        slope = -ones if sign == "-" and tensor == 1 else ones
        shift = -constant if sign == "-" and tensor == 0 else constant
        return [FloatLayer(name, "norm", slope, shift)]
    if sign == "/":
        if tensor == 1:
            raise ConversionError(f"{name}: divides by what the network computes; only division by constants is linear")
        if bool((constant == 0).any()):
            channel = int(torch.nonzero(constant == 0)[0])
            raise ConversionError(f"{name}: divides channel {channel} by 0; give deviations above 0")
        constant = 1 / constant
    return [FloatLayer(name, "norm", constant, zeros)]


def add(name: str, shape: Shape) -> FloatLayer:
    """The sum of two tensors of this shape an image."""
    ones, zeros = torch.ones(2, shape[0], dtype=torch.float64), torch.zeros(shape[0], dtype=torch.float64)
    return FloatLayer(name, "add", ones, zeros)


def _one_a_channel(name: str, before: Shape, constant: Any) -> Tensor:
    """A constant as float64 [C]; it broadcasts over [N, *before] and is the same at every pixel."""
    values = _finite(name, "its constant", torch.as_tensor(constant, dtype=torch.float64))
    if values.numel() == 1:
        return values.reshape(1).repeat(before[0])
    shape = tuple(values.shape)
    if len(shape) == len(before) + 1 and shape[0] == 1:
        shape = shape[1:]
    if shape != (before[0], *[1] * (len(before) - 1)):
        what = f"its constant has shape {tuple(values.shape)}, it reads {before} an image"
        raise ConversionError(f"{name}: {what}; use one number, or one a channel: {(before[0], 1, 1)[: len(before)]}")
    return values.flatten()


ARITHMETIC: dict[Any, str] = {
    **dict.fromkeys((operator.add, operator.iadd, torch.add, "add", "add_"), "+"),
    **dict.fromkeys((operator.sub, operator.isub, torch.sub, torch.subtract, "sub", "sub_"), "-"),
    **dict.fromkeys((operator.mul, operator.imul, torch.mul, torch.multiply, "mul", "mul_"), "*"),
    **dict.fromkeys((operator.truediv, operator.itruediv, torch.div, torch.divide, "div", "div_"), "/"),
}
"""Functions and methods of two operands, as torch.fx records them."""

FUNCTIONS: dict[Callable[..., Any], Callable[..., Layers]] = {
    functional.relu: _relu,
    functional.relu_: _relu,
    torch.relu: _relu,
    torch.relu_: _relu,
    functional.max_pool2d: _max_pool,
    torch.max_pool2d: _max_pool,
    functional.avg_pool2d: _average_pool,
    functional.adaptive_avg_pool2d: _adaptive_average_pool,
    functional.dropout: _dropout,
    functional.dropout2d: _dropout,
    torch.flatten: _reshape,
    torch.reshape: _reshape,
    torch.squeeze: _reshape,
}
"""What a call of a function on the tensor is; keys are what torch.fx records."""

METHODS: dict[str, Callable[..., Layers]] = {
    "relu": _relu,
    "relu_": _relu,
    "flatten": _reshape,
    "view": _reshape,
    "reshape": _reshape,
    "squeeze": _reshape,
    "contiguous": _identity,
    "clone": _identity,
    "detach": _identity,
}
"""What a call of a tensor's method is."""


def from_module(name: str, module: nn.Module, before: Shape, after: Shape) -> Layers:
    """The float layers of a module that torch.fx kept whole. ConversionError where it is not supported."""
    match module:
        case nn.Conv2d():
            return _conv(name, module)
        case GraphConv():
            weight, bias, _ = _affine(name, module)
            return [FloatLayer(name, "graphconv", weight, bias, edges=module.edges)]
        case nn.Linear():
            return _linear(name, before, module)
        case nn.BatchNorm1d() | nn.BatchNorm2d():
            return _batch_norm(name, module)
        case nn.ReLU():
            return _relu(name, before, after)
        case nn.MaxPool2d():
            window = (module.kernel_size, module.stride, module.padding, module.dilation)
            return _max_pool(name, before, after, *window)
        case nn.AvgPool2d():
            window = (module.kernel_size, module.stride, module.padding, module.ceil_mode)
            return _average_pool(name, before, after, *window, module.count_include_pad, module.divisor_override)
        case nn.AdaptiveAvgPool2d():
            return _adaptive_average_pool(name, before, after, module.output_size)
        case nn.Flatten():
            return _reshape(name, before, after)
        case nn.Dropout() | nn.Dropout2d() | nn.Identity():
            return []
        case _:
            raise unsupported_module(name, module)


SUPPORTED_MODULES = (
    nn.Conv2d,
    GraphConv,
    nn.Linear,
    nn.BatchNorm1d,
    nn.BatchNorm2d,
    nn.ReLU,
    nn.MaxPool2d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool2d,
    nn.Flatten,
    nn.Dropout,
    nn.Dropout2d,
    nn.Identity,
)


def unsupported_module(name: str, module: nn.Module) -> ConversionError:
    """The refusal of a module that no operation exists for."""
    way_out = _WAY_OUT_OF_MODULE.get(type(module), f"supported are {SUPPORTED}")
    return ConversionError(f"{name}: {type(module).__name__} is not supported; {way_out}")


def unsupported_call(name: str, called: str) -> ConversionError:
    """The refusal of a function or method that no operation exists for."""
    return ConversionError(
        f"{name}: {called} is not supported; supported are {SUPPORTED}, as modules where they have weights"
    )


def joins(target: Any) -> bool:
    """True for a function that brings two branches together."""
    return target in ARITHMETIC or target is torch.cat

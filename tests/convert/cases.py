"""Small networks of every supported construct, and what converted networks are held against."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from onespike_hw.convert.inputs import input_code
from onespike_hw.convert.layers import FloatLayer
from onespike_hw.convert.pipeline import trained_layers
from onespike_hw.network import INPUT, Network

IMAGE = (2, 9, 8)
PIXELS = 2 * 9 * 8


def seeded(model: nn.Module, seed: int = 0) -> nn.Module:
    """The model in eval mode, its parameters drawn anew; a batch norm with affine=False gets no shift."""
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            module.running_var = torch.rand(module.num_features, generator=generator) + 0.3
            if module.affine:
                module.running_mean = torch.randn(module.num_features, generator=generator) * 0.2
                nn.init.uniform_(module.weight, 0.3, 1.5, generator=generator)
                nn.init.normal_(module.bias, 0, 0.3, generator=generator)
        elif isinstance(module, (nn.Conv2d, nn.Linear)):
            fan_in = module.weight[0].numel()
            nn.init.normal_(module.weight, 0, fan_in**-0.5, generator=generator)
            if module.bias is not None:
                nn.init.normal_(module.bias, 0, 0.2, generator=generator)
    return model.eval()


def images(shape: tuple[int, ...] = IMAGE, count: int = 24, seed: int = 1) -> Tensor:
    """Random images in [0, 1]."""
    return torch.rand(count, *shape, generator=torch.Generator().manual_seed(seed))


def chain(**modules: nn.Module) -> nn.Sequential:
    """nn.Sequential with names."""
    return nn.Sequential(OrderedDict(modules))


def float_layers(model: nn.Module, x: Tensor) -> list[FloatLayer]:
    """The model as the chain of layers that is converted."""
    return trained_layers(model, x, input_code(x, 8, None))[0]


def nearest_level(normalised: Tensor, net: Network) -> Tensor:
    """Activations in full scales, each replaced by the nearest of the levels Q^-k and 0."""
    levels = torch.tensor([*net.base ** -np.arange(net.timesteps, dtype=float), 0.0], dtype=torch.float64)
    return levels[(normalised[..., None] - levels).abs().argmin(-1)]


def emulated(net: Network, x: Tensor, coded: bool) -> NDArray[np.float64]:
    """Logits of the network with its quantised weights in floats, with activations as coded, or as real numbers.

    Computed from the documented meaning of a Network's fields alone: real = potential * scale, and spikes that stand
    for a real activation a bring 2^F * a / full_scale.
    """
    scale, offset, zero_point = (
        torch.from_numpy(values).view(-1, *[1] * (x.dim() - 2))
        for values in (net.input_scale, net.input_offset, net.input_zero_point)
    )
    units = {INPUT: x.double() / scale + offset - zero_point}
    full = 2.0**net.fraction_bits
    charges: dict[str, Tensor] = {}
    for layer in net.layers:
        per_channel = (-1,) + (1,) * (len(layer.shape) - 1)
        if layer.kind == "maxpool":
            read = units[layer.inputs[0]]
            units[layer.name] = functional.max_pool2d(read, layer.kernel_size, layer.stride, layer.padding)
        elif layer.kind == "avgpool":
            read = units[layer.inputs[0]]
            count = layer.kernel_size[0] * layer.kernel_size[1]
            units[layer.name] = count * functional.avg_pool2d(read, layer.kernel_size, layer.stride, layer.padding)
        elif layer.kind == "flatten":
            units[layer.name] = units[layer.inputs[0]].flatten(1)
        else:
            bias = torch.from_numpy(layer.bias).double()
            if layer.kind == "add":
                weights = torch.from_numpy(layer.operand_weight).double()
                read = [charges[name] if name in charges else units[name] for name in layer.inputs]
                potential = bias.view(per_channel) + sum(
                    weight.view(per_channel) * value for weight, value in zip(weights, read, strict=True)
                )
            elif layer.kind == "conv":
                weight, read = torch.from_numpy(layer.weight).double(), units[layer.inputs[0]]
                potential = functional.conv2d(read, weight, bias, layer.stride, layer.padding, groups=layer.groups)
            else:
                potential = functional.linear(units[layer.inputs[0]], torch.from_numpy(layer.weight).double(), bias)
            real = potential * torch.from_numpy(layer.scale).view(per_channel)
            if layer.fires:
                normalised = real.relu() / torch.from_numpy(layer.full_scale).view(per_channel)
                units[layer.name] = full * (nearest_level(normalised, net) if coded else normalised)
            elif layer is net.layers[-1]:
                return real.numpy()
            else:
                charges[layer.name] = potential
    raise AssertionError("the last layer fires")


def relative_difference(found: NDArray[np.floating], expected: Tensor) -> float:
    """Root mean square of the difference, in parts of the expected logits' own."""
    wanted = expected.detach().double().numpy()
    difference = found.reshape(wanted.shape) - wanted
    return float(np.sqrt(np.square(difference).mean() / np.square(wanted).mean()))

"""From a Network to the modules of onespike_hw.nn."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
from torch import nn

from onespike_hw.codegen.names import identifiers
from onespike_hw.errors import ConversionError
from onespike_hw.network import Layer, Network
from onespike_hw.nn import (
    Codes,
    Integers,
    OneSpike,
    PhaseConv2d,
    PhaseLinear,
    PhaseMaxPool2d,
    Reading,
    SpikeValue,
    SumPool2d,
    ZeroPoint,
)


def to_torch(net: Network) -> nn.Sequential:
    """The network as a torch model on input integers [N, *net.input_shape]; it gives the golden model's logits.

    Modules carry the layers' names as identifiers; the OneSpike behind a layer `conv1` is called `conv1_spikes`.
    Raises ConversionError, naming the layer, where the extension has no such layer.
    """
    built: list[tuple[str, nn.Module]] = []
    integers = Integers(*net.input_range)
    signal: Reading = integers
    if net.input_zero_point.any():
        zero_point = ZeroPoint(net.input_zero_point, integers)
        built.append(("input/zero_point", zero_point))
        signal = zero_point.gives
    source = "input"
    for layer in net.layers:
        if layer.inputs != (source,):
            way_out = "the extension takes one chain of layers"
            raise ConversionError(f"{layer.name}: reads {', '.join(layer.inputs)}, not {source} before it; {way_out}")
        source = layer.name
        try:
            modules, signal = _modules(net, layer, signal)
        except ConversionError as error:
            raise ConversionError(f"{layer.name}: {error}") from error
        built += modules
    names = identifiers(name for name, _ in built)
    return nn.Sequential(OrderedDict((names[name], module) for name, module in built))


def _modules(net: Network, layer: Layer, signal: Reading) -> tuple[list[tuple[str, nn.Module]], Reading]:
    """What stands for a layer that reads `signal`, and what leaves it."""
    if layer.kind in ("conv", "linear"):
        return _neurons(net, layer, signal)
    if layer.kind == "flatten":
        image = len(net.shape_of(layer.inputs[0])) > 1
        return ([(layer.name, nn.Flatten())] if image else []), signal
    window = layer.kernel_size, layer.stride, layer.padding
    if layer.kind == "maxpool" and isinstance(signal, Codes):
        return [(layer.name, PhaseMaxPool2d(*window, signal))], signal
    if layer.kind != "avgpool":
        raise ConversionError(f"the hls4ml extension has no {layer.kind} layers; generate Verilog instead")
    before: list[tuple[str, nn.Module]] = []
    if isinstance(signal, Codes):
        if not net.settled:
            way_out = 'convert with wait="settled"'
            raise ConversionError(f"average pooling of spikes needs settled neurons, not wait {net.wait}; {way_out}")
        before = [(f"{layer.name}/values", SpikeValue(signal.constants))]
        signal = Integers(signal.low, signal.high)
    pool = SumPool2d(*window, signal)
    return [*before, (layer.name, pool)], pool.gives


def _neurons(net: Network, layer: Layer, signal: Reading) -> tuple[list[tuple[str, nn.Module]], Reading]:
    assert layer.weight is not None
    assert layer.bias is not None
    wait = net.wait if layer.fires and isinstance(signal, Codes) else None
    synapses: PhaseLinear | PhaseConv2d
    if layer.kind == "linear":
        synapses = PhaseLinear(layer.weight, layer.bias, signal, wait)
    else:
        shape = layer.stride, layer.padding, layer.groups
        synapses = PhaseConv2d(layer.weight, layer.bias, signal, *shape, wait=wait)
    if not layer.fires:
        return [(layer.name, synapses)], signal
    assert layer.ladder is not None
    constants = net.constants_of(layer.name)
    assert constants is not None
    low, high = synapses.potential_range
    neurons = OneSpike(np.clip(layer.ladder, low, high + 1), wait=wait)
    return [(layer.name, synapses), (f"{layer.name}/spikes", neurons)], Codes(constants)

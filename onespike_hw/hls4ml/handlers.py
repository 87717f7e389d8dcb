"""From the modules of onespike_hw.nn to the layer descriptions of hls4ml's PyTorch frontend.

A handler gives the description, a dictionary, and the shape of what leaves the layer, batch first, channels first.
Weights lie as the C++ reads them: one row for each input value, channels last, of all neurons that read it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onespike_hw import nn
from onespike_hw.errors import ConversionError
from onespike_hw.network import output_size

Description = dict[str, Any]
Shape = list[Any]
Handler = Callable[..., tuple[Description, Shape]]


def _handler(describe: Callable[[Any, Shape], tuple[Description, Shape]]) -> Handler:
    """A handler as hls4ml calls it, from a function of the module and of the shape that it reads."""

    def handle(
        operation: str,
        name: str,
        inputs: list[str],
        shapes: list[Shape],
        node: Any,
        module: Any,
        reader: Any,
        config: Any,
    ) -> tuple[Description, Shape]:
        try:
            description, shape = describe(module, shapes[0])
        except ConversionError as error:
            raise ConversionError(f"{name}: {error}") from error
        return {"name": name, "inputs": inputs, **description}, shape

    return handle


def _one_spike(module: nn.OneSpike, shape: Shape) -> tuple[Description, Shape]:
    wanted = module.channels * module.potentials
    if shape[1] != wanted:
        neurons = f"{module.channels} neurons of {module.potentials} potentials"
        raise ConversionError(f"reads {shape[1]} channels, its ladder is for {neurons}; give it one row a channel")
    description = {
        "class_name": "OneSpike",
        "n_chan": module.channels,
        "n_phases": module.timesteps,
        "n_potentials": module.potentials,
        "fraction_bits": module.fraction_bits,
        "ladder_data": module.ladder.reshape(-1),
    }
    return description, [shape[0], module.channels, *shape[2:]]


def _linear(module: nn.PhaseLinear, shape: Shape) -> tuple[Description, Shape]:
    outputs, inputs = module.weight.shape
    if len(shape) != 2 or shape[1] != inputs:
        raise ConversionError(
            f"reads shape {tuple(shape[1:])}, its weights are for ({inputs},); put a Flatten in front"
        )
    sizes = {"class_name": "PhaseDense", "n_in": inputs, "n_chan": inputs, "groups": 1}
    return {**sizes, **_synapses(module, module.weight.T)}, [shape[0], outputs * module.potentials]


def _conv(module: nn.PhaseConv2d, shape: Shape) -> tuple[Description, Shape]:
    channels = module.weight.shape[1] * module.channel_groups
    _check_image(shape, channels)
    groups = module.channel_groups
    grouped = module.weight.reshape(groups, -1, *module.weight.shape[1:])
    window = _window(module, shape)
    sizes = {
        "class_name": "PhaseConv2D",
        "n_in": channels * window["filt_height"] * window["filt_width"],
        "groups": groups,
        "padding": module.reads.timesteps if isinstance(module.reads, nn.Codes) else 0,
    }
    # (group, neuron, channel, y, x) to rows (y, x, group, channel) of the group's neurons
    description = {**sizes, **window, **_synapses(module, grouped.transpose(3, 4, 0, 2, 1))}
    return description, _image(shape, description, len(module.bias) * module.potentials)


def _synapses(module: nn.PhaseLinear | nn.PhaseConv2d, rows: NDArray[np.int8]) -> Description:
    common = {
        "n_out": len(module.bias),
        "n_potentials": module.potentials,
        "input_range": (module.reads.low, module.reads.high),
        "result_range": module.potential_range,
        "weight_data": rows.astype(np.int64).reshape(-1),
        "bias_data": module.bias,
    }
    if isinstance(module.reads, nn.Integers):
        return {**common, "reads_codes": False}
    negative, positive = module.weight_sums
    classes, shift = module.reads.classes
    return {
        **common,
        "reads_codes": True,
        "n_phases": module.reads.timesteps,
        "n_classes": classes,
        "class_shift": shift,
        "constants": module.reads.constants.tolist(),
        "sum_range": (int(negative.min()), int(positive.max())),
    }


def _max_pool(module: nn.PhaseMaxPool2d, shape: Shape) -> tuple[Description, Shape]:
    _check_image(shape, shape[1])
    phases = module.reads.timesteps
    description = {
        "class_name": "PhaseMaxPooling2D",
        "reads_codes": True,
        "n_phases": phases,
        "result_range": (0, phases),
        "padding": phases,
        **_window(module, shape),
    }
    return description, _image(shape, description, shape[1])


def _sum_pool(module: nn.SumPool2d, shape: Shape) -> tuple[Description, Shape]:
    _check_image(shape, shape[1])
    description = {
        "class_name": "SumPooling2D",
        "reads_codes": False,
        "input_range": (module.reads.low, module.reads.high),
        "result_range": (module.gives.low, module.gives.high),
        "padding": 0,
        **_window(module, shape),
    }
    return description, _image(shape, description, shape[1])


def _spike_value(module: nn.SpikeValue, shape: Shape) -> tuple[Description, Shape]:
    description = {
        "class_name": "SpikeValue",
        "reads_codes": True,
        "n_phases": module.reads.timesteps,
        "n_chan": shape[1],
        "constants": module.reads.constants.tolist(),
        "result_range": (module.reads.low, module.reads.high),
    }
    return description, list(shape)


def _zero_point(module: nn.ZeroPoint, shape: Shape) -> tuple[Description, Shape]:
    if shape[1] != len(module.zero_point):
        raise ConversionError(
            f"reads {shape[1]} channels, has {len(module.zero_point)} zero points; give one a channel"
        )
    description = {
        "class_name": "ZeroPoint",
        "reads_codes": False,
        "input_range": (module.reads.low, module.reads.high),
        "n_chan": shape[1],
        "zero_points": module.zero_point.tolist(),
        "result_range": (module.gives.low, module.gives.high),
    }
    return description, list(shape)


def _check_image(shape: Shape, channels: int) -> None:
    if len(shape) != 4 or shape[1] != channels:
        raise ConversionError(f"reads shape {tuple(shape[1:])}; give it an image ({channels}, H, W)")


def _window(module: nn.PhaseConv2d | nn.PhaseMaxPool2d | nn.SumPool2d, shape: Shape) -> Description:
    rows, columns = map(output_size, shape[2:], module.kernel_size, module.stride, module.padding)
    names = (
        ("n_chan", shape[1]),
        ("in_height", shape[2]),
        ("in_width", shape[3]),
        ("out_height", rows),
        ("out_width", columns),
        ("filt_height", module.kernel_size[0]),
        ("filt_width", module.kernel_size[1]),
        ("stride_height", module.stride[0]),
        ("stride_width", module.stride[1]),
        ("pad_height", module.padding[0]),
        ("pad_width", module.padding[1]),
    )
    return dict(names)


def _image(shape: Shape, description: Description, channels: int) -> Shape:
    return [shape[0], channels, description["out_height"], description["out_width"]]


HANDLERS: dict[str, Handler] = {
    nn.OneSpike.__name__: _handler(_one_spike),
    nn.PhaseLinear.__name__: _handler(_linear),
    nn.PhaseConv2d.__name__: _handler(_conv),
    nn.PhaseMaxPool2d.__name__: _handler(_max_pool),
    nn.SumPool2d.__name__: _handler(_sum_pool),
    nn.SpikeValue.__name__: _handler(_spike_value),
    nn.ZeroPoint.__name__: _handler(_zero_point),
}
"""Names of torch classes, and the handlers of their layers."""

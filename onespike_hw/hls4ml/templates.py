"""The C++ that hls4ml writes for each layer: a struct of its numbers, and the call of its function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hls4ml.backends.fpga.fpga_types import APTypeConverter
from hls4ml.backends.template import FunctionCallTemplate, LayerConfigTemplate
from hls4ml.model.layers import Input

from onespike_hw.errors import ConversionError
from onespike_hw.hls4ml.layers import (
    LAYERS,
    OneSpike,
    PhaseConv2D,
    PhaseDense,
    PhaseMaxPooling2D,
    SpikeValue,
    SumPooling2D,
    ZeroPoint,
    precision_of,
)

_WINDOW = (
    "in_height",
    "in_width",
    "out_height",
    "out_width",
    "filt_height",
    "filt_width",
    "stride_height",
    "stride_width",
    "pad_height",
    "pad_width",
    "padding",
)
_SYNAPSES = ("n_in", "n_chan", "n_out", "groups", "n_weights", "n_potentials")
_PHASES = ("n_phases", "n_classes", "class_shift")


def _integer_type(low: int, high: int) -> str:
    return str(APTypeConverter().convert(precision_of(low, high)).definition_cpp())


def _numbers(node: Any, names: Iterable[str]) -> list[str]:
    return [f"static const unsigned {name} = {node.get_attr(name)};" for name in names]


def _table(name: str, argument: str, values: Sequence[int]) -> list[str]:
    """A function that looks up a constant, so that C++ of any standard can fold it."""
    of = _integer_type(min(values), max(values))
    listed = ", ".join(map(str, values))
    return [
        f"static {of} {name}(const unsigned {argument}) {{",
        f"    static const {of} values[{len(values)}] = {{{listed}}};",
        f"    return values[{argument}];",
        "}",
    ]


def _synapses(node: Any) -> list[str]:
    common = [
        *_numbers(node, _SYNAPSES),
        f"typedef {node.get_weights('synapse').type.name} weight_t;",
        f"typedef {node.get_weights('bias').type.name} bias_t;",
    ]
    if not node.get_attr("reads_codes"):
        return common
    low, high = node.get_attr("sum_range")
    shifts = (node.get_attr("n_phases") - 1) // node.get_attr("n_classes") * node.get_attr("class_shift")
    return [
        *common,
        *_numbers(node, _PHASES),
        f"typedef {_integer_type(min(low, -1), high)} sum_t;",
        f"typedef {_integer_type(min(low, -1) << shifts, high << shifts)} class_sum_t;",
        *_table("constant", "phase", node.get_attr("constants")),
    ]


def _conv(node: Any) -> list[str]:
    return [*_synapses(node), *_numbers(node, _WINDOW)]


def _pooling(node: Any) -> list[str]:
    return _numbers(node, ("n_chan", *_WINDOW))


def _one_spike(node: Any) -> list[str]:
    neurons = node.get_output_variable().size()
    return [
        f"static const unsigned n_neurons = {neurons};",
        *_numbers(node, ("n_chan", "n_phases", "n_potentials")),
        f"typedef {node.get_weights('ladder').type.name} ladder_t;",
    ]


def _spike_value(node: Any) -> list[str]:
    return [*_numbers(node, ("n_in", "n_chan", "n_phases")), *_table("constant", "phase", node.get_attr("constants"))]


def _zero_point(node: Any) -> list[str]:
    return [*_numbers(node, ("n_in", "n_chan")), *_table("zero_point", "channel", node.get_attr("zero_points"))]


@dataclass(frozen=True)
class _Cpp:
    """The C++ of a layer.

    config     lines of its struct of numbers
    function   in namespace onespike
    operation  what the function is made for, its first template argument; none where empty
    weights    what the function takes behind input and output
    """

    config: Callable[[Any], list[str]]
    function: str
    operation: str = ""
    weights: tuple[str, ...] = ()


_CPP: dict[str, _Cpp] = {
    OneSpike.__name__: _Cpp(_one_spike, "one_spike", weights=("ladder",)),
    PhaseDense.__name__: _Cpp(_synapses, "dense", "onespike::{reads}<{config}>", ("synapse", "bias")),
    PhaseConv2D.__name__: _Cpp(_conv, "conv_2d", "onespike::{reads}<{config}>", ("synapse", "bias")),
    PhaseMaxPooling2D.__name__: _Cpp(_pooling, "pool_2d", "onespike::earliest"),
    SumPooling2D.__name__: _Cpp(_pooling, "pool_2d", "onespike::sum"),
    SpikeValue.__name__: _Cpp(_spike_value, "each_value", "onespike::worth<{config}>"),
    ZeroPoint.__name__: _Cpp(_zero_point, "each_value", "onespike::difference<{config}>"),
}

_HEADERS = [f"nnet_utils/onespike_{name}.h" for name in ("dense", "neuron", "value", "window")]


class ConfigTemplate(LayerConfigTemplate):  # type: ignore[misc]
    """The struct of a layer's numbers; refuses what a layer cannot compute exactly, now that all types are known."""

    def __init__(self) -> None:
        super().__init__(LAYERS)

    def format(self, node: Any) -> str:
        _check_channels_last(node)
        _check_integers(node)
        body = "".join(f"    {line}\n" for line in _CPP[node.class_name].config(node))
        return f"struct config{node.index} {{\n{body}}};\n"


class CallTemplate(FunctionCallTemplate):  # type: ignore[misc]
    """The call of a layer's function."""

    def __init__(self) -> None:
        super().__init__(LAYERS, include_header=_HEADERS)

    def format(self, node: Any) -> str:
        cpp = _CPP[node.class_name]
        source, result, config = node.get_input_variable(), node.get_output_variable(), f"config{node.index}"
        reads = "spikes" if node.get_attr("reads_codes") else "integers"
        operation = [cpp.operation.format(reads=reads, config=config)] if cpp.operation else []
        types = ", ".join([*operation, source.type.name, result.type.name, config])
        arguments = ", ".join([source.name, result.name, *(node.get_weights(name).name for name in cpp.weights)])
        return f"onespike::{cpp.function}<{types}>({arguments});"


TEMPLATES = (ConfigTemplate, CallTemplate)


def _check_channels_last(node: Any) -> None:
    if len(node.get_output_variable().shape) > 1 and node.get_attr("data_format") != "channels_last":
        way_out = 'use config_from_pytorch_model(..., channels_last_conversion="full"), or "internal" with io_stream'
        raise ConversionError(f"{node.name}: its image is channels first; {way_out}")


def _check_integers(node: Any) -> None:
    """Integers of a layer of hls4ml must be whole and within what the layer's widths are made for."""
    source = node.source()
    if "input_range" not in node.attributes or isinstance(source, (Input, *LAYERS)):
        return
    low, high = node.get_attr("input_range")
    arrives = source.get_output_variable().type.precision
    least = -(1 << (arrives.integer - 1)) if arrives.signed else 0
    most = (1 << (arrives.integer - arrives.signed)) - 1
    if arrives.fractional > 0 or least < low or most > high:
        way_out = f"give {source.name} an integer precision and declare its range as Integers({least}, {most})"
        raise ConversionError(f"{node.name}: reads integers {low}..{high}, {source.name} gives {arrives}; {way_out}")

"""The C++ that hls4ml writes for each layer: a struct of its numbers, and the call of its function."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from hls4ml.backends.fpga.fpga_types import APTypeConverter
from hls4ml.backends.template import FunctionCallTemplate, LayerConfigTemplate
from hls4ml.model.layers import Input

from onespike_hw.errors import ConversionError
from onespike_hw.hls4ml.layers import (
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
_SYNAPSES = ("n_in", "n_chan", "n_out", "groups", "n_weights", "n_phases", "n_potentials", "n_classes", "class_shift")


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
    low, high = node.get_attr("sum_range")
    growth = node.get_attr("class_shift") * ((node.get_attr("n_phases") - 1) // node.get_attr("n_classes"))
    return [
        *_numbers(node, _SYNAPSES),
        f"typedef {node.get_weights('synapse').type.name} weight_t;",
        f"typedef {node.get_weights('bias').type.name} bias_t;",
        f"typedef {_integer_type(min(low, -1), high)} sum_t;",
        f"typedef {_integer_type(min(low, -1) << growth, high << growth)} class_sum_t;",
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


_CONFIGS = {
    OneSpike: _one_spike,
    PhaseDense: _synapses,
    PhaseConv2D: _conv,
    PhaseMaxPooling2D: _pooling,
    SumPooling2D: _pooling,
    SpikeValue: _spike_value,
    ZeroPoint: _zero_point,
}


_CALLS = {
    OneSpike: "onespike::one_spike<{input_t}, {output_t}, {config}>({input}, {output}, {ladder});",
    PhaseDense: "onespike::dense<{synapses}, {input_t}, {output_t}, {config}>({input}, {output}, {weights}, {biases});",
    PhaseConv2D: "onespike::conv_2d<{synapses}, {input_t}, {output_t}, {config}>({input}, {output}, {weights}, {biases});",
    PhaseMaxPooling2D: "onespike::pool_2d<onespike::earliest, {input_t}, {output_t}, {config}>({input}, {output});",
    SumPooling2D: "onespike::pool_2d<onespike::sum, {input_t}, {output_t}, {config}>({input}, {output});",
    SpikeValue: "onespike::each_value<onespike::worth<{config}>, {input_t}, {output_t}, {config}>({input}, {output});",
    ZeroPoint: "onespike::each_value<onespike::difference<{config}>, {input_t}, {output_t}, {config}>({input}, {output});",
}

_HEADERS = [f"nnet_utils/onespike_{name}.h" for name in ("dense", "neuron", "value", "window")]


def _of(table: dict[type, Any], node: Any) -> Any:
    """What a table says of a node; a node's class is one that the backend derived from the layer's."""
    return next(entry for layer, entry in table.items() if layer.__name__ == node.class_name)


class ConfigTemplate(LayerConfigTemplate):  # type: ignore[misc]
    """The struct of a layer's numbers; refuses what a layer cannot compute exactly, now that all types are known."""

    def __init__(self) -> None:
        super().__init__(tuple(_CONFIGS))

    def format(self, node: Any) -> str:
        _check_channels_last(node)
        _check_integers(node)
        body = "".join(f"    {line}\n" for line in _of(_CONFIGS, node)(node))
        return f"struct config{node.index} {{\n{body}}};\n"


class CallTemplate(FunctionCallTemplate):  # type: ignore[misc]
    """The call of a layer's function."""

    def __init__(self) -> None:
        super().__init__(tuple(_CALLS), include_header=_HEADERS)

    def format(self, node: Any) -> str:
        source, result = node.get_input_variable(), node.get_output_variable()
        names = {"synapse": "weights", "bias": "biases", "ladder": "ladder"}
        arguments = {argument: node.weights[name].name for name, argument in names.items() if name in node.weights}
        config = f"config{node.index}"
        synapses = f"onespike::{'spikes' if node.get_attr('reads_codes') else 'integers'}<{config}>"
        call: str = _of(_CALLS, node)
        return call.format(
            input=source.name,
            input_t=source.type.name,
            output=result.name,
            output_t=result.type.name,
            config=config,
            synapses=synapses,
            **arguments,
        )


TEMPLATES = (ConfigTemplate, CallTemplate)


def _check_channels_last(node: Any) -> None:
    if len(node.get_output_variable().shape) > 1 and node.get_attr("data_format") != "channels_last":
        way_out = 'use config_from_pytorch_model(..., channels_last_conversion="full"), or "internal" with io_stream'
        raise ConversionError(f"{node.name}: its image is channels first; {way_out}")


def _check_integers(node: Any) -> None:
    """Integers of a layer of hls4ml must be whole and within what the layer's widths are made for."""
    source = node.source()
    if "input_range" not in node.attributes or isinstance(source, (Input, *_CONFIGS)):
        return
    low, high = node.get_attr("input_range")
    arrives = source.get_output_variable().type.precision
    least = -(1 << (arrives.integer - 1)) if arrives.signed else 0
    most = (1 << (arrives.integer - arrives.signed)) - 1
    if arrives.fractional > 0 or least < low or most > high:
        way_out = f"give {source.name} an integer precision and declare its range as Integers({least}, {most})"
        raise ConversionError(f"{node.name}: reads integers {low}..{high}, {source.name} gives {arrives}; {way_out}")

"""The layers of the extension in hls4ml's model graph.

Every tensor that leaves them has a precision that follows from the data: phase codes or integers that cannot overflow.
What a configuration says about their precision is not used.
"""

from __future__ import annotations

from math import prod
from typing import Any

from hls4ml.backends.fpga.passes.clone import Clone
from hls4ml.model.layers import Input, Layer, Reshape, Transpose
from hls4ml.model.types import FixedPrecisionType, IntegerPrecisionType

from onespike_hw.errors import ConversionError


def precision_of(low: int, high: int) -> IntegerPrecisionType:
    """The narrowest integer type that holds low..high."""
    if low >= 0:
        return IntegerPrecisionType(width=max(1, high.bit_length()), signed=False)
    return IntegerPrecisionType(width=max(~low, high, 0).bit_length() + 1, signed=True)


class _Exact(Layer):  # type: ignore[misc]
    """A layer whose results are integers of its attribute `result_range`."""

    def initialize(self) -> None:
        self.check_source()
        self.add_output_variable(self.output_shape())

    def output_shape(self) -> list[int]:
        """Channels first, as in the torch model; hls4ml turns it with its own layers."""
        shape: list[int] = list(self.get_input_variable().shape)
        return shape

    def add_output_variable(self, shape: Any, *args: Any, **kwargs: Any) -> None:
        """hls4ml calls this again, without a precision, when it turns the graph to channels last."""
        kwargs["precision"] = precision_of(*self.get_attr("result_range"))
        super().add_output_variable(shape, *args, **kwargs)

    def source(self) -> Any:
        """The layer that computes what arrives; those that only reorder or copy are passed over."""
        node = self.get_input_node()
        while isinstance(node, (Clone, Reshape, Transpose)):
            node = node.get_input_node()
        return node

    def check_source(self) -> None:
        """Refuse what is not what the layer reads; give the model's input the precision that the layer reads."""
        source = self.source()
        if self.get_attr("reads_codes"):
            self._check_codes(source)
        elif isinstance(source, Input):
            source.get_output_variable().type.precision = precision_of(*self.get_attr("input_range"))

    def _check_codes(self, source: Any) -> None:
        wanted = self.get_attr("n_phases")
        if not isinstance(source, (OneSpike, PhaseMaxPooling2D)):
            way_out = "put a OneSpike in front; between codes, pool with PhaseMaxPool2d"
            what = "the model's input" if isinstance(source, Input) else f"{source.name}, a {source.class_name}"
            raise ConversionError(f"{self.name}: reads {what}, which gives no phase codes; {way_out}")
        if source.get_attr("n_phases") != wanted:
            what = f"codes of {wanted} phases, {source.name} gives {source.get_attr('n_phases')}"
            raise ConversionError(f"{self.name}: reads {what}; use the same number of timesteps")


class OneSpike(_Exact):
    def check_source(self) -> None:
        """Potentials may be numbers of any layer and of any precision."""

    def initialize(self) -> None:
        phases, fraction = self.get_attr("n_phases"), self.get_attr("fraction_bits")
        self.set_attr("result_range", (0, phases))
        super().initialize()
        ladder = self.get_attr("ladder_data")
        precision = precision_of(min(int(ladder.min()), -1), int(ladder.max()))
        if fraction:
            width = max(precision.width, fraction + 1)
            precision = FixedPrecisionType(width=width, integer=width - fraction, signed=True)
        data = ladder * 2.0**-fraction
        self.add_weights_variable(name="ladder", var_name="l{index}", precision=precision, data=data)

    def output_shape(self) -> list[int]:
        return [self.get_attr("n_chan"), *self.get_input_variable().shape[1:]]


class _Synapses(_Exact):
    """Weights and biases, and what the C++ needs to know of their sums."""

    def initialize(self) -> None:
        super().initialize()
        weights, biases = self.get_attr("weight_data"), self.get_attr("bias_data")
        self.set_attr("n_weights", len(weights))
        precision = IntegerPrecisionType(width=8, signed=True)
        self.add_weights_variable(name="synapse", var_name="w{index}", precision=precision, data=weights)
        precision = precision_of(min(int(biases.min()), -1), int(biases.max()))
        self.add_weights_variable(name="bias", var_name="b{index}", precision=precision, data=biases)


class PhaseDense(_Synapses):
    def output_shape(self) -> list[int]:
        return [self.get_attr("n_out") * self.get_attr("n_potentials")]


class PhaseConv2D(_Synapses):
    def output_shape(self) -> list[int]:
        channels = self.get_attr("n_out") * self.get_attr("n_potentials")
        return [channels, self.get_attr("out_height"), self.get_attr("out_width")]


class _Pooling(_Exact):
    def output_shape(self) -> list[int]:
        return [self.get_attr(name) for name in ("n_chan", "out_height", "out_width")]


class PhaseMaxPooling2D(_Pooling):
    pass


class SumPooling2D(_Pooling):
    pass


class _EachValue(_Exact):
    def initialize(self) -> None:
        super().initialize()
        self.set_attr("n_in", prod(self.get_input_variable().shape))


class SpikeValue(_EachValue):
    pass


class ZeroPoint(_EachValue):
    pass


LAYERS = (OneSpike, PhaseDense, PhaseConv2D, PhaseMaxPooling2D, SumPooling2D, SpikeValue, ZeroPoint)
"""The layers that register() adds to hls4ml, under the names of their classes."""

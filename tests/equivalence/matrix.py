"""The matrix: each kind of layer and odd shape, with each wait, and with bases, inputs and simulators in turn."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from itertools import cycle
from typing import Any

from onespike_hw.network import Network
from rtl_sim.tools import SIMULATORS
from tests.cases import CASES, Case
from tests.networks import Base, Root, Spec

TIMESTEPS = 6
WAITS = tuple(range(TIMESTEPS))
"""The last one is settled."""

SHAPES = (
    "conv_padded",
    "image_1x1",
    "one_channel",
    "stride_3",
    "kernel_7x5",
    "groups_2",
    "depthwise",
    "depthwise_multiplier_2",
    "avgpool_global",
    "avgpool_overlapping_padded",
    "maxpool_overlapping_padded",
    "mlp",
    "linear_many_inputs",
    "logits_are_images",
    "stride_over_kernel",
    "padding_over_kernel",
    "avgpool_2",
    "avgpool_of_input",
    "avgpool_of_average",
    "maxpool_2",
    "maxpool_then_avgpool",
    "flatten_of_vector",
    "single_layer",
    "single_conv",
    "dotted_names",
    "silent_layer",
)
"""Kinds of layers and shapes, as in tests/cases.py, whose own options do not count here."""

SMALL_SHAPES = SHAPES[:14]

BASES: dict[str, tuple[Base, ...]] = {
    "2": (Root(1, 1),),
    "2^1/2": (Root(1, 2),),
    "2^2/3": (Root(2, 3),),
    "2^1/4": (Root(1, 4),),
    "1.37": (1.37,),
    "per_layer": (Root(1, 1), 1.6, Root(2, 3)),
}
"""Of one base for the network, or of one after the other for its layers."""

INPUTS: dict[str, dict[str, Any]] = {
    "unsigned": {},
    "signed": {"input_signed": True},
    "unsigned_zero_100": {"zero_point": 100},
    "signed_zero_-37": {"input_signed": True, "zero_point": -37},
}


@dataclass(frozen=True)
class Row:
    """One comparison: choices of what stands above, and the simulator of its Verilog."""

    shape: str
    wait: int
    base: str
    inputs: str
    simulator: str

    def __str__(self) -> str:
        return f"{self.shape}-wait_{self.wait}-base_{self.base}-{self.inputs}-{self.simulator}"

    def build(self) -> Network:
        """The network of this row."""
        first, *others = BASES[self.base]
        case = CASES[self.shape]
        layers = _with_bases(case.layers, (first, *others)) if others else case.layers
        options = {"timesteps": TIMESTEPS, "wait": self.wait, "base": first, **INPUTS[self.inputs]}
        return Case(case.input_shape, layers, options)()


def _with_bases(layers: tuple[Spec, ...], bases: tuple[Base, ...]) -> tuple[Spec, ...]:
    """Every layer that fires gets a base of its own."""
    turn = cycle(bases)
    hidden = [dataclasses.replace(s, base=next(turn)) if s.kind in ("conv", "linear") else s for s in layers[:-1]]
    return (*hidden, layers[-1])


def _row(shape: int, wait: int) -> Row:
    bases, inputs = tuple(BASES), tuple(INPUTS)
    return Row(
        SHAPES[shape],
        wait,
        bases[(shape + wait) % len(bases)],
        inputs[(shape // 2 + wait) % len(inputs)],
        SIMULATORS[(shape // 4 + wait) % len(SIMULATORS)],
    )


LARGE = [_row(shape, wait) for shape in range(len(SHAPES)) for wait in WAITS]
"""Every shape with every wait."""

SMALL = [_row(shape, (shape + shape // TIMESTEPS) % TIMESTEPS) for shape in range(len(SMALL_SHAPES))]
"""Of the large one, each choice at least once."""

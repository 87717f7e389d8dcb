"""Joules of arithmetic, by the 45 nm figures of Horowitz, and the weights that are read, stated apart.

M. Horowitz, "Computing's energy problem (and what we can do about it)", ISSCC 2014, figure 1.1.9: 45 nm, 0.9 V.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onespike_hw.codegen.schedule import schedule
from onespike_hw.golden import Run
from onespike_hw.network import INPUT, Layer, Network
from onespike_hw.report.figures import multiplies

FLOAT32_MULTIPLY = 3.7
FLOAT32_ADD = 0.9
INT8_MULTIPLY = 0.2
INT32_MULTIPLY = 3.1
INT32_ADD = 0.1
"""Picojoules of one operation."""
SRAM_BYTE = 2.5
"""Picojoules for a byte out of 32 KB of SRAM: 20 for 64 bits."""

PAPER_RATIO = (4.59, 17.26)
"""The paper's range for a float32 ANN against its SNN."""


@dataclass(frozen=True)
class LayerEnergy:
    """Operations of one layer for an image, mean, and the picojoules of their arithmetic.

    multiplies      of the ANN
    sops            of the SNN; a neuron's constants, and a node's scales, are multiplied beside them: neuron_multiplies
    on_multipliers  the layer reads multi-bit values, and the accelerator multiplies there too
    """

    name: str
    multiplies: int
    sops: float
    neuron_multiplies: int
    on_multipliers: bool

    @property
    def ann_float32(self) -> float:
        return self.multiplies * (FLOAT32_MULTIPLY + FLOAT32_ADD)

    @property
    def ann_int8(self) -> float:
        return self.multiplies * (INT8_MULTIPLY + INT32_ADD)

    @property
    def snn_float32(self) -> float:
        """A float addition a SOP, and nothing else: how papers on spiking networks count."""
        return self.sops * FLOAT32_ADD

    @property
    def snn_int8(self) -> float:
        """As the accelerator does it: an addition a SOP, products where it reads multi-bit values, and the neurons."""
        synapses = self.ann_int8 if self.on_multipliers else self.sops * INT32_ADD
        return synapses + self.neuron_multiplies * (INT32_MULTIPLY + INT32_ADD)


@dataclass(frozen=True)
class Energy:
    """Of an image; microjoules."""

    layers: tuple[LayerEnergy, ...]

    @property
    def ann_float32(self) -> float:
        return sum(layer.ann_float32 for layer in self.layers) / 1e6

    @property
    def ann_int8(self) -> float:
        return sum(layer.ann_int8 for layer in self.layers) / 1e6

    @property
    def snn_float32(self) -> float:
        return sum(layer.snn_float32 for layer in self.layers) / 1e6

    @property
    def snn_int8(self) -> float:
        return sum(layer.snn_int8 for layer in self.layers) / 1e6

    @property
    def ann_weights(self) -> float:
        """Microjoules to read a weight of 8 bits for each multiply out of SRAM; four times that for float32."""
        return sum(layer.multiplies for layer in self.layers) * SRAM_BYTE / 1e6

    @property
    def snn_weights(self) -> float:
        """Microjoules to read a weight of 8 bits for each SOP, or multiply of the first layer, out of SRAM."""
        reads = sum(layer.multiplies if layer.on_multipliers else layer.sops for layer in self.layers)
        return reads * SRAM_BYTE / 1e6


def energy(net: Network, run: Run) -> Energy:
    """The energy of each layer with weights for the images of a golden run.

    The memory's share is left out of the joules of arithmetic, which is how the paper counts; ann_weights and
    snn_weights are what it would come to if no weight were used twice.
    """
    weighted = [layer for layer in net.layers if layer.weight is not None]
    return Energy(tuple(_layer(net, run, layer) for layer in weighted))


def _layer(net: Network, run: Run, layer: Layer) -> LayerEnergy:
    neurons = int(np.prod(layer.shape))
    first = net.constants_of(layer.inputs[0]) is None
    spikes_in = net.graph is not None and layer.inputs[0] == INPUT and net.input_bits == 1 and not net.input_signed
    constants = net.constants_of(layer.inputs[0])
    drains = 0
    if constants is not None:
        drains = schedule(constants, settled=net.settled or not layer.fires).classes
    scales = 2 if net.graph is not None else 0
    return LayerEnergy(
        name=layer.name,
        multiplies=multiplies(layer, net.graph),
        sops=float(run.sops[layer.name].mean()),
        neuron_multiplies=neurons * (drains + scales),
        on_multipliers=first and not spikes_in,
    )


def in_words(found: Energy) -> list[str]:
    """Lines of a summary."""
    low, high = PAPER_RATIO
    paper = found.ann_float32 / found.snn_float32 if found.snn_float32 else float("inf")
    built = found.ann_float32 / found.snn_int8
    dense = found.ann_int8 / found.snn_int8
    return [
        f"float32: ANN {_joules(found.ann_float32)}, SNN {_joules(found.snn_float32)}, "
        f"{paper:.1f} times less (the paper: {low} to {high})",
        f"INT8: ANN {_joules(found.ann_int8)}, SNN {_joules(found.snn_int8)}, {dense:.2f} times less; "
        f"{built:.0f} times less than the float32 ANN",
        f"apart: a weight out of SRAM for each operation, ANN {_joules(found.ann_weights)}, "
        f"SNN {_joules(found.snn_weights)}",
    ]


def _joules(micro: float) -> str:
    return f"{micro:.3g} uJ"

"""The network layer by layer: what was counted on some images, and how its values are coded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onespike_hw.codegen.verilog import describe
from onespike_hw.golden import Run
from onespike_hw.network import Float64, Int64, Layer, Network
from onespike_hw.report.figures import multiplies

WEIGHTS = np.arange(-128, 129)
"""Edges of the bins of INT8 weights: bin i holds the value i - 128."""


@dataclass(frozen=True)
class LayerFacts:
    """One layer; means over the images, None where a layer has no such thing.

    neurons     that fire
    spikes      per neuron, 0..1
    sops        synaptic operations an image
    multiplies  an image, of the same layer in a network that multiplies
    density     sops / multiplies; above 1 it can be behind the multi-bit input, whose trains have several spikes
    """

    name: str
    kind: str
    description: str
    shape: tuple[int, ...]
    neurons: int | None
    spikes: float | None
    sops: float | None
    multiplies: int | None
    density: float | None


@dataclass(frozen=True, eq=False)
class PhaseShares:
    """Share of a layer's neurons that fire in each phase: float64 [T + 1], the last one silent; sums to 1."""

    layer: str
    shares: Float64


@dataclass(frozen=True, eq=False)
class SpikeMaps:
    """One image on its way through a layer.

    image     what the network saw, 0..1: float64 [H, W] grey, or [H, W, 3]
    channels  of the layer
    counts    channels that spike in a phase at a pixel: int64 [T, H, W]
    """

    layer: str
    image: Float64
    channels: int
    counts: Int64

    @property
    def spikes(self) -> Int64:
        """Spikes in each phase: int64 [T]."""
        return np.asarray(self.counts.sum(axis=(1, 2)))


@dataclass(frozen=True, eq=False)
class CodingCurve:
    """How the layers of these names code an activation, in units of its full scale.

    levels      what a spike in phase k stands for, q_k / 2^F: float64 [T]
    thresholds  what the activation must reach to be sent in phase k, the median over the channels: float64 [T]
    """

    layers: tuple[str, ...]
    levels: Float64
    thresholds: Float64


@dataclass(frozen=True, eq=False)
class WeightCounts:
    """How often each INT8 weight occurs in a layer: int64 [256], the first one counts -128."""

    layer: str
    counts: Int64


def layer_facts(net: Network, run: Run) -> list[LayerFacts]:
    """Every layer, in the order of the data; flatten layers left out, as they do nothing."""
    return [_facts(net, layer, run) for layer in net.layers if layer.kind != "flatten"]


def _facts(net: Network, layer: Layer, run: Run) -> LayerFacts:
    neurons = int(np.prod(layer.shape)) if layer.fires else None
    sops = float(run.sops[layer.name].mean()) if layer.name in run.sops else None
    dense = multiplies(layer, net.graph) or None
    return LayerFacts(
        name=layer.name,
        kind=layer.kind,
        description=describe(layer),
        shape=layer.shape,
        neurons=neurons,
        spikes=None if neurons is None else float(run.spikes[layer.name].mean()) / neurons,
        sops=sops,
        multiplies=dense,
        density=None if sops is None or dense is None else sops / dense,
    )


def phase_shares(net: Network, run: Run) -> list[PhaseShares]:
    """Of every layer that fires. The run must hold codes."""
    return [_shares(layer.name, run.codes[layer.name], net.timesteps) for layer in net.layers if layer.fires]


def _shares(name: str, codes: NDArray[np.uint8], timesteps: int) -> PhaseShares:
    return PhaseShares(name, np.bincount(codes.ravel(), minlength=timesteps + 1) / codes.size)


def spike_maps(net: Network, run: Run, integers: Int64) -> SpikeMaps | None:
    """The first image in the first convolution that fires; None where there is none.

    integers  the input integers of the run's images
    """
    layer = next((layer for layer in net.layers if layer.kind == "conv" and layer.fires), None)
    if layer is None:
        return None
    codes = run.codes[layer.name][0]
    counts = np.stack([(codes == phase).sum(axis=0) for phase in range(net.timesteps)])
    return SpikeMaps(layer.name, _visible(net, integers[0]), layer.shape[0], counts)


def _visible(net: Network, integers: Int64) -> Float64:
    """[C, H, W] as something to look at: colours where there are three channels, else their mean in grey."""
    low, high = net.input_range
    values = (integers - low) / (high - low)
    return np.moveaxis(values, 0, -1) if len(values) == 3 else values.mean(axis=0)


def coding_curves(net: Network) -> list[CodingCurve]:
    """One curve for all layers that code alike, to within a thousandth of the full scale."""
    curves: dict[bytes, list[CodingCurve]] = {}
    for layer in net.layers:
        if layer.fires:
            curve = CodingCurve((layer.name,), _levels(net, layer), _thresholds(layer))
            key = np.rint(1000 * np.concatenate([curve.levels, curve.thresholds])).tobytes()
            curves.setdefault(key, []).append(curve)
    return [
        CodingCurve(tuple(curve.layers[0] for curve in alike), alike[0].levels, alike[0].thresholds)
        for alike in curves.values()
    ]


def _levels(net: Network, layer: Layer) -> Float64:
    constants = net.constants_of(layer.name)
    assert constants is not None
    return constants / 2.0**net.fraction_bits


def _thresholds(layer: Layer) -> Float64:
    assert layer.ladder is not None
    assert layer.scale is not None
    assert layer.full_scale is not None
    return np.asarray(np.median(layer.ladder * (layer.scale / layer.full_scale)[:, np.newaxis], axis=0))


def weight_counts(net: Network) -> list[WeightCounts]:
    """Of every layer with weights."""
    weighted = [(layer.name, layer.weight) for layer in net.layers if layer.weight is not None]
    return [WeightCounts(name, np.histogram(weight, WEIGHTS)[0]) for name, weight in weighted]

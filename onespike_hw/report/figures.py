"""What is counted and told: accuracy, spikes, operations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onespike_hw.golden import Run
from onespike_hw.graph import Graph
from onespike_hw.network import Layer, Network

Int64 = NDArray[np.int64]


@dataclass(frozen=True)
class Figures:
    """What a network did on some images.

    images             how many
    accuracy           share of right predictions, 0..1; None where there are no labels
    spikes_per_neuron  mean, 0..1
    sops               synaptic operations an image, mean; those of identity shortcuts included
    multiplies         that the same network takes an image when it multiplies
    densities          layer -> share of its multiplies that became synaptic operations
    """

    images: int
    accuracy: float | None
    spikes_per_neuron: float
    sops: float
    multiplies: int
    densities: dict[str, float]


def accuracy(predictions: Int64, labels: Int64 | None) -> float | None:
    """Share of right predictions, of those whose label is not negative; None where there are no labels."""
    if labels is None:
        return None
    judged = labels >= 0
    return float(np.mean(predictions[judged] == labels[judged]))


def multiplies(layer: Layer, graph: Graph | None = None) -> int:
    """Multiplications an image of a layer with weights, those with padding included; 0 for another layer.

    graph  of the network, if any: each of its edges is a multiplication a channel
    """
    if layer.weight is None:
        return 0
    positions = int(np.prod(layer.shape[1:]))
    edges = 0 if graph is None else graph.edges
    return layer.weight.size * positions + edges * layer.shape[0]


def count(net: Network, run: Run, labels: Int64 | None) -> Figures:
    """The figures of a golden run."""
    images = len(run.logits)
    neurons = sum(int(np.prod(layer.shape)) for layer in net.layers if layer.fires)
    spikes = sum(int(counts.sum()) for counts in run.spikes.values())
    dense = {layer.name: multiplies(layer, net.graph) for layer in net.layers if layer.weight is not None}
    sops = {name: float(counts.mean()) for name, counts in run.sops.items()}
    return Figures(
        images=images,
        accuracy=accuracy(run.predictions, labels),
        spikes_per_neuron=spikes / (neurons * images) if neurons else 0.0,
        sops=sum(sops.values()),
        multiplies=sum(dense.values()),
        densities={name: min(1.0, sops[name] / dense[name]) for name in dense},
    )


def describe(net: Network) -> str:
    """T, Q and wait in words."""
    own = any(layer.phase_constants is not None for layer in net.layers)
    base = "one a layer" if own else f"{net.base:.6g}"
    return f"T = {net.timesteps}, Q = {base}, {'settled' if net.settled else f'wait {net.wait}'}"

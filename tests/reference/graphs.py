"""A graphconv layer, written from docs/contract.md alone: one spike, one edge and one neuron at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onespike_hw.graph import Graph
from onespike_hw.network import Layer

Position = tuple[int, int]
"""(channel, node)."""


@dataclass(frozen=True)
class Answer:
    """What a graphconv layer ends the period with.

    potentials  of each neuron
    phases      for each neuron, the phase in which it fires, or none
    operations  synaptic operations
    """

    potentials: dict[Position, int]
    phases: dict[Position, list[int]]
    operations: int


def respond(
    layer: Layer,
    graph: Graph,
    spikes: dict[Position, list[int]],
    charges: list[int],
    arrival_order: np.random.Generator | None,
) -> Answer:
    """Run one layer.

    spikes   for each value that the layer reads, the phases in which it spikes
    charges  what a spike stands for, by phase
    """
    operations = 0
    inputs = range(layer.weight.shape[1])
    sent: list[list[int]] = []
    for node in range(graph.nodes):
        arriving = [(channel, phase) for channel in inputs for phase in spikes[channel, node]]
        _shuffle(arriving, arrival_order)
        z = [0] * layer.shape[0]
        for channel, phase in arriving:
            for neuron in range(layer.shape[0]):
                z[neuron] += int(layer.weight[neuron, channel]) * charges[phase]
                operations += 1
        sent.append([_rounded(int(graph.source_scale[node]) * value, layer.shift) for value in z])
    potentials: dict[Position, int] = {}
    phases: dict[Position, list[int]] = {}
    for node in range(graph.nodes):
        edges = list(range(int(graph.row_start[node]), int(graph.row_start[node + 1])))
        _shuffle(edges, arrival_order)
        a = [0] * layer.shape[0]
        for edge in edges:
            weight = 1 if graph.edge_weight is None else int(graph.edge_weight[edge])
            for neuron in range(layer.shape[0]):
                a[neuron] += weight * sent[int(graph.column[edge])][neuron]
                operations += 1
        for neuron in range(layer.shape[0]):
            potential = int(layer.bias[neuron]) + int(graph.target_scale[node]) * a[neuron]
            potentials[neuron, node] = potential
            phases[neuron, node] = _first_reached(potential, layer.ladder[neuron].tolist()) if layer.fires else []
    return Answer(potentials, phases, operations)


def _rounded(product: int, shift: int) -> int:
    """Half a step added, then cut off towards minus infinity."""
    return product if shift == 0 else (product + 2 ** (shift - 1)) // 2**shift


def _first_reached(potential: int, ladder: list[int]) -> list[int]:
    for phase, threshold in enumerate(ladder):
        if potential >= threshold:
            return [phase]
    return []


def _shuffle(items: list, order: np.random.Generator | None) -> None:
    if order is not None:
        order.shuffle(items)

"""Small graphs, each with something of its own; random numbers, where there are any, come from `rng`."""

from __future__ import annotations

import numpy as np

from onespike_hw.graph import Graph, from_edges
from onespike_hw.network import Int64

SCALE_BITS = 14


def symmetric(nodes: int, source: list[int] | Int64, target: list[int] | Int64) -> Graph:
    """These edges and a self loop for each node, with the integer scales of symmetric normalisation."""
    loops = np.arange(nodes)
    sources, targets = np.append(source, loops).astype(np.int64), np.append(target, loops).astype(np.int64)
    degrees = np.bincount(targets, minlength=nodes)
    scale = np.rint(2.0**SCALE_BITS * degrees**-0.5).astype(np.int64)
    return from_edges(nodes, sources, targets, None, scale, scale)


def ring(rng: np.random.Generator) -> Graph:
    """Seven nodes in a circle, both ways."""
    around = np.arange(7)
    return symmetric(7, np.append(around, (around + 1) % 7), np.append((around + 1) % 7, around))


def single_node(rng: np.random.Generator) -> Graph:
    """One node with a self loop."""
    return symmetric(1, [], [])


def pair_of_nodes(rng: np.random.Generator) -> Graph:
    """Node 1 sends to node 0; there is no self loop, so nothing goes into node 1."""
    return from_edges(2, [1], [0])


def edgeless(rng: np.random.Generator) -> Graph:
    """Four nodes and no edge at all."""
    return from_edges(4, [], [])


def directed(rng: np.random.Generator) -> Graph:
    """Twelve nodes with random directed edges; nothing goes into nodes 3 and 11, and nothing comes from node 4."""
    nodes = 12
    pairs = np.argwhere(rng.random((nodes, nodes)) < 0.3)
    kept = (pairs[:, 0] != 4) & (pairs[:, 1] != 3) & (pairs[:, 1] != 11)
    source, target = pairs[kept].T
    scales = rng.integers(0, 1 << 15, (2, nodes))
    return from_edges(nodes, source, target, None, *scales)


def weighted(rng: np.random.Generator) -> Graph:
    """Nine nodes; edge weights of both signs, the extremes of 16 bits and 0 among them; no normalisation."""
    nodes = 9
    source, target = np.argwhere(rng.random((nodes, nodes)) < 0.4).T
    weights = rng.integers(-(1 << 15), 1 << 15, len(source))
    weights[:3] = -(1 << 15), (1 << 15) - 1, 0
    return from_edges(nodes, source, target, weights)


def hub(rng: np.random.Generator) -> Graph:
    """130 nodes: all of them send to node 0, and 110 receive from it."""
    leaves = np.arange(1, 130)
    some = leaves[:110]
    source, target = np.append(leaves, np.zeros_like(some)), np.append(np.zeros_like(leaves), some)
    return symmetric(130, source, target)

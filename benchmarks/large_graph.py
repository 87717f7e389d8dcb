"""The golden model on a large graph: time and memory.

    python -m benchmarks.large_graph                            1,000,000 nodes, 10,000,000 edges, width 64
    python -m benchmarks.large_graph --nodes 100000 --edges 1000000

A random graph with self loops, symmetrically normalised, under a GCN of three layers, 64 -> 64 -> 64 -> 16, converted
on a small graph of the same degree. Memory is the peak of the whole process, making the graph included.
"""

from __future__ import annotations

import argparse
import dataclasses
import resource
import time
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import nn

import onespike_hw as oh
from onespike_hw.convert.adjacency import Adjacency, adjacency, as_integers
from onespike_hw.network import Network

WIDTH, CLASSES = 64, 16
SMALL = 2000
"""Nodes of the graph that the network is converted on."""


@dataclass(frozen=True)
class Result:
    """nodes, edges with self loops; seconds of one golden run; gigabytes: peak of the process; its operations."""

    nodes: int
    edges: int
    seconds: float
    gigabytes: float
    sops: int


def random_edges(nodes: int, edges: int, seed: int) -> Adjacency:
    """Undirected edges, both ways: about that many, self loops included."""
    drawn = np.random.default_rng(seed).integers(0, nodes, (2, (edges - nodes) // 2))
    one, other = drawn[:, drawn[0] != drawn[1]]
    both = np.concatenate([one * nodes + other, other * nodes + one])
    source, target = np.divmod(np.unique(both), nodes)
    return adjacency(nodes, source, target)


def over(net: Network, edges: Adjacency) -> Network:
    """The same network over another graph."""
    nodes = edges.nodes
    layers = tuple(dataclasses.replace(layer, shape=(layer.shape[0], nodes)) for layer in net.layers)
    graph = as_integers(edges).graph
    return dataclasses.replace(net, input_shape=(net.input_shape[0], nodes), layers=layers, graph=graph)


def converted(degree: float) -> Network:
    """A network of random weights, converted on a small graph of that degree."""
    torch.manual_seed(1)
    edges = random_edges(SMALL, round(SMALL * degree), seed=1)
    sizes = (WIDTH, WIDTH, WIDTH, CLASSES)
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        layers += [oh.nn.GraphConv(inputs, outputs, edges), nn.ReLU()]
    return oh.convert(nn.Sequential(*layers[:-1]).eval(), torch.rand(SMALL, WIDTH), base="root")


def measure(nodes: int, edges: int) -> Result:
    large = random_edges(nodes, edges, seed=2)
    net = over(converted(edges / nodes), large)
    features = np.random.default_rng(3).integers(0, 256, (nodes, WIDTH), dtype=np.uint8)
    start = time.perf_counter()
    run = oh.golden.run(net, features)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    return Result(nodes, large.graph.edges, seconds, peak, int(sum(counts[0] for counts in run.sops.values())))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=1_000_000)
    parser.add_argument("--edges", type=int, default=10_000_000, help="both ways counted, with self loops")
    arguments = parser.parse_args()
    result = measure(arguments.nodes, arguments.edges)
    print(f"{result.nodes:,} nodes, {result.edges:,} edges: {result.seconds:.1f} s, {result.gigabytes:.2f} GB at most,")
    print(f"{result.sops:,} synaptic operations, {result.sops / result.seconds / 1e6:,.0f} million a second")


if __name__ == "__main__":
    main()

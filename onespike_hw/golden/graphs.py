"""Networks over graphs (docs/contract.md, "graphconv"): a product for each node, then a sparse sum over its edges.

Everything is done for a few nodes at a time, so that a layer of many nodes takes little more memory than what its
nodes send. scipy adds the rows of a sparse matrix in integers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from onespike_hw.errors import NetworkError
from onespike_hw.golden import neurons, synapses
from onespike_hw.golden.inputs import quantize_images
from onespike_hw.golden.signals import PhaseCodes
from onespike_hw.golden.synapses import INT32, INT64, INT64_LIMIT, Synapses
from onespike_hw.graph import Graph
from onespike_hw.network import INPUT, Int64, Layer, Network

Array = NDArray[Any]
INT32_LIMIT = 1 << 31

NODES_AT_ONCE = 1 << 14


@dataclass(frozen=True)
class Convolution:
    """A graphconv layer, ready to run.

    synapses   its weights
    sum_dtype  type that holds what nodes send, u, and all sums of it, partial ones included
    edges      [N, N]: row i adds up what the edges into node i bring; of type sum_dtype
    """

    layer: Layer
    graph: Graph
    synapses: Synapses
    sum_dtype: np.dtype[Any]
    edges: csr_array


@dataclass(frozen=True)
class Answer:
    """What one layer made of the features of all nodes.

    codes       uint8 [C, N]; None where the layer does not fire
    operations  synaptic operations
    """

    codes: PhaseCodes | None
    operations: int


@dataclass(frozen=True)
class Reading:
    """What a layer reads of a few nodes.

    values  [C_in, n], in the type of the layer's synapses
    spikes  of all these values
    """

    values: Array
    spikes: int


Read = Callable[[slice, "np.dtype[Any]"], Reading]
"""From nodes, and a type, to what they hold."""


def build(net: Network, layer: Layer) -> Convolution:
    """Prepare a graphconv layer; NetworkError where a potential could leave 64 bits."""
    assert net.graph is not None
    graph = net.graph
    weights = synapses.build(net, layer)
    largest = max(weights.highest, -weights.lowest) * int(graph.source_scale.max())
    if largest + (1 << layer.shift) >= INT64_LIMIT:
        raise NetworkError(f"{layer.name}: what a node sends could exceed 64 bits; use fewer fraction bits")
    largest = (largest >> layer.shift) + 1
    counted = _edge_sums(graph)
    reach = largest * int((counted * graph.target_scale).max())
    synapses.check_potential(layer, -reach, reach)
    dtype = INT32 if largest * max(1, int(counted.max())) < INT32_LIMIT else INT64
    return Convolution(layer, graph, weights, dtype, _matrix(graph, dtype))


def _edge_sums(graph: Graph) -> Int64:
    """Sum of the absolute edge weights into each node, int64 (N,)."""
    if graph.edge_weight is None:
        return graph.degrees
    before = np.append(0, np.cumsum(np.abs(graph.edge_weight)))
    return np.asarray(np.diff(before[graph.row_start]), np.int64)


def _matrix(graph: Graph, dtype: np.dtype[Any]) -> csr_array:
    weights = np.ones(graph.edges, dtype) if graph.edge_weight is None else graph.edge_weight.astype(dtype)
    indices = np.int32 if max(graph.edges, graph.nodes) < INT32_LIMIT else np.int64
    places = graph.column.astype(indices), graph.row_start.astype(indices)
    return csr_array((weights, *places), shape=(graph.nodes, graph.nodes))


def sent(convolution: Convolution, read: Read) -> tuple[Array, int]:
    """What each node sends along its edges, u: [N, C] of type sum_dtype; and the spikes that all nodes read."""
    layer, graph = convolution.layer, convolution.graph
    u = np.empty((graph.nodes, layer.shape[0]), convolution.sum_dtype)
    spikes = 0
    half = (1 << layer.shift) >> 1
    for nodes in _parts(graph.nodes):
        reading = read(nodes, convolution.synapses.dtype)
        z = convolution.synapses.sums([reading.values[np.newaxis]]).astype(np.int64)
        u[nodes] = ((graph.source_scale[nodes] * z + half) >> layer.shift).T
        spikes += reading.spikes
    return u, spikes


def potentials(convolution: Convolution, u: Array) -> Iterator[tuple[slice, Int64]]:
    """V of a few nodes after the other: int64 [n, C]."""
    layer, graph = convolution.layer, convolution.graph
    assert layer.bias is not None
    for nodes in _parts(graph.nodes):
        added = (convolution.edges[nodes] @ u).astype(np.int64)
        yield nodes, layer.bias + graph.target_scale[nodes, np.newaxis] * added


def _parts(nodes: int) -> Iterator[slice]:
    return (slice(first, min(first + NODES_AT_ONCE, nodes)) for first in range(0, nodes, NODES_AT_ONCE))


def respond(convolution: Convolution, read: Read, keep: Callable[[slice, Int64], None]) -> Answer:
    """Run one layer. keep: takes nodes and their potentials, int64 [n, C]."""
    layer, graph = convolution.layer, convolution.graph
    u, spikes = sent(convolution, read)
    codes = np.empty(layer.shape, np.uint8) if layer.ladder is not None else None
    for nodes, v in potentials(convolution, u):
        keep(nodes, v)
        if codes is not None:
            assert layer.ladder is not None
            codes[:, nodes] = neurons.settled_codes(v.T, layer.ladder)
    return Answer(codes, layer.shape[0] * (spikes + graph.edges))


def reads_input(net: Network, batch: Array, index: int) -> Read:
    """Reads the features [N, C] of one item of a checked batch [B, N, C]."""
    mask = (1 << (net.input_bits + 1)) - 1

    def read(nodes: slice, dtype: np.dtype[Any]) -> Reading:
        part = batch[index : index + 1, nodes]
        d = quantize_images(net, part, (index, nodes.start))[0] - net.input_zero_point
        return Reading(d.T.astype(dtype), int(np.bitwise_count(d & mask).sum()))

    return read


def reads_codes(codes: PhaseCodes, constants: Int64) -> Read:
    """Reads codes [C, N]; constants: int64 (T,)."""
    worth = np.append(constants, 0)

    def read(nodes: slice, dtype: np.dtype[Any]) -> Reading:
        part = codes[:, nodes]
        return Reading(worth.astype(dtype).take(part), int((part < len(constants)).sum()))

    return read


def prepare(net: Network) -> list[Convolution]:
    """Every layer, ready to run."""
    return [build(net, layer) for layer in net.layers]


def run_item(
    net: Network, prepared: list[Convolution], batch: Array, index: int, keep: Callable[[Layer, slice, Int64], None]
) -> Iterator[tuple[Layer, Answer]]:
    """What each layer makes of the features of one item of a checked batch [B, N, C], in their order.

    keep: takes a layer, nodes, and their potentials, int64 [n, C]
    """
    reads = {INPUT: reads_input(net, batch, index)}
    for convolution in prepared:
        layer = convolution.layer

        def keep_own(nodes: slice, v: Int64, layer: Layer = layer) -> None:
            keep(layer, nodes, v)

        answer = respond(convolution, reads[layer.inputs[0]], keep_own)
        if answer.codes is not None:
            constants = net.constants_of(layer.name)
            assert constants is not None
            reads = {layer.name: reads_codes(answer.codes, constants)}
        yield layer, answer

"""Networks over graphs in the conversion: one graph for all layers, and what a node sends along its edges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from onespike_hw.convert.adjacency import Adjacency, as_integers
from onespike_hw.convert.graph_conv import GraphConv
from onespike_hw.convert.inputs import InputCode
from onespike_hw.convert.layers import FloatLayer
from onespike_hw.errors import ConversionError
from onespike_hw.graph import Graph

Interval = tuple[int, int]


def is_graph_model(model: nn.Module) -> bool:
    """True for a module whose input is the features of all nodes, [nodes, C]."""
    return any(isinstance(module, GraphConv) for module in model.modules())


def as_one_image(features: Tensor) -> Tensor:
    """[nodes, C], as a GCN takes it, to [1, C, nodes], as layers do here."""
    return features.T[None]


def shared_edges(chain: Sequence[FloatLayer]) -> Adjacency | None:
    """The adjacency of all layers of a folded chain; None where it has none.

    Raises ConversionError where layers have different ones, or not all of them are graph convolutions.
    """
    over_edges = [layer for layer in chain if layer.edges is not None]
    if not over_edges:
        return None
    first = over_edges[0]
    assert first.edges is not None
    for layer in chain:
        if layer.edges is None:
            what = f"a {layer.kind} layer between graph convolutions cannot be folded into one"
            raise ConversionError(f"{layer.name}: {what}; leave its ReLU out, or make it a GraphConv")
        if not layer.edges.same_as(first.edges):
            what = f"its graph ({_sizes(layer.edges)}) differs from that of {first.name} ({_sizes(first.edges)})"
            raise ConversionError(f"{layer.name}: {what}; give all layers one adjacency")
    return first.edges


def _sizes(edges: Adjacency) -> str:
    return f"{edges.nodes} nodes, {edges.graph.edges} edges"


def with_integer_zero(code: InputCode) -> InputCode:
    """The code moved by at most half an input step, so that 0 has an integer: a node's remainder would be added up
    over its edges, and no bias could make up for it. Values at the very end of the range may be clipped by that half.
    """
    return replace(code, offset=code.offset + (code.zero_point - code.zero))


@dataclass(frozen=True, eq=False)
class Unit:
    """What integers a layer over a graph computes with.

    shift  r: what a node sends is rounded to multiples of 2^r
    bits   its potential is 2^bits times what it would be with the real edges
    """

    shift: int
    bits: int


@dataclass(frozen=True, eq=False)
class GraphPlan:
    """The integer graph of a network, and the units of its layers by name."""

    graph: Graph
    units: Mapping[str, Unit]


def plan_graph(
    edges: Adjacency, weights: Mapping[str, NDArray[np.signedinteger]], reads: Mapping[str, Interval], node_bits: int
) -> GraphPlan:
    """Scales of nodes as long as they may be, and the smallest shifts with which what nodes send has node_bits.

    weights    integer weights of each layer, (C_out, C_in)
    reads      least and greatest value that each layer reads, 0 included
    node_bits  width of what a node sends, two's complement, for every input that there may be
    """
    integers = as_integers(edges)
    largest = int(integers.graph.source_scale.max())
    units = {}
    for name, weight in weights.items():
        shift = _shift(_reach(weight, *reads[name]), largest, node_bits)
        units[name] = Unit(shift, integers.bits - shift)
    return GraphPlan(integers.graph, units)


def _reach(weight: NDArray[np.signedinteger], low: int, high: int) -> Interval:
    """Least and greatest sum of weights times values in low..high."""
    positive = np.maximum(weight, 0).sum(axis=1, dtype=np.int64)
    negative = np.minimum(weight, 0).sum(axis=1, dtype=np.int64)
    return int((low * positive + high * negative).min()), int((high * positive + low * negative).max())


def _shift(sums: Interval, scale: int, bits: int) -> int:
    """The smallest shift with which sums in that interval, times the scale, fit."""
    shift = 0
    bound = 1 << (bits - 1)
    while not all(-bound <= sent(value * scale, shift) < bound for value in sums):
        shift += 1
    return shift


def sent(product: int, shift: int) -> int:
    """A product rounded to a multiple of 2^shift, in units of it (docs/contract.md, "graphconv")."""
    return (product + ((1 << shift) >> 1)) >> shift

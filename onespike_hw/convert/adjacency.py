"""The edges of a graph as a GCN uses them: real weights, normalised; and the integers that stand for them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from onespike_hw.errors import ConversionError, NetworkError
from onespike_hw.graph import EDGE_WEIGHT_BITS, LARGEST_NODE_SCALE, Graph, from_edges

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

NORMALIZATIONS = ("symmetric", "row", None)
_LARGEST_EDGE_WEIGHT = (1 << (EDGE_WEIGHT_BITS - 1)) - 1


@dataclass(frozen=True, eq=False)
class Adjacency:
    """Edges in rows of the node that takes; edge e into node i counts target[i] * weight[e] * source[column[e]].

    graph    structure alone, self loops included; scales 1, no edge weights
    weight   float64 (E,)
    source   float64 (N,), >= 0: factor of the node that sends
    target   float64 (N,), >= 0: of the node that takes
    """

    graph: Graph
    weight: Float64
    source: Float64
    target: Float64

    @property
    def nodes(self) -> int:
        return self.graph.nodes

    @cached_property
    def _double(self) -> Tensor:
        into = np.repeat(np.arange(self.nodes), self.graph.degrees)
        values = self.target[into] * self.weight * self.source[self.graph.column]
        places = torch.from_numpy(np.stack([into, self.graph.column]))
        size = (self.nodes, self.nodes)
        return torch.sparse_coo_tensor(
            places, torch.from_numpy(values), size, is_coalesced=True, check_invariants=False
        )

    @cached_property
    def _single(self) -> Tensor:
        return self._double.float()

    def spread(self, values: Tensor) -> Tensor:
        """What each node gets of what all send: [..., nodes, C] to the same shape and type."""
        matrix = (self._double if values.dtype == torch.float64 else self._single).to(values.device)
        columns = values.movedim(-2, 0).flatten(1)
        spread: Tensor = torch.sparse.mm(matrix, columns)
        return spread.reshape(self.nodes, *values.shape[:-2], values.shape[-1]).movedim(0, -2)

    def same_as(self, other: Adjacency) -> bool:
        """True where both have the same edges and normalisation."""
        pairs = [
            (self.graph.row_start, other.graph.row_start),
            (self.graph.column, other.graph.column),
            (self.weight, other.weight),
            (self.source, other.source),
            (self.target, other.target),
        ]
        return self is other or all(np.array_equal(mine, theirs) for mine, theirs in pairs)


def adjacency(
    nodes: int,
    source: ArrayLike | Tensor,
    target: ArrayLike | Tensor,
    *,
    edge_weight: ArrayLike | Tensor | None = None,
    normalize: str | None = "symmetric",
    self_loops: bool = True,
) -> Adjacency:
    """The adjacency of directed edges, for GraphConv.

    nodes           N
    source, target  integers (E,): the nodes that each edge comes from and goes into; for an undirected graph give each
                    edge both ways
    edge_weight     real, finite (E,); None: every edge counts once
    normalize       "symmetric": d_i^-1/2 d_j^-1/2, "row": d_i^-1, or None; d: sum of the weights of the edges into a
                    node, self loops included (a node where it is 0 gets and sends nothing, as in torch_geometric)
    self_loops      add an edge of weight 1 from each node to itself, where it has none

    Raises ConversionError where an edge names a node that does not exist or is there twice, or a weight is no number.
    """
    if normalize not in NORMALIZATIONS:
        raise ConversionError(f'graph: normalize={normalize!r} is unknown; use "symmetric", "row" or None')
    sources, targets = _integers("source", source), _integers("target", target)
    weights = np.ones(len(sources)) if edge_weight is None else _array(edge_weight).astype(np.float64)
    if weights.shape != sources.shape:
        raise ConversionError(f"graph: {weights.size} edge weights for {sources.size} edges; give one an edge")
    if not np.isfinite(weights).all():
        edge = int(np.flatnonzero(~np.isfinite(weights))[0])
        what = f"edge {edge}, from node {sources[edge]} into node {targets[edge]}, has the weight {weights[edge]}"
        raise ConversionError(f"graph: {what}; give finite weights")
    if self_loops:
        missing = np.setdiff1d(np.arange(nodes), sources[sources == targets])
        sources, targets = np.append(sources, missing), np.append(targets, missing)
        weights = np.append(weights, np.ones(len(missing)))
    try:
        graph = from_edges(nodes, sources, targets)
    except NetworkError as error:
        raise ConversionError(str(error)) from error
    ordered = weights[np.lexsort((sources, targets))]
    ones = np.ones(nodes)
    if normalize is None:
        return Adjacency(graph, ordered, ones, ones)
    degree = np.bincount(targets, weights, minlength=nodes)
    if (degree < 0).any():
        node = int(np.flatnonzero(degree < 0)[0])
        what = f"the edges into node {node} add up to {degree[node]:g}, below 0"
        raise ConversionError(f'graph: {what}, which normalize="{normalize}" cannot take; use normalize=None')
    power = -0.5 if normalize == "symmetric" else -1.0
    factor = np.where(degree > 0, np.where(degree > 0, degree, 1.0) ** power, 0.0)
    return Adjacency(graph, ordered, factor if normalize == "symmetric" else ones, factor)


def from_matrix(matrix: Any, *, normalize: str | None = "symmetric", self_loops: bool = True) -> Adjacency:
    """The adjacency of a matrix [N, N], dense (numpy or torch), or sparse (scipy or torch): entry [i, j] is the weight
    of the edge from j into i; 0 is no edge. Raises ConversionError where it is not square, and as `adjacency` does.
    """
    if isinstance(matrix, Tensor):
        matrix = matrix.detach().cpu()
        matrix = matrix.to_dense().numpy() if matrix.layout == torch.strided else _coo_of(matrix)
    if len(matrix.shape) != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ConversionError(f"graph: an adjacency of shape {tuple(matrix.shape)}; it must be [nodes, nodes]")
    from scipy.sparse import coo_array

    entries = coo_array(matrix)
    entries.sum_duplicates()
    into, sent = entries.coords
    return adjacency(matrix.shape[0], sent, into, edge_weight=entries.data, normalize=normalize, self_loops=self_loops)


def _coo_of(matrix: Tensor) -> Any:
    from scipy.sparse import coo_array

    entries = matrix.to_sparse().coalesce()
    return coo_array((entries.values().numpy(), tuple(entries.indices().numpy())), shape=tuple(matrix.shape))


@dataclass(frozen=True)
class IntegerGraph:
    """graph: with integer scales and edge weights; what it adds up is 2^bits times what the adjacency does."""

    graph: Graph
    bits: int


def as_integers(edges: Adjacency) -> IntegerGraph:
    """Scales of up to 15 bits, edge weights of up to 16, each family with the largest power of two that it can hold.

    A family of ones stays ones, and weights that are integers stay as they are.
    """
    source_bits = _bits_of(edges.source, LARGEST_NODE_SCALE)
    target_bits = _bits_of(edges.target, LARGEST_NODE_SCALE)
    weight_bits = _bits_of(edges.weight, _LARGEST_EDGE_WEIGHT)
    plain = bool((edges.weight == 1).all())
    structure = edges.graph
    graph = Graph(
        nodes=structure.nodes,
        row_start=structure.row_start,
        column=structure.column,
        edge_weight=None if plain else _scaled(edges.weight, weight_bits),
        source_scale=_scaled(edges.source, source_bits),
        target_scale=_scaled(edges.target, target_bits),
    )
    return IntegerGraph(graph, source_bits + target_bits + (0 if plain else weight_bits))


def _scaled(values: Float64, bits: int) -> Int64:
    return np.rint(values * 2.0**bits).astype(np.int64)


def _bits_of(values: Float64, largest: int) -> int:
    """The power of two by which the values are multiplied; 0 where they are integers that fit."""
    most = float(np.abs(values).max(initial=0.0))
    if most <= largest and bool((values == np.rint(values)).all()):
        return 0
    return math.floor(math.log2(largest / most))


def _array(values: ArrayLike | Tensor) -> NDArray[Any]:
    return np.asarray(values.detach().cpu().numpy() if isinstance(values, Tensor) else values)


def _integers(name: str, values: ArrayLike | Tensor) -> Int64:
    array = _array(values)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise ConversionError(f"graph: {name} has type {array.dtype} and shape {array.shape}; give a list of integers")
    return array.astype(np.int64)

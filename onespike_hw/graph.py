"""The graph that all layers of a network over a graph share (docs/contract.md, "graphconv"). No torch here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from onespike_hw.checks import check_array, need
from onespike_hw.errors import NetworkError

Int64 = NDArray[np.int64]

EDGE_WEIGHT_BITS = 16
"""Width of an edge weight, two's complement, at most."""

LARGEST_NODE_SCALE = (1 << 15) - 1
"""Of a node that sends or takes."""


@dataclass(frozen=True, eq=False)
class Graph:
    """Directed edges between nodes, by the node that takes (CSR), and the integer scales of both ends.

    nodes         N, at least 1
    row_start     int64 (N + 1,): the edges into node i are row_start[i] .. row_start[i + 1] - 1
    column        int64 (E,): the node that edge e comes from, rising within a row; a self loop is an edge
    edge_weight   int64 (E,) of 16 bits, two's complement; None: every edge counts once
    source_scale  int64 (N,), 0 .. 2^15 - 1: of the node that sends
    target_scale  int64 (N,), 0 .. 2^15 - 1: of the node that takes
    """

    nodes: int
    row_start: Int64
    column: Int64
    edge_weight: Int64 | None
    source_scale: Int64
    target_scale: Int64

    def __post_init__(self) -> None:
        check(self)

    @property
    def edges(self) -> int:
        """E, self loops included."""
        return len(self.column)

    @property
    def degrees(self) -> Int64:
        """Edges into each node: int64 (N,)."""
        return np.diff(self.row_start)


def from_edges(
    nodes: int,
    source: ArrayLike,
    target: ArrayLike,
    edge_weight: ArrayLike | None = None,
    source_scale: ArrayLike | None = None,
    target_scale: ArrayLike | None = None,
) -> Graph:
    """The graph of these directed edges, in any order; scales are 1 where they are not given.

    source, target  integers (E,): the nodes that each edge comes from and goes into
    Raises NetworkError where an edge names a node that does not exist, or is there twice.
    """
    sources, targets = np.asarray(source, np.int64), np.asarray(target, np.int64)
    if sources.ndim != 1 or sources.shape != targets.shape:
        raise NetworkError(f"graph: sources of shape {sources.shape}, targets of shape {targets.shape}; give two lists")
    outside = (sources < 0) | (sources >= nodes) | (targets < 0) | (targets >= nodes)
    if outside.any():
        edge = int(np.flatnonzero(outside)[0])
        raise _no_such_node(edge, int(sources[edge]), int(targets[edge]), nodes)
    order = np.lexsort((sources, targets))
    ones = np.ones(nodes, np.int64)
    return Graph(
        nodes=nodes,
        row_start=np.append(0, np.cumsum(np.bincount(targets, minlength=nodes))).astype(np.int64),
        column=sources[order],
        edge_weight=None if edge_weight is None else np.asarray(edge_weight, np.int64)[order],
        source_scale=ones if source_scale is None else np.asarray(source_scale, np.int64),
        target_scale=ones if target_scale is None else np.asarray(target_scale, np.int64),
    )


def check(graph: Graph) -> None:
    """Raise NetworkError, naming the field or the edge, where a graph breaks the contract."""
    nodes = graph.nodes
    need(type(nodes) is int and nodes >= 1, "graph: nodes", f"must be a plain int of at least 1, not {nodes!r}")
    check_array(graph.row_start, np.int64, (nodes + 1,), "graph: row_start")
    start, end = int(graph.row_start[0]), int(graph.row_start[-1])
    need(start == 0, "graph: row_start", f"must begin with 0, not {start}")
    need(bool((graph.degrees >= 0).all()), "graph: row_start", "must never fall")
    check_array(graph.column, np.int64, (end,), "graph: column")
    target = np.repeat(np.arange(nodes), graph.degrees)
    outside = (graph.column < 0) | (graph.column >= nodes)
    if outside.any():
        edge = int(np.flatnonzero(outside)[0])
        raise _no_such_node(edge, int(graph.column[edge]), int(target[edge]), nodes)
    falls = (np.diff(graph.column) <= 0) & (np.diff(target) == 0)
    if falls.any():
        edge = int(np.flatnonzero(falls)[0]) + 1
        into, before = int(target[edge]), int(graph.column[edge - 1])
        what = f"edge {edge} into node {into} comes from node {graph.column[edge]}, the one before it from {before}"
        raise NetworkError(f"graph: {what}; columns must rise within a row, each once")
    _check_range(graph.source_scale, (nodes,), 0, LARGEST_NODE_SCALE, "graph: source_scale", "node")
    _check_range(graph.target_scale, (nodes,), 0, LARGEST_NODE_SCALE, "graph: target_scale", "node")
    if graph.edge_weight is not None:
        bound = 1 << (EDGE_WEIGHT_BITS - 1)
        _check_range(graph.edge_weight, (end,), -bound, bound - 1, "graph: edge_weight", "edge")


def _no_such_node(edge: int, source: int, target: int, nodes: int) -> NetworkError:
    where = f"graph: edge {edge}, from node {source} into node {target}"
    missing = source if not 0 <= source < nodes else target
    return NetworkError(f"{where}: there is no node {missing}; the nodes are 0..{nodes - 1}")


def _check_range(values: Any, shape: tuple[int, ...], low: int, high: int, where: str, of_each: str) -> None:
    check_array(values, np.int64, shape, where)
    outside = (values < low) | (values > high)
    if outside.any():
        index = int(np.flatnonzero(outside)[0])
        raise NetworkError(f"{where}: is {values[index]} for {of_each} {index}, outside {low}..{high}")

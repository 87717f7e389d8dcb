"""Which comes first in a graph convolution, the weights or the edges: what either order would cost in additions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from onespike_hw.network import INPUT, Int64, Network


@dataclass(frozen=True)
class Order:
    """Additions of one graphconv layer in either order, over one graph.

    transform_first  spikes * C_out + edges * C_out: weights are added up in each node, its sums along the edges. It is
                     what the integer rule of docs/contract.md says, and what the accelerator does
    aggregate_first  spikes * edges out of their node + sums that are not 0 * C_out: what nodes hold is added up along
                     the edges, then weighted. Those sums are no spikes: each counts as one addition here, and takes a
                     multiplier in truth
    """

    layer: str
    transform_first: int
    aggregate_first: int

    def __str__(self) -> str:
        cheaper = "" if self.transform_first <= self.aggregate_first else ", which multiply"
        return (
            f"{self.layer}: weights, then edges, {self.transform_first:,} SOPs "
            f"(edges, then weights: {self.aggregate_first:,}{cheaper})"
        )


def orders(net: Network, inputs: Int64, codes: Mapping[str, NDArray[np.uint8]]) -> list[Order]:
    """The cost of both orders in every graphconv layer, for the first graph of a run; none where there is no graph.

    inputs  input integers [N, nodes, C]
    codes   layer name -> phase codes uint8 [N, C, nodes]
    """
    if net.graph is None:
        return []
    graph, found = net.graph, []
    edges = csr_array((np.ones(graph.edges, np.int64), graph.column, graph.row_start), shape=(graph.nodes, graph.nodes))
    out_degree = np.bincount(graph.column, minlength=graph.nodes)
    for layer in net.layers:
        source, outputs = layer.inputs[0], layer.shape[0]
        if source == INPUT:
            difference = inputs[0] - net.input_zero_point
            trains = np.bitwise_count(difference & ((1 << (net.input_bits + 1)) - 1)).astype(np.int64)
        else:
            trains = (codes[source][0] < net.timesteps).T.astype(np.int64)
        spikes = trains.sum(1)
        sums = int(np.count_nonzero(edges @ (trains > 0).astype(np.int64)))
        found.append(
            Order(
                layer.name,
                outputs * (int(spikes.sum()) + graph.edges),
                int((spikes * out_degree).sum()) + sums * outputs,
            )
        )
    return found

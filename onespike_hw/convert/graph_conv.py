"""The graph convolution that convert reads, as a module to train: Kipf and Welling, arXiv 1609.02907."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from onespike_hw.convert.adjacency import Adjacency
from onespike_hw.errors import InputError


class GraphConv(nn.Module):
    """y = A (x W^T) + b: every node's features times W, then what the edges into a node bring, added up.

        edges = oh.nn.adjacency(nodes, source, target)     # symmetric normalisation, self loops
        model = nn.Sequential(oh.nn.GraphConv(1024, 32, edges), nn.ReLU(), oh.nn.GraphConv(32, 10, edges))
        logits = model(features)                           # [nodes, 1024] to [nodes, 10]

    in_channels, out_channels  C_in and C of a node
    edges     A, as onespike_hw.nn.adjacency gives it; all layers of a network share one
    bias      add b

    weight is (C, C_in), bias (C,) or None: Glorot and zeros, as in that paper. forward takes [..., nodes, C_in].
    """

    def __init__(self, in_channels: int, out_channels: int, edges: Adjacency, bias: bool = True) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.edges = edges
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels))
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None
        nn.init.xavier_uniform_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-2:] != (self.edges.nodes, self.in_channels):
            wanted = f"[{self.edges.nodes} nodes, {self.in_channels}]"
            raise InputError(f"GraphConv: features of shape {tuple(x.shape)}, its graph and weight need {wanted}")
        y = self.edges.spread(x @ self.weight.T)
        return y if self.bias is None else y + self.bias

    def extra_repr(self) -> str:
        return f"{self.in_channels}, {self.out_channels}, nodes={self.edges.nodes}, edges={self.edges.graph.edges}"

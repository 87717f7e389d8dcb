"""The trained networks that ship with onespike-hw, as torch modules."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import nn

from onespike_hw.convert.adjacency import Adjacency, adjacency
from onespike_hw.convert.datasets import DatasetError, load_calibration, load_images, shipped
from onespike_hw.convert.graph_conv import GraphConv
from onespike_hw.convert.text_graph import TextGraph, load_text_graph

__all__ = [
    "INPUT_BITS",
    "MODELS",
    "TEXT_MODELS",
    "edges_of",
    "fashion_cnn",
    "gcn_text",
    "load_calibration",
    "load_images",
    "load_model",
    "load_text_graph",
    "mlp_text",
]


def fashion_cnn() -> nn.Module:
    """conv16-conv16-pool-conv32-conv32-pool-fc64-fc10 for [N, 1, 28, 28] in [0, 1]; 4,729,728 multiplies an image.

    3x3 convolutions, padding 1, batch norm behind each; freshly initialised (see load_model for the trained one).
    """

    def conv(index: int, inputs: int, outputs: int) -> list[tuple[str, nn.Module]]:
        return [
            (f"conv{index}", nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)),
            (f"bn{index}", nn.BatchNorm2d(outputs)),
            (f"relu{index}", nn.ReLU()),
        ]

    return nn.Sequential(
        OrderedDict(
            [
                *conv(1, 1, 16),
                *conv(2, 16, 16),
                ("pool1", nn.MaxPool2d(2)),
                *conv(3, 16, 32),
                *conv(4, 32, 32),
                ("pool2", nn.MaxPool2d(2)),
                ("flatten", nn.Flatten()),
                ("fc1", nn.Linear(32 * 7 * 7, 64)),
                ("relu5", nn.ReLU()),
                ("fc2", nn.Linear(64, 10)),
            ]
        )
    )


_TEXT_SIZES = (1024, 32, 10)
"""Words, width and sections of the networks on Debian packages."""


def gcn_text() -> nn.Module:
    """gcn32-gcn10 over the graph of Debian packages, for binary words [2929, 1024]; freshly initialised."""
    edges = edges_of(load_text_graph("debian-packages"))
    words, width, classes = _TEXT_SIZES
    layers = [("conv1", GraphConv(words, width, edges)), ("conv2", GraphConv(width, classes, edges))]
    return _text_network(*layers)


def mlp_text() -> nn.Module:
    """The same layers without the graph: what the words alone tell."""
    words, width, classes = _TEXT_SIZES
    return _text_network(("fc1", nn.Linear(words, width)), ("fc2", nn.Linear(width, classes)))


def _text_network(first: tuple[str, nn.Module], last: tuple[str, nn.Module]) -> nn.Module:
    return nn.Sequential(OrderedDict([first, ("relu1", nn.ReLU()), ("dropout1", nn.Dropout(0.5)), last]))


def edges_of(graph: TextGraph) -> Adjacency:
    """Its edges with self loops, symmetrically normalised."""
    return adjacency(graph.nodes, graph.source, graph.target, edge_weight=graph.edge_weight)


_BUILDERS: dict[str, Callable[[], nn.Module]] = {"fashion-cnn": fashion_cnn, "gcn-text": gcn_text}

TEXT_MODELS = {"gcn-text": "debian-packages"}
"""Models over a graph, and the graph that each is trained on."""

INPUT_BITS = {"gcn-text": 1}
"""Bits of an input value, where a model takes others than pixels of 8 bits."""

MODELS = tuple(_BUILDERS)
"""Names that load_model knows."""


def load_model(name: str) -> nn.Module:
    """A shipped network with its trained weights, in eval mode. DatasetError where the name is unknown."""
    if name not in _BUILDERS:
        raise DatasetError(f"no model called {name!r} is shipped; there are {', '.join(MODELS)}")
    model = _BUILDERS[name]()
    state = {key: torch.from_numpy(value) for key, value in shipped(f"{name.replace('-', '_')}.npz").items()}
    model.load_state_dict(state)
    return model.eval()

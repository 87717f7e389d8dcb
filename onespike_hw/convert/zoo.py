"""The trained networks that ship with onespike-hw, as torch modules."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from onespike_hw.convert.adjacency import Adjacency, adjacency
from onespike_hw.convert.architectures import (
    fashion_cnn,
    fashion_cnn_small,
    fashion_mlp,
    mobilenet,
    resnet20,
    vgg11,
)
from onespike_hw.convert.datasets import DatasetError, load_calibration, load_images, shipped
from onespike_hw.convert.graph_conv import GraphConv
from onespike_hw.convert.text_graph import TextGraph, load_text_graph

__all__ = [
    "INPUT_BITS",
    "MODELS",
    "TEXT_MODELS",
    "build_model",
    "edges_of",
    "fashion_cnn",
    "fashion_cnn_small",
    "fashion_mlp",
    "gcn_text",
    "images_of",
    "load_calibration",
    "load_images",
    "load_model",
    "load_text_graph",
    "mlp_text",
]


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


@dataclass(frozen=True)
class _Entry:
    build: Callable[[], nn.Module]
    images: str


_ENTRIES = {
    "fashion-cnn": _Entry(fashion_cnn, "fashion-mnist"),
    "fashion-cnn-small": _Entry(fashion_cnn_small, "fashion-mnist"),
    "fashion-mlp": _Entry(fashion_mlp, "fashion-mnist"),
    "resnet20": _Entry(resnet20, "fashion-mnist-32"),
    "vgg11": _Entry(vgg11, "fashion-mnist-32"),
    "mobilenet": _Entry(mobilenet, "fashion-mnist-32"),
}

_TEXT_ENTRIES = {"gcn-text": _Entry(gcn_text, "debian-packages")}

TEXT_MODELS = {name: entry.images for name, entry in _TEXT_ENTRIES.items()}
"""Models over a graph, and the graph that each is trained on."""

INPUT_BITS = {"gcn-text": 1}
"""Bits of an input value, where a model takes others than pixels of 8 bits."""

MODELS = (*_ENTRIES, *_TEXT_ENTRIES)
"""Names that load_model knows."""


def _entry(name: str) -> _Entry:
    if name not in MODELS:
        raise DatasetError(f"no model called {name!r} is shipped; there are {', '.join(MODELS)}")
    return (_ENTRIES | _TEXT_ENTRIES)[name]


def build_model(name: str) -> nn.Module:
    """The architecture of that name, freshly initialised. DatasetError where the name is unknown."""
    return _entry(name).build()


def images_of(name: str) -> str:
    """The name of the images that a shipped network takes, for load_images and load_calibration; or of its graph."""
    return _entry(name).images


def weights_file(name: str) -> str:
    """The file in onespike_hw/models that holds a shipped network's weights."""
    return f"{name.replace('-', '_')}.npz"


def load_model(name: str) -> nn.Module:
    """A shipped network with its trained weights, in eval mode. DatasetError where the name is unknown."""
    model = build_model(name)
    # What is stored as float16 becomes the float32 of the module's own parameters.
    model.load_state_dict({key: torch.from_numpy(value) for key, value in shipped(weights_file(name)).items()})
    return model.eval()

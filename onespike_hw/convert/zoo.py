"""The trained networks that ship with onespike-hw, as torch modules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from onespike_hw.convert.architectures import fashion_cnn, mobilenet, resnet20, vgg11
from onespike_hw.convert.datasets import DatasetError, load_calibration, load_images, shipped

__all__ = ["MODELS", "build_model", "fashion_cnn", "images_of", "load_calibration", "load_images", "load_model"]


@dataclass(frozen=True)
class _Entry:
    build: Callable[[], nn.Module]
    images: str


_ENTRIES = {
    "fashion-cnn": _Entry(fashion_cnn, "fashion-mnist"),
    "resnet20": _Entry(resnet20, "fashion-mnist-32"),
    "vgg11": _Entry(vgg11, "fashion-mnist-32"),
    "mobilenet": _Entry(mobilenet, "fashion-mnist-32"),
}

MODELS = tuple(_ENTRIES)
"""Names that load_model knows."""


def _entry(name: str) -> _Entry:
    if name not in _ENTRIES:
        raise DatasetError(f"no model called {name!r} is shipped; there are {', '.join(MODELS)}")
    return _ENTRIES[name]


def build_model(name: str) -> nn.Module:
    """The architecture of that name, freshly initialised. DatasetError where the name is unknown."""
    return _entry(name).build()


def images_of(name: str) -> str:
    """The name of the images that a shipped network takes, for load_images and load_calibration."""
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

"""The trained networks that ship with onespike-hw, as torch modules."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import nn

from onespike_hw.convert.datasets import DatasetError, load_calibration, load_images, shipped

__all__ = [
    "MODELS",
    "build_model",
    "fashion_cnn",
    "fashion_cnn_small",
    "fashion_mlp",
    "load_calibration",
    "load_images",
    "load_model",
]


def _conv(index: int, inputs: int, outputs: int) -> list[tuple[str, nn.Module]]:
    """A 3x3 convolution, padding 1, with batch norm and ReLU behind it."""
    return [
        (f"conv{index}", nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)),
        (f"bn{index}", nn.BatchNorm2d(outputs)),
        (f"relu{index}", nn.ReLU()),
    ]


def fashion_cnn() -> nn.Module:
    """conv16-conv16-pool-conv32-conv32-pool-fc64-fc10 for [N, 1, 28, 28] in [0, 1]; 4,729,728 multiplies an image.

    3x3 convolutions, padding 1, batch norm behind each; freshly initialised (see load_model for the trained one).
    """
    return nn.Sequential(
        OrderedDict(
            [
                *_conv(1, 1, 16),
                *_conv(2, 16, 16),
                ("pool1", nn.MaxPool2d(2)),
                *_conv(3, 16, 32),
                *_conv(4, 32, 32),
                ("pool2", nn.MaxPool2d(2)),
                ("flatten", nn.Flatten()),
                ("fc1", nn.Linear(32 * 7 * 7, 64)),
                ("relu5", nn.ReLU()),
                ("fc2", nn.Linear(64, 10)),
            ]
        )
    )


def fashion_cnn_small() -> nn.Module:
    """conv16-pool-conv32-pool-fc10 for [N, 1, 28, 28] in [0, 1]; 20,432 weights, 1,031,744 multiplies an image.

    For chips too small for fashion_cnn; the same convolutions, freshly initialised.
    """
    return nn.Sequential(
        OrderedDict(
            [
                *_conv(1, 1, 16),
                ("pool1", nn.MaxPool2d(2)),
                *_conv(2, 16, 32),
                ("pool2", nn.MaxPool2d(2)),
                ("flatten", nn.Flatten()),
                ("fc1", nn.Linear(32 * 7 * 7, 10)),
            ]
        )
    )


def fashion_mlp() -> nn.Module:
    """fc64-fc10 for [N, 1, 28, 28] in [0, 1]; 50,816 multiplies an image; freshly initialised."""
    return nn.Sequential(
        OrderedDict(
            [
                ("flatten", nn.Flatten()),
                ("fc1", nn.Linear(28 * 28, 64)),
                ("relu1", nn.ReLU()),
                ("fc2", nn.Linear(64, 10)),
            ]
        )
    )


_BUILDERS: dict[str, Callable[[], nn.Module]] = {
    "fashion-cnn": fashion_cnn,
    "fashion-cnn-small": fashion_cnn_small,
    "fashion-mlp": fashion_mlp,
}

MODELS = tuple(_BUILDERS)
"""Names that load_model knows."""


def build_model(name: str) -> nn.Module:
    """A shipped network, freshly initialised. DatasetError where the name is unknown."""
    if name not in _BUILDERS:
        raise DatasetError(f"no model called {name!r} is shipped; there are {', '.join(MODELS)}")
    return _BUILDERS[name]()


def load_model(name: str) -> nn.Module:
    """A shipped network with its trained weights, in eval mode. DatasetError where the name is unknown."""
    model = build_model(name)
    state = {key: torch.from_numpy(value) for key, value in shipped(f"{name.replace('-', '_')}.npz").items()}
    model.load_state_dict(state)
    return model.eval()

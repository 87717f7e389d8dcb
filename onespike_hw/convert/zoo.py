"""The trained networks that ship with onespike-hw, as torch modules."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import nn

from onespike_hw.convert.datasets import DatasetError, load_calibration, load_images, shipped

__all__ = ["MODELS", "fashion_cnn", "load_calibration", "load_images", "load_model"]


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


_BUILDERS: dict[str, Callable[[], nn.Module]] = {"fashion-cnn": fashion_cnn}

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

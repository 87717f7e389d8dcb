"""The trained network itself, on the same images."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from onespike_hw.errors import InputError

if TYPE_CHECKING:
    from torch import nn

BATCH = 250

Progress = Callable[[int, int], None]


def predictions(model: nn.Module, images: NDArray[Any], progress: Progress) -> NDArray[np.int64]:
    """Class of the largest output: int64 [N]. Raises InputError where the images are no float batch that fits."""
    import torch

    if images.dtype.kind != "f":
        raise InputError(f"images: type {images.dtype} is what hardware takes; give float images, as the model does")
    found = []
    with torch.no_grad():
        for first in range(0, len(images), BATCH):
            batch = torch.from_numpy(images[first : first + BATCH].astype(np.float32))
            try:
                found.append(model(batch).argmax(1).numpy())
            except RuntimeError as error:
                shape = images.shape[1:]
                raise InputError(f"images: the model does not take images of shape {shape} ({error})") from error
            progress(first + len(batch), len(images))
    return np.concatenate(found)

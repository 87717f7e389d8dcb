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
    """Class of the largest output: int64 [N]; [N, nodes] over a graph, for images [N, nodes, C].

    Raises InputError where the images are no float batch that fits.
    """
    import torch

    from onespike_hw.convert.graphs import is_graph_model

    if images.dtype.kind != "f":
        raise InputError(f"images: type {images.dtype} is what hardware takes; give float images, as the model does")
    found = []
    over_graph = is_graph_model(model)
    step = 1 if over_graph else BATCH
    with torch.no_grad():
        for first in range(0, len(images), step):
            batch = torch.from_numpy(images[first : first + step].astype(np.float32))
            try:
                logits = model(batch[0])[None].mT if over_graph else model(batch)
                found.append(logits.argmax(1).numpy())
            except RuntimeError as error:
                shape = images.shape[1:]
                raise InputError(f"images: the model does not take images of shape {shape} ({error})") from error
            progress(first + len(batch), len(images))
    return np.concatenate(found)

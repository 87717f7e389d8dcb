"""hls4ml projects for the tests: converted, compiled with g++ and run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hls4ml
import numpy as np
from numpy.typing import NDArray
from torch import nn

from onespike_hw import hls4ml as extension

Precisions = dict[str, dict[str, str]]
"""Layer name -> what ("weight", "result", ...) -> precision; for layers of hls4ml itself."""


def convert(
    model: nn.Module,
    input_shape: tuple[int, ...],
    folder: Path,
    backend: str,
    io_type: str,
    precisions: Precisions | None = None,
) -> Any:
    """The model as an hls4ml project, as a user makes one; every layer can be traced."""
    extension.register()
    channels_last = "internal" if io_type == "io_stream" else "full"
    config = hls4ml.utils.config_from_pytorch_model(
        model, input_shape, granularity="name", backend=backend, channels_last_conversion=channels_last
    )
    for name, layer in config["LayerName"].items():
        layer["Trace"] = True
        layer["Precision"].update((precisions or {}).get(name, {}))
    return hls4ml.converters.convert_from_pytorch_model(
        model, output_dir=str(folder), backend=backend, io_type=io_type, hls_config=config
    )


def as_input(images: NDArray[np.int64], io_type: str) -> NDArray[np.float64]:
    """Images as predict() takes them: channels last where they are streamed."""
    real = images.astype(np.float64)
    return np.ascontiguousarray(np.moveaxis(real, 1, -1)) if io_type == "io_stream" else real


def channels_first(values: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """What leaves a project, [N, ...] channels last, as [N, *shape] channels first."""
    return np.moveaxis(values.reshape(-1, *shape[1:], shape[0]), -1, 1)

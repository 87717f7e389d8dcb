"""The spiking network with float weights: what the coding costs alone, before weights are integers."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from onespike_hw.convert import spiking
from onespike_hw.convert.graphs import as_one_image
from onespike_hw.convert.pipeline import Plan, plan
from onespike_hw.errors import InputError


def predict(
    model: nn.Module, calibration: Tensor | NDArray[np.floating], images: ArrayLike, **options: Any
) -> NDArray[np.int64]:
    """Classes that the spiking network with float weights finds: int64 [N], [N, H, W], or [nodes] of a GCN.

    It has the phases, bases and full scales that convert chooses for the same options, and settled neurons.

    model, calibration, options  as convert takes them; weight_bits does not matter
    images                       float [N, ...] as the model takes them; of a GCN [nodes, C]

    Raises ConversionError as convert does, and InputError for images of another shape, type or range.
    """
    planned = plan(model, calibration, rounded_weights=False, **options)
    batch = _checked(planned, images)
    if planned.over_graph:
        batch = as_one_image(batch)
    found = spiking.logits(planned.chain, planned.neurons, planned.code.sent(batch)).argmax(1)
    if planned.over_graph:
        return found[0].numpy()
    return (found.flatten(1).squeeze(1) if found.shape[1:] == (1, 1) else found).numpy()


def float_accuracy(
    model: nn.Module,
    calibration: Tensor | NDArray[np.floating],
    images: ArrayLike,
    labels: NDArray[np.integer],
    **options: Any,
) -> float:
    """Share of the images, 0..1, whose class `predict` finds; labels are int [N]."""
    return float((predict(model, calibration, images, **options) == labels).mean())


def _checked(planned: Plan, images: ArrayLike) -> Tensor:
    batch = np.asarray(images)
    if planned.over_graph:
        nodes, channels = planned.input_shape[::-1]
        if batch.shape != (nodes, channels):
            what = f"shape {batch.shape} does not fit this graph"
            raise InputError(f"images: {what}; give the features of all nodes, [{nodes}, {channels}]")
    elif batch.shape[1:] != planned.input_shape or len(batch) == 0:
        wanted = ", ".join(str(size) for size in planned.input_shape)
        raise InputError(f"images: shape {batch.shape} does not fit this network; give a batch of shape [N, {wanted}]")
    if batch.dtype.kind != "f":
        raise InputError(f"images: type {batch.dtype} is what hardware takes; give float images, as the model does")
    return planned.code.within(torch.from_numpy(batch).float())

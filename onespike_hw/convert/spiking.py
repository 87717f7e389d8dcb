"""The spiking network in floats, every neuron settled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from onespike_hw.convert.layers import FloatLayer, apply, flow
from onespike_hw.convert.neurons import Neurons
from onespike_hw.convert.normalize import run_batches

Change = Callable[[FloatLayer, Tensor, list[Tensor]], tuple[FloatLayer, Tensor]]
"""Layer, what it finds in the trained network, what it reads in the spiking one -> layer, changed, and what it finds.

Found is what leaves the layer ahead of its ReLU, float32 [N, C, ...].
"""

_BATCH = 64


def changed(
    trained: Sequence[FloatLayer],
    chain: Sequence[FloatLayer],
    neurons: Mapping[str, Neurons],
    images: Tensor,
    coded_images: Tensor,
    change: Change,
) -> list[FloatLayer]:
    """`chain`, changed in the order of the data, each layer knowing what the trained network finds in its place.

    trained       the layers as trained
    chain         the same layers as they read what is sent
    neurons       of each layer with a ReLU, by name
    images        calibration images as the trained network sees them, float32 [N, ...]
    coded_images  as the spiking network sees them
    """
    exact = {layer.name: replace(layer, relu=False) for layer in trained}
    result = []

    def step(layer: FloatLayer, read: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        wanted = run_batches(exact[layer.name], [trained_value for trained_value, _ in read])
        layer, found = change(layer, wanted, [spiking_value for _, spiking_value in read])
        result.append(layer)
        return (wanted.relu(), neurons[layer.name].sent(found)) if layer.relu else (wanted, found)

    for _ in flow(chain, (images, coded_images), step):
        pass
    return result


def logits(chain: Sequence[FloatLayer], neurons: Mapping[str, Neurons], x: Tensor) -> Tensor:
    """What leaves the chain for the inputs x, float32 [N, ...], where neurons send single spikes.

    neurons  by the name of their layer; layers that have none pass real numbers on
    """
    with torch.no_grad():
        return torch.cat([_logits(chain, neurons, batch) for batch in torch.split(x, _BATCH)])


def _logits(chain: Sequence[FloatLayer], neurons: Mapping[str, Neurons], batch: Tensor) -> Tensor:
    def left(layer: FloatLayer, read: list[Tensor]) -> Tensor:
        y = apply(layer, *read)
        return neurons[layer.name].sent(y) if layer.name in neurons else y

    for _, y in flow(chain, batch, left):
        batch = y
    return batch

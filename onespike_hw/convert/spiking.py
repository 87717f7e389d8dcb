"""The spiking network in floats, every neuron settled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from onespike_hw.convert.layers import FloatLayer, apply, flow
from onespike_hw.convert.neurons import Neurons

_BATCH = 64


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

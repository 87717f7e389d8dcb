"""The spiking network in floats, every neuron settled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from onespike_hw.convert.layers import FloatLayer, apply
from onespike_hw.convert.neurons import Neurons

_BATCH = 64


def logits(chain: Sequence[FloatLayer], neurons: Mapping[str, Neurons], x: Tensor) -> Tensor:
    """What leaves the chain for the inputs x, float32 [N, ...], where neurons send single spikes.

    neurons  by the name of their layer; layers that have none pass real numbers on
    """
    with torch.no_grad():
        return torch.cat([_logits(chain, neurons, batch) for batch in torch.split(x, _BATCH)])


def _logits(chain: Sequence[FloatLayer], neurons: Mapping[str, Neurons], x: Tensor) -> Tensor:
    for layer in chain:
        x = apply(layer, x)
        if layer.name in neurons:
            x = neurons[layer.name].sent(x)
    return x

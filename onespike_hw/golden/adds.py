"""Adds: two branches in one potential (docs/contract.md, "add")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from onespike_hw.golden import neurons
from onespike_hw.golden.neurons import Firing, Neurons, Response, by_channel
from onespike_hw.golden.signals import Signal, per_image
from onespike_hw.golden.synapses import INT32, INT64, check_potential
from onespike_hw.network import Int64, Layer, Network

Array = NDArray[Any]
INT32_LIMIT = 1 << 31


class Operand(Protocol):
    """One input of an add, for a few images: sums without bias, [C, H, N, W] or [C, N], in arrays of their own."""

    def settled(self, dtype: np.dtype[Any]) -> Array:
        """What it brings when all its spikes have arrived."""

    def arriving(self, phase: int, dtype: np.dtype[Any]) -> Array:
        """The share of it that arrives in this phase."""

    def operations(self) -> Int64:
        """Synaptic operations that the add itself does for it, int64 [N]."""


@dataclass(frozen=True)
class Charge:
    """What a layer that does not fire has integrated; its own operations are counted there."""

    neurons: Neurons
    signal: Signal

    def settled(self, dtype: np.dtype[Any]) -> Array:
        return neurons.settled_sums(self.neurons, self.signal).astype(dtype)

    def arriving(self, phase: int, dtype: np.dtype[Any]) -> Array:
        return neurons.arriving_sums(self.neurons, self.signal, phase).astype(dtype)

    def operations(self) -> Int64:
        return np.zeros_like(per_image(self.signal.spikes()))


@dataclass(frozen=True)
class Shortcut:
    """Codes, each with the weight of its channel: int64 (C,)."""

    signal: Signal
    weight: Int64

    def settled(self, dtype: np.dtype[Any]) -> Array:
        return self._weighted(self.signal.values(dtype))

    def arriving(self, phase: int, dtype: np.dtype[Any]) -> Array:
        return self._weighted(self.signal.arrivals(phase, dtype))

    def operations(self) -> Int64:
        return per_image(self.signal.spikes())

    def _weighted(self, values: Array) -> Array:
        return values * by_channel(self.weight.astype(values.dtype), values)


@dataclass(frozen=True)
class Add:
    """An add, ready to run.

    dtype   of its sums, which holds every one of them exactly, partial ones included
    firing  its thresholds are of that type
    """

    layer: Layer
    dtype: np.dtype[Any]
    firing: Firing


def build(net: Network, layer: Layer, prepared: Mapping[str, Neurons]) -> Add:
    """Prepare an add; NetworkError where a potential could leave 64 bits.

    prepared  the layers of neurons before it
    """
    assert layer.operand_weight is not None
    reaches = [
        _reach(net, name, weight, prepared) for name, weight in zip(layer.inputs, layer.operand_weight, strict=True)
    ]
    lowest, highest = sum(low for low, _ in reaches), sum(high for _, high in reaches)
    check_potential(layer, lowest, highest)
    dtype = INT32 if max(highest + 1, -lowest) < INT32_LIMIT else INT64
    return Add(layer, dtype, neurons.firing_of(net, layer, lowest, highest, dtype))


def _reach(net: Network, name: str, weight: Int64, prepared: Mapping[str, Neurons]) -> tuple[int, int]:
    """The interval in which lies what one input brings; it contains 0."""
    if name in prepared and prepared[name].firing is None:
        synapses = prepared[name].synapses
        return synapses.lowest, synapses.highest
    constants = net.constants_of(name)
    assert constants is not None
    return min(0, int(weight.min())) * int(constants[0]), max(0, int(weight.max())) * int(constants[0])


def respond(add: Add, operands: Sequence[Operand]) -> Response:
    """Run an add on its two inputs."""
    first, second = operands
    return neurons.fire(
        add.firing,
        lambda: first.settled(add.dtype) + second.settled(add.dtype),
        lambda phase: first.arriving(phase, add.dtype) + second.arriving(phase, add.dtype),
    )

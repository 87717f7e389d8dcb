"""Fewer spikes: activations whose spike costs more operations than its accuracy is worth stay silent.

Without it a neuron sends the nearest level. Here a spike of layer l has a price kappa_l on the scale of squared errors,
so that an activation x is sent as level L only where (x - L)^2 + kappa_l < x^2. Silence then reaches up to

    t = min over k of (L_k^2 + kappa_l) / (2 L_k),    kappa_l = price * E_l * r_l / S

and the ladder becomes max(theta_k, t). E_l is the layer's energy on an image (sum of x^2), r_l the operations that one
of its spikes causes, S the operations of the whole image: silencing has to save a share of S that is worth, at the
price, the share of E_l that it loses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np
from numpy.typing import NDArray

from onespike_hw.convert.layers import FloatLayer, Shape, readers_of, shapes
from onespike_hw.convert.neurons import Neurons
from onespike_hw.convert.normalize import Activations, max_pool_behind
from onespike_hw.network import WEIGHTED

Float64 = NDArray[np.float64]

PRICES = (0.0, 0.08, 0.12, 0.16, 0.24, 0.32, 0.48, 0.64)
"""What is tried."""


@dataclass(frozen=True)
class Point:
    """One price of a spike, on the calibration images.

    price   0 silences nothing
    sops    synaptic operations an image behind firing layers
    error   squared error of the logits, in parts of their own square
    """

    price: float
    sops: float
    error: float


@dataclass(frozen=True)
class Market:
    """What the spikes of each firing layer cost and carry, by its name.

    reads     operations that one spike of it causes
    values    of it that other layers read, an image; behind max pooling where that alone follows
    """

    reads: Mapping[str, float]
    values: Mapping[str, int]

    def sops(self, activations: Sequence[Activations], neurons: Mapping[str, Neurons]) -> float:
        """Operations an image that the spikes of all firing layers cause."""
        return sum(
            self.reads[layer.name] * self.values[layer.name] * _density(layer, neurons[layer.name])
            for layer in activations
        )


def market(chain: Sequence[FloatLayer], input_shape: Shape) -> Market:
    """From the shapes of the layers alone; padding at the border counts as an input like others."""
    reads, values = {}, {}
    left = dict(zip((layer.name for layer in chain), shapes(chain, input_shape), strict=True))
    for layer in chain:
        if layer.relu:
            values[layer.name] = prod(left[(max_pool_behind(chain, layer) or layer).name])
            reads[layer.name] = _operations(chain, layer, left) / values[layer.name]
    return Market(reads, values)


def _operations(chain: Sequence[FloatLayer], layer: FloatLayer, left: Mapping[str, Shape]) -> int:
    """Operations on an image that a layer causes which sends a spike for every value."""
    total = 0
    for reader in readers_of(chain, layer.name):
        if reader.kind in WEIGHTED:
            total += prod(left[reader.name][1:]) * reader.affine[0].numel()
        elif reader.kind == "add":
            total += prod(left[reader.name])
        else:
            window = prod(reader.kernel_size) if reader.kind == "avgpool" else 1
            total += window * _operations(chain, reader, left)
    return total


def silenced(
    activations: Sequence[Activations], neurons: Mapping[str, Neurons], costs: Market, price: float
) -> dict[str, Neurons]:
    """The neurons with a spike's price in their ladders."""
    total = costs.sops(activations, neurons)
    if price == 0 or total == 0:
        return dict(neurons)
    result = {}
    for layer in activations:
        own = neurons[layer.name]
        energy = float(np.square(layer.values, dtype=np.float64).mean()) * costs.values[layer.name]
        levels = own.coding.levels * own.full_scales[:, None]
        kappa = price * energy * costs.reads[layer.name] / total
        result[layer.name] = replace(own, silence=((levels**2 + kappa) / (2 * levels)).min(axis=1))
    return result


def affordable(points: Iterable[Point], growth: float) -> list[Point]:
    """Points of rising price up to the last whose error is at most 1 + growth times that of the first."""
    taken: list[Point] = []
    for point in points:
        if taken and point.error > taken[0].error * (1 + growth):
            break
        taken.append(point)
    return taken


def _density(layer: Activations, neurons: Neurons) -> float:
    """Share of the values that are sent."""
    weakest = neurons.thresholds[:, -1:]
    return float((layer.values >= weakest).mean())

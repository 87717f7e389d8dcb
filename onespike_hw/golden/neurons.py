"""Layers of neurons: what they integrate, and the phase in which they fire (docs/contract.md, "conv and linear")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onespike_hw.golden import synapses
from onespike_hw.golden.signals import Codes, PhaseCodes, Signal, images_in, per_image, to_batch
from onespike_hw.golden.synapses import Synapses
from onespike_hw.golden.windows import kernel_rows, readers
from onespike_hw.network import Int64, Layer, Network

Array = NDArray[Any]


@dataclass(frozen=True)
class Firing:
    """How the neurons of a layer fire.

    thresholds  [C, T]: what the sum of weights times values, without the bias, must reach; in the type of the sums
    constants   int64 (T,): what a spike that they fire in each phase stands for
    wait        phases the layer lags behind its input; T-1 is settled
    """

    thresholds: Array
    constants: Int64
    wait: int

    @property
    def timesteps(self) -> int:
        return len(self.constants)

    @property
    def settled(self) -> bool:
        return self.wait >= self.timesteps - 1


@dataclass(frozen=True)
class Neurons:
    """A conv or linear layer, ready to run.

    layer     the layer, with its bias
    synapses  its weights
    firing    None where the layer only integrates
    readers   int64 [H, 1, W] or []: how many neurons read each pixel of its input
    """

    layer: Layer
    synapses: Synapses
    firing: Firing | None
    readers: Int64


@dataclass(frozen=True)
class Response:
    """What a layer of neurons made of a few images.

    sums   [C, H, N, W] or [C, N]: the last potential without the bias
    codes  None where the layer only integrates
    noise_spikes  int64 [N]: spikes that a settled neuron would not have fired, or would have fired in another phase
    """

    sums: Array
    codes: Codes | None
    noise_spikes: Int64


def build(net: Network, layer: Layer) -> Neurons:
    """Prepare a conv or linear layer; NetworkError where a potential could leave 64 bits."""
    weights = synapses.build(net, layer)
    firing = firing_of(net, layer, weights.lowest, weights.highest, weights.sum_dtype) if layer.fires else None
    return Neurons(layer, weights, firing, readers(layer, net.shape_of(layer.inputs[0])))


def firing_of(net: Network, layer: Layer, lowest: int, highest: int, dtype: np.dtype[Any]) -> Firing:
    """How a layer fires whose sums, without the bias, lie in lowest..highest and are of that type."""
    constants = net.constants_of(layer.name)
    assert constants is not None
    return Firing(_thresholds(layer, lowest, highest, dtype), constants, net.wait)


def image_bytes(neurons: Neurons) -> int:
    """Memory that the receptive fields of one image take."""
    layer = neurons.layer
    assert layer.weight is not None
    height, width = layer.shape[1:] or (1, 1)
    rows = (height - 1) * layer.stride[0] + layer.kernel_size[0]
    fields = layer.groups * layer.weight[0].size // layer.kernel_size[0]
    return int(fields * rows * width * neurons.synapses.dtype.itemsize)


def respond(neurons: Neurons, signal: Signal) -> Response:
    """Run one layer on the signal that it reads."""
    if neurons.firing is None:
        sums = settled_sums(neurons, signal)
        return Response(sums, None, np.zeros(images_in(sums), np.int64))
    return fire(
        neurons.firing, lambda: settled_sums(neurons, signal), lambda phase: arriving_sums(neurons, signal, phase)
    )


def fire(firing: Firing, settled: Callable[[], Array], arriving: Callable[[int], Array]) -> Response:
    """Let neurons fire.

    settled   gives their sums when all spikes have arrived, [C, H, N, W] or [C, N]
    arriving  gives the share of these that arrives in a phase, as an array of its own
    """
    if firing.settled:
        sums = settled()
        codes = Codes(settled_codes(sums, firing.thresholds), firing.constants)
        return Response(sums, codes, np.zeros(images_in(sums), np.int64))
    sums, early = _fire_phase_by_phase(firing, arriving)
    # Each difference is a spike: who fires settled fires here, at the latest when V_{T-1} meets the lowest step.
    noise = early != settled_codes(sums, firing.thresholds)
    return Response(sums, Codes(early, firing.constants), per_image(noise.sum(axis=0, dtype=np.int64)))


def settled_sums(neurons: Neurons, signal: Signal) -> Array:
    """Sums of weights times all that the layer reads, without the bias: [C, H, N, W] or [C, N]."""
    return _integrate(neurons, signal.values(neurons.synapses.dtype))


def arriving_sums(neurons: Neurons, signal: Signal, phase: int) -> Array:
    """The share of `settled_sums` that arrives in this phase."""
    return _integrate(neurons, signal.arrivals(phase, neurons.synapses.dtype))


def operations(neurons: Neurons, spikes: Int64) -> Int64:
    """Synaptic operations of each image, int64 [N]: every spike of the input, once for each neuron that reads it.

    spikes: as Signal.spikes gives them.
    """
    return per_image(spikes * neurons.readers)


def potentials(layer: Layer, sums: Array) -> Int64:
    """The last potentials, V_{T-1} = B + sums: int64 [N, C, H, W] or [N, C]."""
    assert layer.bias is not None
    return to_batch(sums.astype(np.int64) + by_channel(layer.bias, sums))


def settled_codes(sums: Array, thresholds: Array) -> PhaseCodes:
    """The smallest phase whose threshold the sum reaches, T where there is none.

    sums: [C, ...]; thresholds: [C, T]. As a ladder never rises, that phase is the number of thresholds missed.
    """
    missed = np.less(sums, thresholds.T.reshape(-1, len(sums), *[1] * (sums.ndim - 1)))
    return np.asarray(np.add.reduce(missed.view(np.uint8), axis=0, dtype=np.uint8))


def _fire_phase_by_phase(firing: Firing, arriving: Callable[[int], Array]) -> tuple[Array, PhaseCodes]:
    """Last sums, and the codes of neurons that test phase k when they have taken in the phases 0 .. k + wait."""
    taken = 0
    sums = arriving(taken)
    codes = np.full(sums.shape, firing.timesteps, np.uint8)
    for phase in range(firing.timesteps):
        while taken < min(phase + firing.wait, firing.timesteps - 1):
            taken += 1
            sums += arriving(taken)
        reached = sums >= by_channel(firing.thresholds[:, phase], sums)
        codes[reached & (codes == firing.timesteps)] = phase
    return sums, codes


def _integrate(neurons: Neurons, values: Array) -> Array:
    """Sums of weights times values: [C_in, H, N, W] to [C, H, N, W], or [K, N] to [C, N]."""
    layer = neurons.layer
    if layer.kind == "linear":
        return neurons.synapses.sums([values[np.newaxis]])
    height, width = layer.shape[1:]
    return neurons.synapses.sums(kernel_rows(values, layer)).reshape(layer.shape[0], height, -1, width)


def _thresholds(layer: Layer, lowest: int, highest: int, dtype: np.dtype[Any]) -> Array:
    """Ladder - B, clipped to what a sum can tell apart: so the type of the sums holds it exactly."""
    assert layer.ladder is not None
    assert layer.bias is not None
    exact = layer.ladder.astype(object) - layer.bias.astype(object)[:, np.newaxis]
    return np.asarray(np.clip(exact, lowest, highest + 1), dtype)


def by_channel(values: Array, like: Array) -> Array:
    """[C] as an array that broadcasts over `like`, [C, ...]."""
    return values.reshape(-1, *[1] * (like.ndim - 1))

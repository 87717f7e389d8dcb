"""Steps a network through its phases and adds one spike at a time into one neuron at a time.

Plain Python integers and loops throughout, so that nothing can overflow and nothing hides in an array operation.
It takes the fields of Network and shares no code with the golden model.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from onespike_hw.network import INPUT, Layer, Network

Position = tuple[int, ...]
"""Index of one value in a layer: (channel, row, column) or (channel,)."""

Spikes = dict[Position, list[int]]
"""For each value of a layer, the phases in which it spikes: at most one for a code, any number for a bundle."""


@dataclass(frozen=True)
class Reference:
    """What the network answers to a batch of N images.

    logits      int64 (N, *shape of the last layer): potentials of the layer that never fires
    codes       layer name -> uint8 (N, *shape): phase codes, T = silent; for every layer that codes leave
    potentials  name of a conv or linear layer -> int64 (N, *shape): what its neurons end the period with
    sops        name of a conv or linear layer -> int64 (N,): synaptic operations
    spikes      name of a layer that fires -> for each image, the spikes that its neurons fired
    """

    logits: NDArray[np.int64]
    codes: dict[str, NDArray[np.uint8]]
    potentials: dict[str, NDArray[np.int64]]
    sops: dict[str, NDArray[np.int64]]
    spikes: dict[str, list[Spikes]]


@dataclass(frozen=True)
class Signal:
    """What leaves a layer, for one image.

    charges     what a spike stands for, by phase; as long as the period of the train
    multi_bit   True for the network's own input, pooled and flattened too
    coded       True where every value spikes at most once
    """

    shape: tuple[int, ...]
    spikes: Spikes
    charges: list[int]
    multi_bit: bool
    coded: bool


@dataclass
class Neuron:
    """Integrate and fire, once in a period. It counts the spikes that it has taken in."""

    potential: int
    ladder: list[int]
    fired: bool = False
    sops: int = 0

    def integrate(self, charge: int) -> None:
        """Take in one spike."""
        self.potential += charge
        self.sops += 1

    def fires_in(self, phase: int) -> bool:
        """Compare with the threshold of this phase."""
        if self.fired or self.potential < self.ladder[phase]:
            return False
        self.fired = True
        return True


@dataclass
class Image:
    """What one image leaves behind."""

    signals: dict[str, Signal]
    potentials: dict[str, dict[Position, int]] = field(default_factory=dict)
    sops: dict[str, int] = field(default_factory=dict)


def simulate(net: Network, x_int: NDArray[np.integer], arrival_order: np.random.Generator | None = None) -> Reference:
    """Run input integers (N, *net.input_shape) through the network.

    With arrival_order, the spikes of one phase reach each neuron in an order drawn from it.
    """
    images = [_simulate_image(net, image, arrival_order) for image in x_int]
    synaptic = [layer for layer in net.layers if layer.kind in ("conv", "linear")]
    firing = [layer for layer in net.layers if layer.fires]
    potentials = {layer.name: _potentials(layer, images) for layer in synaptic}
    return Reference(
        logits=potentials[net.layers[-1].name],
        codes={layer.name: _codes(net, layer, images) for layer in net.layers if _is_coded(layer, images)},
        potentials=potentials,
        sops={layer.name: np.array([image.sops[layer.name] for image in images], np.int64) for layer in synaptic},
        spikes={layer.name: [image.signals[layer.name].spikes for image in images] for layer in firing},
    )


def _potentials(layer: Layer, images: list[Image]) -> NDArray[np.int64]:
    potentials = np.zeros((len(images), *layer.shape), np.int64)
    for index, image in enumerate(images):
        for position, potential in image.potentials[layer.name].items():
            potentials[(index, *position)] = potential
    return potentials


def _is_coded(layer: Layer, images: list[Image]) -> bool:
    return all(layer.name in image.signals and image.signals[layer.name].coded for image in images)


def _codes(net: Network, layer: Layer, images: list[Image]) -> NDArray[np.uint8]:
    codes = np.full((len(images), *layer.shape), net.timesteps, np.uint8)
    for index, image in enumerate(images):
        for position, phases in image.signals[layer.name].spikes.items():
            for phase in phases:
                codes[(index, *position)] = phase
    return codes


def _simulate_image(net: Network, x: NDArray[np.integer], arrival_order: np.random.Generator | None) -> Image:
    image = Image(signals={INPUT: _input_signal(net, x)})
    for layer in net.layers:
        source = image.signals[layer.inputs[0]]
        if layer.kind == "maxpool":
            image.signals[layer.name] = _max_pool(layer, source)
        elif layer.kind == "avgpool":
            image.signals[layer.name] = _average_pool(layer, source)
        elif layer.kind == "flatten":
            image.signals[layer.name] = _flatten(layer, source)
        else:
            _integrate_and_fire(net, layer, source, image, arrival_order)
    return image


def _input_signal(net: Network, x: NDArray[np.integer]) -> Signal:
    """Each input integer less its zero point as a binary train, most significant bit first, that one negative."""
    bits = net.input_bits + 1
    charges = [1 << (bits - 1 - phase) for phase in range(bits)]
    charges[0] = -charges[0]
    spikes: Spikes = {}
    for position in positions(net.input_shape):
        value = int(x[position]) - int(net.input_zero_point[position[0]])
        pattern = value % (1 << bits)
        spikes[position] = [phase for phase in range(bits) if pattern >> (bits - 1 - phase) & 1]
    return Signal(net.input_shape, spikes, charges, multi_bit=True, coded=False)


def _max_pool(layer: Layer, source: Signal) -> Signal:
    """The earliest spike of the window wins."""
    spikes: Spikes = {}
    for out in positions(layer.shape):
        arrivals = [phase for position in _window(layer, source.shape, out) for phase in source.spikes[position]]
        spikes[out] = [min(arrivals)] if arrivals else []
    return Signal(layer.shape, spikes, source.charges, source.multi_bit, source.coded)


def _average_pool(layer: Layer, source: Signal) -> Signal:
    """All spikes of the window, in one bundle."""
    spikes: Spikes = {}
    for out in positions(layer.shape):
        spikes[out] = [phase for position in _window(layer, source.shape, out) for phase in source.spikes[position]]
    return Signal(layer.shape, spikes, source.charges, source.multi_bit, coded=False)


def _flatten(layer: Layer, source: Signal) -> Signal:
    spikes: Spikes = {}
    for index, position in enumerate(positions(source.shape)):
        spikes[(index,)] = source.spikes[position]
    return Signal(layer.shape, spikes, source.charges, source.multi_bit, source.coded)


def _integrate_and_fire(
    net: Network, layer: Layer, source: Signal, image: Image, arrival_order: np.random.Generator | None
) -> None:
    """Every neuron of a conv or linear layer; leaves its spikes, potentials and SOPs in the image."""
    weights = layer.weight.tolist()
    biases = layer.bias.tolist()
    ladders = layer.ladder.tolist() if layer.fires else [[] for _ in biases]
    constants = net.phase_constants if layer.phase_constants is None else layer.phase_constants
    lag = len(source.charges) - 1 if source.multi_bit else net.wait
    spikes: Spikes = {}
    image.sops[layer.name] = 0
    image.potentials[layer.name] = {}
    for out in positions(layer.shape):
        channel = out[0]
        arrivals: list[list[int]] = [[] for _ in source.charges]
        for position, weight in _synapses(layer, weights, source.shape, out):
            for phase in source.spikes[position]:
                arrivals[phase].append(weight)
        if arrival_order is not None:
            for weights_of_phase in arrivals:
                arrival_order.shuffle(weights_of_phase)
        neuron = Neuron(biases[channel], ladders[channel])
        spikes[out] = _step(neuron, arrivals, source.charges, lag)
        image.sops[layer.name] += neuron.sops
        image.potentials[layer.name][out] = neuron.potential
    if layer.fires:
        image.signals[layer.name] = Signal(layer.shape, spikes, constants.tolist(), multi_bit=False, coded=True)


def _step(neuron: Neuron, arrivals: list[list[int]], charges: list[int], lag: int) -> list[int]:
    """Play one period; the neuron tests its phase k in step k + lag, behind the arrivals of that step.

    Returns the phases in which the neuron fired.
    """
    fired: list[int] = []
    for step in range(max(len(arrivals), lag + len(neuron.ladder))):
        if step < len(arrivals):
            for weight in arrivals[step]:
                neuron.integrate(weight * charges[step])
        phase = step - lag
        if 0 <= phase < len(neuron.ladder) and neuron.fires_in(phase):
            fired.append(phase)
    return fired


def positions(shape: tuple[int, ...]) -> Iterator[Position]:
    """Every index of that shape, last axis fastest."""
    return itertools.product(*(range(size) for size in shape))


def _taps(layer: Layer, in_shape: tuple[int, ...], row: int, column: int) -> Iterator[tuple[int, int, int, int]]:
    """Kernel row and column, and input row and column under it, of a window; padding left out."""
    for kernel_row, kernel_column in positions(layer.kernel_size):
        in_row = row * layer.stride[0] + kernel_row - layer.padding[0]
        in_column = column * layer.stride[1] + kernel_column - layer.padding[1]
        if 0 <= in_row < in_shape[1] and 0 <= in_column < in_shape[2]:
            yield kernel_row, kernel_column, in_row, in_column


def _window(layer: Layer, in_shape: tuple[int, ...], out: Position) -> Iterator[Position]:
    """Input positions under a pooling window."""
    channel, row, column = out
    for _, _, in_row, in_column in _taps(layer, in_shape, row, column):
        yield channel, in_row, in_column


def _synapses(layer: Layer, weights: list, in_shape: tuple[int, ...], out: Position) -> Iterator[tuple[Position, int]]:
    """Input position and weight of every synapse of one neuron."""
    if layer.kind == "linear":
        for index in range(in_shape[0]):
            yield (index,), weights[out[0]][index]
        return
    channel, row, column = out
    channels_per_group = in_shape[0] // layer.groups
    group = channel // (layer.shape[0] // layer.groups)
    for kernel_row, kernel_column, in_row, in_column in _taps(layer, in_shape, row, column):
        for index in range(channels_per_group):
            source_channel = group * channels_per_group + index
            yield (source_channel, in_row, in_column), weights[channel][index][kernel_row][kernel_column]

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
from tests.reference import graphs

Position = tuple[int, ...]
"""Index of one value in a layer: (channel, row, column), (channel,), or (channel, node) over a graph."""

Arrivals = list[list[int]]
"""For each phase, the charges that reach a neuron."""

Spikes = dict[Position, list[int]]
"""For each value of a layer, the phases in which it spikes: at most one for a code, any number for a bundle."""


@dataclass(frozen=True)
class Reference:
    """What the network answers to a batch of N images.

    logits      int64 (N, *shape of the last layer): potentials of the layer that never fires
    codes       layer name -> uint8 (N, *shape): phase codes, T = silent; for every layer that codes leave
    potentials  name of a layer with neurons -> int64 (N, *shape): what its neurons end the period with
    sops        name of a layer with neurons -> int64 (N,): synaptic operations
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
    """Integrate and fire, once in a period."""

    potential: int
    ladder: list[int]
    fired: bool = False

    def integrate(self, charge: int) -> None:
        """Take in one spike."""
        self.potential += charge

    def fires_in(self, phase: int) -> bool:
        """Compare with the threshold of this phase."""
        if self.fired or self.potential < self.ladder[phase]:
            return False
        self.fired = True
        return True


@dataclass
class Image:
    """What one image leaves behind.

    arrivals    name of a conv or linear layer that does not fire -> for each of its neurons, by phase, the charges that
                reach it: they reach the add that reads the layer as well
    """

    signals: dict[str, Signal]
    arrivals: dict[str, dict[Position, Arrivals]] = field(default_factory=dict)
    potentials: dict[str, dict[Position, int]] = field(default_factory=dict)
    sops: dict[str, int] = field(default_factory=dict)


def simulate(net: Network, x_int: NDArray[np.integer], arrival_order: np.random.Generator | None = None) -> Reference:
    """Run input integers (N, *net.input_shape) through the network; (N, nodes, C) over a graph.

    With arrival_order, the spikes of one phase reach each neuron in an order drawn from it.
    """
    in_network_order = x_int if net.graph is None else x_int.transpose(0, 2, 1)
    images = [_simulate_image(net, image, arrival_order) for image in in_network_order]
    synaptic = [layer for layer in net.layers if layer.kind in ("conv", "linear", "graphconv", "add")]
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
        if layer.kind == "maxpool":
            image.signals[layer.name] = _max_pool(layer, image.signals[layer.inputs[0]])
        elif layer.kind == "avgpool":
            image.signals[layer.name] = _average_pool(layer, image.signals[layer.inputs[0]])
        elif layer.kind == "flatten":
            image.signals[layer.name] = _flatten(layer, image.signals[layer.inputs[0]])
        elif layer.kind == "add":
            _add_and_fire(net, layer, image, arrival_order)
        elif layer.kind == "graphconv":
            _convolve_graph(net, layer, image, arrival_order)
        else:
            _integrate_and_fire(net, layer, image.signals[layer.inputs[0]], image, arrival_order)
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
    """Every neuron of a conv or linear layer."""
    weights = layer.weight.tolist()
    arrivals: dict[Position, Arrivals] = {}
    for out in positions(layer.shape):
        arrivals[out] = [[] for _ in source.charges]
        for position, weight in _synapses(layer, weights, source.shape, out):
            for phase in source.spikes[position]:
                arrivals[out][phase].append(weight * source.charges[phase])
    if not layer.fires:
        image.arrivals[layer.name] = arrivals
    image.sops[layer.name] = _count(arrivals)
    lag = len(source.charges) - 1 if source.multi_bit else net.wait
    _run_neurons(net, layer, arrivals, lag, image, arrival_order)


def _add_and_fire(net: Network, layer: Layer, image: Image, arrival_order: np.random.Generator | None) -> None:
    """Every neuron of an add: what reaches the neurons of a layer that does not fire reaches it, and so do codes."""
    arrivals: dict[Position, Arrivals] = {out: [[] for _ in range(net.timesteps)] for out in positions(layer.shape)}
    image.sops[layer.name] = 0
    for name, weights in zip(layer.inputs, layer.operand_weight.tolist(), strict=True):
        if name not in image.signals:
            branch = image.arrivals.pop(name)
        else:
            source = image.signals[name]
            branch = {out: [[] for _ in source.charges] for out in positions(layer.shape)}
            for out, by_phase in branch.items():
                for phase in source.spikes[out]:
                    by_phase[phase].append(weights[out[0]] * source.charges[phase])
            image.sops[layer.name] += _count(branch)
        for out, by_phase in branch.items():
            for phase, charges in enumerate(by_phase):
                arrivals[out][phase] += charges
    _run_neurons(net, layer, arrivals, net.wait, image, arrival_order)


def _convolve_graph(net: Network, layer: Layer, image: Image, arrival_order: np.random.Generator | None) -> None:
    source = image.signals[layer.inputs[0]]
    answer = graphs.respond(layer, net.graph, source.spikes, source.charges, arrival_order)
    image.potentials[layer.name], image.sops[layer.name] = answer.potentials, answer.operations
    if layer.fires:
        constants = net.phase_constants if layer.phase_constants is None else layer.phase_constants
        image.signals[layer.name] = Signal(layer.shape, answer.phases, constants.tolist(), multi_bit=False, coded=True)


def _count(arrivals: dict[Position, Arrivals]) -> int:
    return sum(len(charges) for by_phase in arrivals.values() for charges in by_phase)


def _run_neurons(
    net: Network,
    layer: Layer,
    arrivals: dict[Position, Arrivals],
    lag: int,
    image: Image,
    arrival_order: np.random.Generator | None,
) -> None:
    """Let charges arrive at the neurons of a layer; leaves its spikes and potentials in the image."""
    biases = layer.bias.tolist()
    ladders = layer.ladder.tolist() if layer.fires else [[] for _ in biases]
    constants = net.phase_constants if layer.phase_constants is None else layer.phase_constants
    spikes: Spikes = {}
    image.potentials[layer.name] = {}
    for out, by_phase in arrivals.items():
        if arrival_order is not None:
            for charges in by_phase:
                arrival_order.shuffle(charges)
        neuron = Neuron(biases[out[0]], ladders[out[0]])
        spikes[out] = _step(neuron, by_phase, lag)
        image.potentials[layer.name][out] = neuron.potential
    if layer.fires:
        image.signals[layer.name] = Signal(layer.shape, spikes, constants.tolist(), multi_bit=False, coded=True)


def _step(neuron: Neuron, arrivals: Arrivals, lag: int) -> list[int]:
    """Play one period; the neuron tests its phase k in step k + lag, behind the arrivals of that step.

    Returns the phases in which the neuron fired.
    """
    fired: list[int] = []
    for step in range(max(len(arrivals), lag + len(neuron.ladder))):
        if step < len(arrivals):
            for charge in arrivals[step]:
                neuron.integrate(charge)
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

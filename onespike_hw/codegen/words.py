"""How many channels a word of a stream holds, and which words suit which layer."""

from __future__ import annotations

from onespike_hw.codegen.streams import Stream
from onespike_hw.network import INPUT, Layer, Network

WORD_CHANNELS = {
    ("conv", "conv"): 32,
    ("conv", "linear"): 16,
    ("linear", "linear"): 8,
    ("graphconv", "graphconv"): 8,
}
"""Channels in a word of codes, at most, between two kinds of layers: the reader looks at all of them in one clock."""

ADD_CHANNELS = 8
"""Channels in a word of an add, at most: each has a neuron of its own."""

SPIKE_CHANNELS = 64
"""Channels in a word of an input of single bits, at most."""


def divisors(value: int) -> list[int]:
    """All divisors, rising."""
    return [d for d in range(1, value + 1) if value % d == 0]


def map_of(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """(channels, height, width); nodes stand below one another."""
    channels, height, width = (*shape, 1, 1)[:3]
    return channels, height, width


def _suits_groups(n: int, channels: int, groups: int) -> bool:
    """Can a layer of so many groups read words of n channels? Words within a group, or whole groups within a word."""
    size = channels // groups
    return size % n == 0 or (n % size == 0 and groups % (n // size) == 0)


def _readers(net: Network, name: str) -> list[Layer]:
    """The layers that look at the words of a layer, behind pooling and flattening too: those with weights, and adds."""
    found: list[Layer] = []
    for layer in net.readers_of(name):
        looks = layer.weight is not None or layer.kind == "add"
        found += [layer] if looks else _readers(net, layer.name)
    return found


def _suits_readers(net: Network, name: str, n: int, channels: int) -> bool:
    """Can all layers that look at the words of a layer read words of n channels?"""
    return all(_suits_groups(n, channels, reader.groups) for reader in _readers(net, name))


def group_passes_of(channels: int, groups: int, n: int) -> tuple[int, int]:
    """(passes over groups, groups side by side in a word) for words of n channels."""
    size = channels // groups
    return (groups, 1) if size % n == 0 else (groups // (n // size), n // size)


def input_stream(net: Network, bus_bits: int) -> tuple[Stream, int]:
    """The stream behind the zero points, and the bits of one value's field on a bus of `bus_bits`."""
    channels, height, width = map_of(net.input_shape)
    if _is_read_as_vector(net):
        channels, height, width = channels * height * width, 1, 1
    if takes_spikes(net):
        most = min(bus_bits, SPIKE_CHANNELS)
        n = max(d for d in divisors(channels) if d <= most)
        return Stream(INPUT, INPUT, channels, height, width, n, 1, 1, True), 1
    field = 8 if net.input_bits <= 8 else 16
    fitting = [
        d for d in divisors(channels) if d * field <= max(bus_bits, field) and _suits_readers(net, INPUT, d, channels)
    ]
    return Stream(INPUT, INPUT, channels, height, width, max(fitting), 1, net.input_bits + 1, False), field


def _is_read_as_vector(net: Network) -> bool:
    """Grey images that are flattened first: pixels and elements of the vector are in the same order."""
    return net.input_shape[0] == 1 and all(layer.kind == "flatten" for layer in net.readers_of(INPUT))


def takes_spikes(net: Network) -> bool:
    """Features of a node are single bits: the engines add the weights of those that are set."""
    single = net.input_bits == 1 and not net.input_signed
    return net.graph is not None and single and not net.input_zero_point.any()


def _like(layer: Layer) -> str:
    """The kind of layer with weights whose windows a layer has: an add those of the layers that may feed it."""
    if layer.kind != "add":
        return layer.kind
    return "conv" if len(layer.shape) == 3 else "linear"


def word_channels(net: Network, layer: Layer, largest: int, limit: int) -> int:
    """Channels in a word of codes: as many as a limit, the layer's lanes, its readers and WORD_CHANNELS allow."""
    channels = layer.shape[0]
    most = min(limit, *(WORD_CHANNELS[_like(layer), _like(reader)] for reader in _readers(net, layer.name)))
    if layer.kind == "add":
        most = min(most, ADD_CHANNELS)
    fitting = (d for d in divisors(largest) if d <= most)
    return max(d for d in fitting if _suits_readers(net, layer.name, d, channels))

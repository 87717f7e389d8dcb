"""Random networks for every equivalence test: golden model, Verilog and HLS.

    net = build(rng, (1, 5, 5), [conv(4, 3, padding=1), maxpool(2), flatten(), linear(3)], wait=2)
    x = random_inputs(rng, net, 3)

Weights are random; biases and ladders follow from the potentials that random inputs reach, so that about half of the
neurons stay silent and the others use all phases. No torch here.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onespike_hw.graph import Graph
from onespike_hw.network import INPUT, Int64, Layer, Network, Pair, output_size
from tests.reference import simulate

MAX_FRACTION_BITS = 30
GUARD_BITS = 4
"""Bits below the last phase constant, so that rounding cannot make the constants of a root base rise."""


@dataclass(frozen=True)
class Root:
    """The base Q = 2^(m/n), whose constants fall into n classes that differ by shifts of m."""

    m: int
    n: int

    def __float__(self) -> float:
        return 2.0 ** (self.m / self.n)


Base = Root | float


@dataclass(frozen=True)
class Spec:
    """What a layer is to be; shapes, weights, biases and ladders follow when the network is built.

    reads   names of the layers that it reads; () for the one before it
    charge  it does not fire, and feeds an add
    shift   of a graphconv layer
    """

    kind: str
    channels: int = 0
    kernel: Pair = (1, 1)
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    groups: int = 1
    base: Base | None = None
    silent: bool = False
    name: str = ""
    reads: tuple[str, ...] = ()
    charge: bool = False
    shift: int = 0


def conv(
    channels: int,
    kernel: int | Pair,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    groups: int = 1,
    base: Base | None = None,
    silent: bool = False,
    name: str = "",
    reads: str = "",
    charge: bool = False,
) -> Spec:
    """A convolution; `base` gives it phase constants of its own, `silent` thresholds that it hardly ever reaches."""
    window = _pair(kernel), _pair(stride), _pair(padding)
    return Spec("conv", channels, *window, groups, base, silent, name, _names(reads), charge)


def linear(channels: int, base: Base | None = None, name: str = "", reads: str = "", charge: bool = False) -> Spec:
    """A fully connected layer; it needs a vector, so put a flatten behind an image."""
    return Spec("linear", channels, base=base, name=name, reads=_names(reads), charge=charge)


def graphconv(channels: int, shift: int = 0, base: Base | None = None, silent: bool = False, name: str = "") -> Spec:
    """A convolution over the network's graph."""
    return Spec("graphconv", channels, base=base, silent=silent, name=name, shift=shift)


def add(first: str, second: str, base: Base | None = None, name: str = "") -> Spec:
    """The sum of two layers, which fires: of charges, and of codes with random operand weights."""
    return Spec("add", base=base, name=name, reads=(first, second))


def maxpool(
    kernel: int | Pair, stride: int | Pair | None = None, padding: int | Pair = 0, name: str = "", reads: str = ""
) -> Spec:
    """Max pooling; the stride is the kernel's size unless given."""
    return dataclasses.replace(_pool("maxpool", kernel, stride, padding), name=name, reads=_names(reads))


def avgpool(kernel: int | Pair, stride: int | Pair | None = None, padding: int | Pair = 0) -> Spec:
    """Average pooling; the stride is the kernel's size unless given."""
    return _pool("avgpool", kernel, stride, padding)


def flatten() -> Spec:
    """(C, H, W) to (C * H * W,)."""
    return Spec("flatten")


def _pool(kind: str, kernel: int | Pair, stride: int | Pair | None, padding: int | Pair) -> Spec:
    return Spec(kind, kernel=_pair(kernel), stride=_pair(kernel if stride is None else stride), padding=_pair(padding))


def _names(name: str) -> tuple[str, ...]:
    return (name,) if name else ()


def _pair(value: int | Pair) -> Pair:
    return (value, value) if isinstance(value, int) else value


def fraction_bits_for(base: Base, timesteps: int, start: int = 0) -> int:
    """Fraction bits that leave GUARD_BITS below the smallest phase constant."""
    return math.ceil((timesteps - 1 + start) * math.log2(float(base))) + GUARD_BITS


def phase_constants(base: Base, timesteps: int, fraction_bits: int, start: int = 0) -> Int64:
    """q_k = round(2^F * Q^-(k + start)); for a root base q_k = q_(k+n) << m holds exactly."""
    constants = [round(2**fraction_bits * float(base) ** -(phase + start)) for phase in range(timesteps)]
    if isinstance(base, Root):
        for phase in reversed(range(timesteps - base.n)):
            constants[phase] = constants[phase + base.n] << base.m
    return np.array(constants, np.int64)


def output_shape(spec: Spec, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Shape of what leaves a layer that reads `shape`."""
    if spec.kind == "flatten":
        return (math.prod(shape),)
    if spec.kind == "linear":
        return (spec.channels,)
    if spec.kind == "graphconv":
        return (spec.channels, shape[1])
    if spec.kind == "add":
        return shape
    rows, columns = map(output_size, shape[1:], spec.kernel, spec.stride, spec.padding)
    return (spec.channels or shape[0], rows, columns)


def build(
    rng: np.random.Generator,
    input_shape: tuple[int, ...],
    layers: Sequence[Spec],
    *,
    timesteps: int = 8,
    base: Base = Root(1, 2),
    start: int = 0,
    wait: int | None = None,
    input_bits: int = 8,
    input_signed: bool = False,
    zero_point: int | Sequence[int] = 0,
    graph: Graph | None = None,
) -> Network:
    """A valid random network of `layers`, of which the last one integrates and does not fire.

    input_shape is (C, nodes) over a graph, whose layers are all graphconv.

    wait None is settled. zero_point is one for all input channels, or a list of one a channel.
    The layers are called conv1, maxpool2, ... by their place, unless they have a name of their own.
    """
    bases = [base, *(spec.base for spec in layers if spec.base is not None)]
    fraction_bits = max(fraction_bits_for(each, timesteps, start) for each in bases)
    zero_points = np.broadcast_to(np.asarray(zero_point, np.int64), input_shape[:1]).copy()
    fields: dict[str, Any] = {
        "timesteps": timesteps,
        "base": float(base),
        "start": start,
        "phase_constants": phase_constants(base, timesteps, fraction_bits, start),
        "fraction_bits": fraction_bits,
        "wait": timesteps - 1 if wait is None else wait,
        "input_shape": input_shape,
        "input_bits": input_bits,
        "input_signed": input_signed,
        "input_zero_point": zero_points,
        "input_scale": rng.uniform(0.5, 2.0, input_shape[0]) / 2**input_bits,
        "input_offset": zero_points + rng.uniform(-0.45, 0.45, input_shape[0]),
        "graph": graph,
    }
    done: dict[str, Layer] = {}
    for index, spec in enumerate(layers):
        sources = spec.reads or (next(reversed(done), INPUT),)
        shape = input_shape if sources == (INPUT,) else done[sources[0]].shape
        layer = _layer(rng, spec, spec.name or f"{spec.kind}{index + 1}", sources, shape)
        if spec.kind == "add":
            layer = dataclasses.replace(layer, operand_weight=_operand_weight(rng, [done[name] for name in sources]))
        if layer.bias is not None and not spec.charge:
            prefix = Network(layers=tuple(_probed(done, layer)), **fields)
            layer = _with_bias_and_ladder(rng, prefix, layer, index < len(layers) - 1, spec.silent)
        if spec.base is not None:
            own = phase_constants(spec.base, timesteps, fraction_bits, start)
            layer = dataclasses.replace(layer, phase_constants=own)
        done[layer.name] = layer
    return Network(layers=tuple(done.values()), **fields)


def _layer(rng: np.random.Generator, spec: Spec, name: str, sources: tuple[str, ...], shape: tuple[int, ...]) -> Layer:
    """The layer without bias and ladder yet."""
    layer = Layer(
        name=name,
        kind=spec.kind,
        inputs=sources,
        shape=output_shape(spec, shape),
        kernel_size=spec.kernel,
        stride=spec.stride,
        padding=spec.padding,
        groups=spec.groups,
        shift=spec.shift,
    )
    if spec.kind not in ("conv", "linear", "graphconv", "add"):
        return layer
    channels = layer.shape[0]
    layer = dataclasses.replace(layer, bias=np.zeros(channels, np.int64), scale=np.ones(channels))
    if spec.kind == "add":
        return layer
    window = spec.kernel if spec.kind == "conv" else ()
    weight = rng.integers(-128, 128, (channels, shape[0] // spec.groups, *window)).astype(np.int8)
    return dataclasses.replace(layer, weight=weight)


def _operand_weight(rng: np.random.Generator, operands: list[Layer]) -> Int64:
    """1 for a charge; of codes, weights of either sign, up to 12 bits, as large in all as what stands beside them."""
    channels = operands[0].shape[0]
    rows = []
    for operand in operands:
        shortcut = operand.fires or operand.weight is None
        reach = rng.integers(100, 2048)
        rows.append(rng.integers(-reach // 2, reach, channels) if shortcut else np.ones(channels, np.int64))
    return np.array(rows, np.int64)


def _probed(done: dict[str, Layer], layer: Layer) -> list[Layer]:
    """A network's layers up to this one; behind an add, one that integrates, as a network needs."""
    needed = {layer.name: layer}
    for name in reversed(done):
        if any(name in reader.inputs for reader in needed.values()):
            needed[name] = done[name]
    layers = [*(done[name] for name in done if name in needed), layer]
    if layer.kind != "add":
        return layers
    channels = layer.shape[0]
    unused = np.zeros((channels, len(next(x.ladder for x in done.values() if x.fires)[0])), np.int64)
    fires = dataclasses.replace(layer, fires=True, ladder=unused, full_scale=np.ones(channels))
    probe = Layer(
        name="probe",
        kind="conv" if len(layer.shape) == 3 else "linear",
        inputs=(layer.name,),
        shape=(1, *layer.shape[1:]),
        weight=np.ones((1, channels, *[1] * (len(layer.shape) - 1)), np.int8),
        bias=np.zeros(1, np.int64),
        scale=np.ones(1),
    )
    return [*layers[:-1], fires, probe]


def _with_bias_and_ladder(rng: np.random.Generator, prefix: Network, layer: Layer, fires: bool, silent: bool) -> Layer:
    """The layer, which ends `prefix`, with a bias that silences about half of the neurons and a ladder over the others.

    Steps lie at random quantiles of the potentials above zero; one step of each channel is a potential that it does
    reach, so that reaching a threshold and passing it differ.
    """
    channels = layer.shape[0]
    images = max(4, 64 // math.prod(prefix.input_shape))
    potentials = simulate(prefix, random_inputs(rng, prefix, images)).potentials[layer.name]
    potentials = np.moveaxis(potentials, 1, 0).reshape(channels, -1)
    spread = 1 + float(potentials.std())
    bias = np.rint(rng.normal(0, spread / 4, channels) - np.median(potentials, axis=1)).astype(np.int64)
    reached = potentials + bias[:, np.newaxis]
    above = reached[reached > 0] if (reached > 0).any() else np.array([math.ceil(spread)])
    levels = np.sort(rng.uniform(0, 1, (channels, prefix.timesteps)))[:, ::-1].copy()
    levels[:, -1] = 0
    ladder = np.ceil(np.quantile(above, levels)).astype(np.int64)
    for steps, own in zip(ladder, np.maximum(reached, above.min()), strict=True):
        steps[rng.integers(prefix.timesteps)] = rng.choice(own)
    ladder = -np.sort(-ladder, axis=1)
    if silent:
        ladder += 8 * np.abs(reached).max()
    full_scale = rng.uniform(0.5, 4.0, channels)
    scale = full_scale / np.maximum(ladder[:, 0], 1)
    if not fires:
        return dataclasses.replace(layer, bias=bias, scale=scale)
    return dataclasses.replace(layer, fires=True, bias=bias, ladder=ladder, scale=scale, full_scale=full_scale)


def random_inputs(rng: np.random.Generator, net: Network, n: int) -> NDArray[np.int64]:
    """Input integers (n, *sample_shape) over the whole range, each extreme and the zero point often.

    Of three images or more, the last but one is all at the low extreme and the last one all at the high extreme.
    """
    low, high = net.input_range
    shape = (n, *net.sample_shape)
    zero = net.input_zero_point
    if net.graph is None:
        zero = zero.reshape(-1, *(1 for _ in net.input_shape[1:]))
    what = rng.integers(0, 8, shape)
    x = rng.integers(low, high + 1, shape)
    x = np.where(what == 0, low, np.where(what == 1, high, np.where(what == 2, zero, x)))
    if n >= 3:
        x[-2], x[-1] = low, high
    return x.astype(np.int64)

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
from hypothesis import strategies as st
from numpy.typing import NDArray

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
) -> Network:
    """A valid random network of `layers`, of which the last one integrates and does not fire.

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
    )
    if spec.kind not in ("conv", "linear", "add"):
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
    """Input integers (n, *input_shape) over the whole range, each extreme and the zero point often.

    Of three images or more, the last but one is all at the low extreme and the last one all at the high extreme.
    """
    low, high = net.input_range
    shape = (n, *net.input_shape)
    zero = net.input_zero_point.reshape(-1, *(1 for _ in net.input_shape[1:]))
    what = rng.integers(0, 8, shape)
    x = rng.integers(low, high + 1, shape)
    x = np.where(what == 0, low, np.where(what == 1, high, np.where(what == 2, zero, x)))
    if n >= 3:
        x[-2], x[-1] = low, high
    return x.astype(np.int64)


_BASES: tuple[Base, ...] = (
    Root(1, 1),
    Root(1, 2),
    Root(2, 3),
    Root(1, 4),
    Root(3, 4),
    Root(1, 3),
    Root(2, 1),
    1.1,
    1.37,
    1.9,
    3.0,
)


_strides = st.sampled_from((1, 1, 1, 2, 3))


def _kernel_sizes(limit: int) -> st.SearchStrategy[int]:
    return st.sampled_from([size for size in (1, 2, 3, 3, 4, 5, 7) if size <= limit])


@st.composite
def _pools(draw: st.DrawFn, shape: tuple[int, ...], coded: bool) -> Spec:
    """A pooling layer that fits an image of `shape`; maximum or average of codes, average of anything else."""
    kernel = draw(st.integers(1, min(3, shape[1]))), draw(st.integers(1, min(3, shape[2])))
    padding = draw(st.integers(0, kernel[0] // 2)), draw(st.integers(0, kernel[1] // 2))
    stride = draw(_strides), draw(_strides)
    pool = maxpool if coded and draw(st.booleans()) else avgpool
    return pool(kernel, stride, padding)


@st.composite
def _convs(draw: st.DrawFn, shape: tuple[int, ...]) -> Spec:
    """A convolution that fits an image of `shape`; its groups divide the channels, depthwise at the most."""
    padding = draw(st.integers(0, 2)), draw(st.integers(0, 2))
    rows, columns = (size + 2 * pad for size, pad in zip(shape[1:], padding, strict=True))
    kernel = draw(_kernel_sizes(rows)), draw(_kernel_sizes(columns))
    stride = draw(_strides), draw(_strides)
    groups = draw(st.sampled_from([g for g in range(1, shape[0] + 1) if shape[0] % g == 0]))
    channels = groups * draw(st.integers(1, max(1, 4 // groups)))
    return conv(channels, kernel, stride, padding, groups)


@st.composite
def _chains(draw: st.DrawFn, input_shape: tuple[int, ...], depth: int, bases: st.SearchStrategy[Base]) -> list[Spec]:
    """Layers of a whole network with `depth` weighted ones, pooling and flattening between them."""
    layers: list[Spec] = []
    shape = input_shape
    for index in range(depth):
        stage: list[Spec] = []
        coded = index > 0
        for _ in range(draw(st.sampled_from((0, 0, 1, 1, 2))) if len(shape) == 3 else 0):
            stage.append(draw(_pools(shape, coded)))
            coded = coded and stage[-1].kind == "maxpool"
            shape = output_shape(stage[-1], shape)
        if len(shape) == 3 and draw(st.sampled_from((True, True, True, True, False))):
            stage.append(draw(_convs(shape)))
        else:
            stage += [flatten()] if len(shape) == 3 or draw(st.booleans()) else []
            stage.append(linear(draw(st.integers(1, 6))))
        shape = output_shape(stage[-1], shape)
        own_base = draw(st.none() | bases) if index < depth - 1 else None
        layers += [*stage[:-1], dataclasses.replace(stage[-1], base=own_base)]
    return layers


@st.composite
def networks(draw: st.DrawFn, max_depth: int = 4) -> Network:
    """Small whole networks of every kind of layer, with one to max_depth weighted layers.

    Odd shapes, 1x1 images, strides to 3, oblong kernels, groups and depthwise, padding, overlapping and padded pooling,
    averages of the input and of averages, signed inputs, zero points, every wait, T 1..16, root and general bases.
    """
    timesteps = draw(st.integers(1, 16))
    start = draw(st.integers(0, 1))
    bases = st.sampled_from([b for b in _BASES if fraction_bits_for(b, timesteps, start) <= MAX_FRACTION_BITS])
    image = st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9))
    is_image = draw(st.sampled_from((True, True, True, True, False)))
    input_shape = draw(image if is_image else st.tuples(st.integers(1, 12)))
    input_bits = draw(st.integers(1, 10))
    input_signed = draw(st.booleans())
    low = -(1 << (input_bits - 1)) if input_signed else 0
    zero_points = st.lists(st.integers(low, low + 2**input_bits - 1), min_size=input_shape[0], max_size=input_shape[0])
    return build(
        np.random.default_rng(draw(st.integers(0, 2**32 - 1))),
        input_shape,
        draw(_chains(input_shape, draw(st.integers(1, max_depth)), bases)),
        timesteps=timesteps,
        base=draw(bases),
        start=start,
        wait=draw(st.integers(0, timesteps - 1)),
        input_bits=input_bits,
        input_signed=input_signed,
        zero_point=draw(zero_points),
    )


@dataclass(frozen=True)
class Case:
    """A network to be built, always from the same random numbers; `options` are those of `build`."""

    input_shape: tuple[int, ...]
    layers: tuple[Spec, ...]
    options: dict[str, Any]

    def __call__(self) -> Network:
        return build(np.random.default_rng(7), self.input_shape, self.layers, **self.options)


def _case(input_shape: tuple[int, ...], *layers: Spec, **options: Any) -> Case:
    return Case(input_shape, layers, options)


def _chain(**options: Any) -> Case:
    """Every sort of layer once: what changes from case to case is in the options."""
    layers = conv(5, 3, padding=1), maxpool(2), conv(6, 3), avgpool(2), flatten(), linear(5), linear(3)
    return _case((1, 8, 8), *layers, **options)


CASES: dict[str, Case] = {
    "conv_padded": _case((3, 5, 5), conv(5, 3, padding=1), conv(3, 3, padding=1), flatten(), linear(3)),
    "image_1x1": _case((3, 1, 1), conv(5, 1), conv(3, 3, padding=1), flatten(), linear(3)),
    "tall_kernel_one_pixel": _case((1, 1, 1), conv(2, (4, 1), padding=(2, 0)), flatten(), linear(3)),
    "one_channel": _case((1, 6, 6), conv(1, 3), conv(1, 2), conv(1, 2)),
    "stride_3": _case((1, 11, 10), conv(3, 3, stride=3, padding=1), conv(5, 2, stride=3), flatten(), linear(3)),
    "stride_over_kernel": _case((3, 6, 5), conv(5, 1, stride=2), conv(3, 2, padding=1, stride=3), flatten(), linear(3)),
    "padding_over_kernel": _case((1, 4, 3), conv(3, 1, padding=1), conv(2, 2, padding=(2, 1)), conv(2, (1, 2))),
    "kernel_7x5": _case((1, 11, 9), conv(3, (7, 5), padding=(3, 2)), conv(3, (7, 5), (2, 1)), flatten(), linear(3)),
    "groups_2": _case((2, 5, 5), conv(6, 3, groups=2), conv(4, 2, padding=1, groups=2), flatten(), linear(3)),
    "depthwise": _case((3, 5, 5), conv(3, 3, padding=1, groups=3), conv(3, 3, groups=3), conv(5, 1), conv(3, 2)),
    "depthwise_multiplier_2": _case((3, 4, 4), conv(6, 3, 1, 1, 3), conv(12, 2, groups=6), flatten(), linear(3)),
    "avgpool_2": _case((1, 8, 8), conv(5, 3, padding=1), avgpool(2), conv(3, 3, padding=1), avgpool(2), conv(3, 2)),
    "avgpool_overlapping_padded": _case((1, 7, 7), conv(3, 3), avgpool(3, 2, 1), conv(5, 2), flatten(), linear(3)),
    "avgpool_global": _case((1, 6, 6), conv(5, 3), conv(6, 3, padding=1), avgpool(4), flatten(), linear(3)),
    "avgpool_of_input": _case(
        (3, 7, 6), avgpool((3, 2), 2, 1), conv(5, 3, padding=1), conv(3, 2), wait=1, zero_point=100
    ),
    "avgpool_of_average": _case((1, 8, 8), conv(3, 3, padding=1), avgpool(2), avgpool(2, 1), conv(5, 2), conv(3, 2)),
    "maxpool_2": _case((1, 9, 9), conv(5, 3, padding=1), maxpool(2), conv(3, 3), maxpool(2), flatten(), linear(3)),
    "maxpool_overlapping_padded": _case((1, 7, 7), conv(3, 3), maxpool(3, 2, 1), conv(5, 2), flatten(), linear(3)),
    "maxpool_then_avgpool": _case((1, 9, 9), conv(3, 2), maxpool(2), avgpool(2), flatten(), linear(3)),
    "mlp": _case((20,), linear(7), linear(6), linear(3)),
    "flatten_of_vector": _case((5,), flatten(), linear(6), linear(3)),
    "linear_many_inputs": _case((1, 12, 12), flatten(), linear(5), linear(3)),
    "logits_are_images": _case((1, 6, 6), conv(3, 3, padding=1), conv(3, 3, stride=2)),
    "single_layer": _case((3, 4, 4), flatten(), linear(5)),
    "single_conv": _case((3, 5, 5), conv(3, 3, padding=1, groups=3)),
    "dotted_names": _case(
        (1, 5, 5), conv(3, 3, name="0"), conv(3, 3, name="body.1.conv"), conv(3, 1, name="body.head")
    ),
    "silent_layer": _case((1, 5, 5), conv(3, 3), conv(5, 2, silent=True), flatten(), linear(3)),
    "input_signed": _chain(input_signed=True),
    "input_1_bit": _chain(input_bits=1),
    "zero_point": _case((3, 5, 5), conv(5, 3, padding=1), flatten(), linear(3), zero_point=(0, 131, 255)),
    "zero_point_signed": _case(
        (3, 5, 5), conv(5, 3, padding=1), flatten(), linear(3), input_signed=True, zero_point=(-128, 5, 127)
    ),
    "wait_0": _chain(wait=0),
    "wait_2": _chain(wait=2),
    "wait_settled": _chain(wait=7),
    "root_2": _chain(base=Root(1, 1)),
    "root_2_1_2": _chain(base=Root(1, 2), start=1),
    "root_2_2_3": _chain(base=Root(2, 3)),
    "root_2_1_4": _chain(base=Root(1, 4)),
    "general_base": _chain(base=1.37),
    "general_base_wait_1": _chain(base=1.37, wait=1),
    "timesteps_1": _chain(timesteps=1),
    "timesteps_3": _chain(timesteps=3, base=Root(1, 4)),
    "timesteps_32": _chain(timesteps=32, base=Root(1, 4)),
    "per_layer_constants": _case(
        (1, 6, 6),
        conv(3, 3, base=Root(1, 1)),
        maxpool(2),
        conv(5, 2, padding=1, base=Root(2, 3)),
        avgpool(2, 1),
        flatten(),
        linear(5, base=1.6),
        linear(3),
    ),
}
"""One small network for each kind of layer, odd shape and option: name -> builder."""


def _block(name: str, source: str, channels: int, stride: int = 1, groups: int = 1, **options: Any) -> tuple[Spec, ...]:
    """A basic residual block, with a 1x1 shortcut where it has a stride, else with the identity."""
    first, second, shortcut = (f"{name}.{part}" for part in ("conv1", "conv2", "shortcut"))
    main = (
        conv(channels, 3, stride, 1, groups, name=first, reads=source),
        conv(channels, 3, 1, 1, groups, name=second, charge=True),
    )
    if stride == 1:
        return (*main, add(second, source, name=name, **options))
    return (
        *main,
        conv(channels, 1, stride, name=shortcut, reads=source, charge=True),
        add(second, shortcut, name=name),
    )


_stem = conv(4, 3, padding=1, name="stem")

RESIDUAL_CASES: dict[str, Case] = {
    "identity": _case((2, 6, 5), _stem, *_block("a", "stem", 4), flatten(), linear(3)),
    "identity_first": _case(
        (1, 5, 6), _stem, conv(4, 3, padding=1, name="c", charge=True), add("stem", "c", name="a"), conv(3, (5, 6))
    ),
    "shortcut_1x1_stride_2": _case((2, 7, 8), _stem, *_block("a", "stem", 6, 2), flatten(), linear(3)),
    "two_blocks_avgpool": _case(
        (1, 8, 8), _stem, *_block("a", "stem", 4), *_block("b", "a", 6, 2), avgpool(4), flatten(), linear(3)
    ),
    "maxpool_before": _case(
        (1, 9, 9), _stem, maxpool(3, 2, 1, name="pool"), *_block("a", "pool", 4), avgpool(5), flatten(), linear(3)
    ),
    "maxpool_on_the_shortcut": _case(
        (1, 8, 8),
        _stem,
        maxpool(2, name="pool"),
        conv(4, 3, 2, 1, name="c", reads="stem", charge=True),
        add("c", "pool"),
        conv(3, 4),
    ),
    "groups": _case((2, 6, 6), _stem, *_block("a", "stem", 4, 1, 2), *_block("b", "a", 8, 2, 4), flatten(), linear(3)),
    "depthwise": _case((2, 6, 6), _stem, *_block("a", "stem", 4, 1, 4), *_block("b", "a", 8, 2, 4), conv(3, 3)),
    "bottleneck": _case(
        (2, 6, 6),
        _stem,
        conv(3, 1, name="c1"),
        conv(3, 3, 1, 1, name="c2"),
        conv(4, 1, name="c3", charge=True),
        add("c3", "stem"),
        conv(3, 6),
    ),
    "two_convolutions_of_one_layer": _case(
        (2, 6, 7),
        _stem,
        conv(5, 3, 2, 1, name="c", charge=True),
        conv(5, 5, 2, 2, name="d", reads="stem", charge=True),
        add("c", "d"),
        conv(3, (3, 4)),
    ),
    "two_identities": _case(
        (2, 5, 5), _stem, conv(4, 3, 1, 1, name="c"), add("c", "stem"), conv(3, 2), flatten(), linear(3)
    ),
    "codes_of_codes": _case(
        (1, 6, 6), _stem, *_block("a", "stem", 4), add("a", "stem", name="again"), conv(4, 3), flatten(), linear(3)
    ),
    "averages_on_the_shortcut": _case(
        (1, 8, 8),
        _stem,
        conv(5, 3, 2, 1, name="c1"),
        conv(5, 3, 1, 1, name="c2", charge=True),
        dataclasses.replace(avgpool(2), name="mean", reads=("stem",)),
        conv(5, 1, name="s", charge=True),
        add("c2", "s"),
        conv(3, 4),
    ),
    "vectors": _case(
        (9,), linear(6, name="a"), linear(6, name="b"), linear(6, name="c", charge=True), add("c", "a"), linear(3)
    ),
    "own_constants": _case(
        (1, 6, 6),
        conv(4, 3, padding=1, name="stem", base=Root(1, 1)),
        conv(4, 3, 1, 1, name="c1", base=Root(1, 1)),
        conv(4, 3, 1, 1, name="c2", charge=True),
        add("c2", "stem", base=1.6),
        conv(3, 3),
        flatten(),
        linear(3),
    ),
    "wait_0": _case((2, 6, 6), _stem, *_block("a", "stem", 4), *_block("b", "a", 4, 2), conv(3, 3), wait=0),
    "wait_2": _case((2, 6, 6), _stem, *_block("a", "stem", 4), *_block("b", "a", 4, 2), conv(3, 3), wait=2),
    "general_base": _case((2, 6, 6), _stem, *_block("a", "stem", 4), conv(3, 3), base=1.37),
    "timesteps_3": _case(
        (2, 6, 6), _stem, *_block("a", "stem", 4, 2), flatten(), linear(3), timesteps=3, base=Root(1, 4)
    ),
}
"""Small residual networks: name -> builder."""


@st.composite
def _blocks(draw: st.DrawFn, name: str, source: str, before: int) -> tuple[list[Spec], int]:
    """A residual block that reads `before` channels of `source`; its layers, and how many channels it has."""
    groups = draw(st.sampled_from([g for g in (1, 2, before) if before % g == 0]))
    stride = draw(st.sampled_from((1, 1, 2)))
    identity = stride == 1 and draw(st.booleans())
    channels = before if identity else groups * draw(st.integers(1, max(1, 4 // groups)))
    kernels = st.sampled_from((1, 3, 3, 5))
    first, second = draw(kernels), draw(kernels)
    main = [
        conv(channels, first, stride, first // 2, groups, name=f"{name}.1", reads=source),
        conv(channels, second, 1, second // 2, name=f"{name}.2", charge=True),
    ]
    shortcut = source
    if not identity:
        kernel, shortcut = draw(kernels), f"{name}.s"
        branch = conv(channels, kernel, stride, kernel // 2, name=shortcut, reads=source, charge=True)
        main.insert(draw(st.sampled_from((0, 1, 2))), branch)
        main = [
            spec if spec.reads or spec.name == shortcut else dataclasses.replace(spec, reads=(f"{name}.1",))
            for spec in main
        ]
    operands = draw(st.permutations((f"{name}.2", shortcut)))
    return [*main, add(*operands, name=name)], channels


@st.composite
def residual_networks(draw: st.DrawFn) -> Network:
    """A stem, perhaps max pooling, one or two blocks, perhaps average pooling, a convolution or linear layer.

    Identities and convolutions of any kernel as shortcuts, in either place, strides, groups, every wait, T 1..16.
    """
    timesteps = draw(st.integers(1, 16))
    bases = [base for base in _BASES if fraction_bits_for(base, timesteps) <= MAX_FRACTION_BITS]
    channels = draw(st.integers(1, 4))
    layers = [conv(channels, 3, padding=1, name="stem")]
    if draw(st.booleans()):
        layers.append(maxpool(2, draw(st.integers(1, 2)), 1, name="pool"))
    for name in ("a", "b")[: draw(st.integers(1, 2))]:
        block, channels = draw(_blocks(name, layers[-1].name, channels))
        layers += block
    layers += [avgpool(2, 1, 1)] if draw(st.booleans()) else []
    layers += [conv(2, 1)] if draw(st.booleans()) else [flatten(), linear(3)]
    return build(
        np.random.default_rng(draw(st.integers(0, 2**32 - 1))),
        (draw(st.integers(1, 2)), draw(st.integers(2, 5)), draw(st.integers(2, 5))),
        layers,
        timesteps=timesteps,
        base=draw(st.sampled_from(bases)),
        wait=draw(st.integers(0, timesteps - 1)),
    )

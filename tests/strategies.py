"""Networks that hypothesis makes, chains and residual ones, out of the layers of tests/networks.py."""

from __future__ import annotations

import dataclasses

import numpy as np
from hypothesis import strategies as st

from onespike_hw.graph import from_edges
from onespike_hw.network import Network
from tests.networks import (
    MAX_FRACTION_BITS,
    Base,
    Root,
    Spec,
    add,
    avgpool,
    build,
    conv,
    flatten,
    fraction_bits_for,
    graphconv,
    linear,
    maxpool,
    output_shape,
)

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


@st.composite
def graph_networks(draw: st.DrawFn) -> Network:
    """One to three convolutions over a random graph.

    1 to 12 nodes, no edge to all, some with weights of 8 bits, scales of 1 to 10 bits, features of single bits and of
    several, signed or not, zero points, T 1..16, root and general bases, shifts.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    nodes = draw(st.integers(1, 12))
    source, target = np.argwhere(rng.random((nodes, nodes)) < draw(st.sampled_from((0.0, 0.2, 0.5, 1.0)))).T
    weights = rng.integers(-(1 << 7), 1 << 7, len(source)) if draw(st.booleans()) else None
    scales = rng.integers(0, 1 << draw(st.integers(1, 10)), (2, nodes))
    graph = from_edges(nodes, source, target, weights, *scales)
    timesteps = draw(st.integers(1, 16))
    bases = [base for base in _BASES if fraction_bits_for(base, timesteps) <= MAX_FRACTION_BITS]
    layers = [
        graphconv(draw(st.integers(1, 12)), draw(st.integers(6, 20)), draw(st.sampled_from(bases)))
        for _ in range(draw(st.integers(0, 2)))
    ]
    features, bits = draw(st.integers(1, 12)), draw(st.sampled_from((1, 1, 1, 2, 8)))
    signed = draw(st.booleans())
    low = -(1 << (bits - 1)) if signed else 0
    zero_points = st.lists(st.integers(low, low + 2**bits - 1), min_size=features, max_size=features)
    return build(
        rng,
        (features, nodes),
        [*layers, graphconv(draw(st.integers(1, 12)), draw(st.integers(6, 20)))],
        timesteps=timesteps,
        base=draw(st.sampled_from(bases)),
        input_bits=bits,
        input_signed=signed,
        zero_point=draw(st.just(0) | zero_points),
        graph=graph,
    )

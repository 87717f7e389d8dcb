"""Small networks by name, every kind of layer and option among them, out of the layers of tests/networks.py."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from onespike_hw.graph import Graph
from onespike_hw.network import Network
from tests.graphs import directed, edgeless, hub, pair_of_nodes, ring, single_node, weighted
from tests.networks import Root, Spec, add, avgpool, build, conv, flatten, graphconv, linear, maxpool


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


@dataclass(frozen=True)
class GraphCase:
    """A network over a graph, always from the same random numbers; `options` are those of `build`."""

    graph: Callable[[np.random.Generator], Graph]
    features: int
    layers: tuple[Spec, ...]
    options: dict[str, Any]

    def __call__(self) -> Network:
        rng = np.random.default_rng(7)
        graph = self.graph(rng)
        return build(rng, (self.features, graph.nodes), self.layers, graph=graph, **self.options)


def _graph(graph: Callable[[np.random.Generator], Graph], features: int, *layers: Spec, **options: Any) -> GraphCase:
    return GraphCase(graph, features, layers, options)


GRAPH_CASES: dict[str, GraphCase] = {
    "ring": _graph(ring, 6, graphconv(5, 9), graphconv(3, 14), input_bits=1),
    "single_layer": _graph(ring, 4, graphconv(3, 6)),
    "three_layers": _graph(directed, 7, graphconv(6, 8), graphconv(5, 12), graphconv(4, 12), input_bits=1),
    "one_node": _graph(single_node, 5, graphconv(4), graphconv(3)),
    "two_nodes": _graph(pair_of_nodes, 3, graphconv(4, 4), graphconv(2, 9)),
    "no_edges": _graph(edgeless, 4, graphconv(3, 7), graphconv(2, 8)),
    "directed_with_isolated_nodes": _graph(directed, 5, graphconv(6, 10), graphconv(3, 13)),
    "weighted_edges": _graph(weighted, 5, graphconv(4, 10), graphconv(3, 12)),
    "weighted_without_shift": _graph(weighted, 4, graphconv(4), graphconv(3)),
    "hub": _graph(hub, 3, graphconv(4, 9), graphconv(3, 14), input_bits=1),
    "one_channel": _graph(directed, 1, graphconv(1, 4), graphconv(1, 9)),
    "input_signed": _graph(
        directed, 4, graphconv(5, 10), graphconv(3, 12), input_signed=True, zero_point=(-128, 5, 0, 127)
    ),
    "zero_point": _graph(ring, 3, graphconv(5, 10), graphconv(3, 12), zero_point=(0, 131, 255)),
    "silent_layer": _graph(ring, 3, graphconv(4, 9, silent=True), graphconv(3, 12)),
    "general_base": _graph(directed, 5, graphconv(5, 9), graphconv(3, 13), base=1.37),
    "per_layer_constants": _graph(
        directed, 5, graphconv(5, 9, base=Root(1, 1)), graphconv(4, 13, base=1.6), graphconv(3, 13)
    ),
    "timesteps_1": _graph(directed, 5, graphconv(5, 9), graphconv(3, 6), timesteps=1),
    "timesteps_32": _graph(ring, 5, graphconv(5, 9), graphconv(3, 12), timesteps=32, base=Root(1, 4)),
    "start_1": _graph(ring, 5, graphconv(5, 9), graphconv(3, 12), timesteps=6, start=1),
    "dotted_names": _graph(ring, 4, graphconv(3, 8, name="body.0"), graphconv(2, 9, name="body.head")),
}
"""Small networks over graphs: name -> builder."""

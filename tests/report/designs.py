"""A small design with a golden run, for the tests of the report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from onespike_hw import golden
from onespike_hw.codegen import Design
from onespike_hw.codegen.board import load_board
from onespike_hw.codegen.planner import plan_network
from onespike_hw.network import Int64, Network
from tests.networks import build, conv, flatten, linear, maxpool, random_inputs


@dataclass(frozen=True, eq=False)
class Example:
    """A planned design (no folder is written), images, their labels, and the golden run of them."""

    design: Design
    images: Int64
    labels: Int64
    run: golden.Run

    @property
    def net(self) -> Network:
        return self.design.net


def example(net: Network | None = None, count: int = 5) -> Example:
    """Of a network; that of `small` where none is given."""
    net = small() if net is None else net
    rng = np.random.default_rng(3)
    images = random_inputs(rng, net, count)
    board = load_board("pynq")
    design = Design(Path("nowhere"), net, plan_network(net, board), board)
    return Example(design, images, rng.integers(0, 3, count), golden.run(net, images))


def small() -> Network:
    """3 x 7 x 7 pixels, conv, pool, conv, linear, linear."""
    layers = [conv(4, 3, padding=1), maxpool(2), conv(6, 2), flatten(), linear(5), linear(3)]
    return build(np.random.default_rng(7), (3, 7, 7), layers, zero_point=(10, 10, 200))

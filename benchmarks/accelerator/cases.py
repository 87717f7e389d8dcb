"""Networks and images that the benchmarks run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import onespike_hw as oh
from onespike_hw.codegen.activity import Activity, measure
from onespike_hw.convert import zoo
from onespike_hw.convert.datasets import fashion_mnist, load_calibration, load_images, to_unit

CALIBRATION_IMAGES = 32
"""Images, not among the test images, on whose codes the planner bases its lanes."""


@dataclass(frozen=True)
class Case:
    """A converted network, images to play, and what its layers read."""

    net: oh.Network
    images: NDArray[np.float32]
    activity: dict[str, Activity]


def test_images(count: int) -> NDArray[np.float32]:
    """The first test images of Fashion-MNIST, [N, 1, 28, 28] in 0..1; the shipped ones where there is no data set."""
    try:
        return to_unit(fashion_mnist("test")[0][:count])
    except oh.OneSpikeError:
        return load_images("fashion-mnist")[0][:count]


def case_of(net: oh.Network, calibration: NDArray[np.float32], images: NDArray[np.float32]) -> Case:
    return Case(net, images, measure(net, oh.golden.run(net, calibration[:CALIBRATION_IMAGES]).codes))


def shipped_cnn(images: int, timesteps: int = 8) -> Case:
    """The Fashion-MNIST CNN as `make gen` converts it."""
    calibration = load_calibration("fashion-mnist")
    net = oh.convert(zoo.load_model("fashion-cnn"), calibration, timesteps=timesteps, base="root")
    return case_of(net, calibration, test_images(images))


def folder(name: str) -> Path:
    return Path("build/bench") / name

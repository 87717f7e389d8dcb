"""Networks and images that the benchmarks run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

import onespike_hw as oh
from onespike_hw.codegen.activity import Activity, measure
from onespike_hw.convert import zoo
from onespike_hw.convert.datasets import fashion_mnist, load_calibration, load_images, to_unit

CALIBRATION_IMAGES = 32
"""Images, not among the test images, on whose codes the planner bases its lanes."""
VECTOR_IMAGES = 100
"""Test images of a network whose first layer skips zeros, at least: its clocks differ from image to image."""


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
    few = calibration[:CALIBRATION_IMAGES]
    return Case(net, images, measure(net, oh.golden.run(net, few).codes, oh.golden.quantize_input(net, few)))


def root_net(model: nn.Module, timesteps: int = 8) -> oh.Network:
    """A model of grey images of 28 x 28, with the root base that loses least."""
    return oh.convert(model, load_calibration("fashion-mnist"), timesteps=timesteps, base="root")


@cache
def shipped_net(timesteps: int = 8) -> oh.Network:
    """The Fashion-MNIST CNN as `make gen` converts it; once a run, as it takes most of a minute."""
    return root_net(zoo.load_model("fashion-cnn"), timesteps)


def shipped_cnn(images: int, timesteps: int = 8) -> Case:
    """The same, with test images to play."""
    return case_of(shipped_net(timesteps), load_calibration("fashion-mnist"), test_images(images))


def random_net(*layers: nn.Module) -> nn.Module:
    """A network of random weights: what it answers does not matter here, only its spikes."""
    torch.manual_seed(5)
    return nn.Sequential(*layers).eval()


def random_mlp() -> nn.Module:
    """784-128-10."""
    return random_net(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))


def folder(name: str) -> Path:
    return Path("build/bench") / name

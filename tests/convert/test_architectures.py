"""torchvision's networks convert as they are: hand-written twins always, its own where it is installed."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable

import pytest
import torch
from torch import nn

import onespike_hw as oh
from tests.convert import architectures
from tests.convert.cases import relative_difference, seeded

FINE = {"timesteps": 16, "base": 2**0.25, "percentile": 100, "sparsity": 0, "calibrate": False}
"""Plain and fine: what is left is the coding error of random weights, which adds up over the layers."""

WRITTEN_OUT: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "resnet18": (architectures.resnet18, 32),
    "resnet34": (architectures.resnet34, 32),
    "resnet50": (architectures.resnet50, 32),
    "vgg16_bn": (lambda: architectures.VGG16(narrower=16), 224),
    "mobilenet": (architectures.MobileNet, 32),
}
"""Each with the side of its images: VGG reads 7x7 pixels at its end, and no fewer."""


def converts(model: nn.Module, side: int) -> None:
    x = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    net = oh.convert(model, x, **FINE)
    run = oh.golden.run(net, x.numpy())
    assert relative_difference(run.logits * run.scale, model(x)) < 0.2


@pytest.mark.parametrize("name", WRITTEN_OUT)
def test_the_architecture_converts(name: str) -> None:
    build, side = WRITTEN_OUT[name]
    converts(seeded(build()), side)


# torchvision would bring 5 GB of CUDA, so no machine of ours has it: these are for those of others.
needs_torchvision = pytest.mark.skipif(
    importlib.util.find_spec("torchvision") is None, reason="torchvision is not installed"
)


@needs_torchvision
@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50", "vgg16_bn"])
def test_torchvision_converts(name: str) -> None:
    models = importlib.import_module("torchvision.models")
    converts(seeded(getattr(models, name)(weights=None)), 224 if name == "vgg16_bn" else 32)


@needs_torchvision
@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50", "vgg16_bn"])
def test_the_twin_has_torchvisions_parameters(name: str) -> None:
    models = importlib.import_module("torchvision.models")
    twin = architectures.VGG16() if name == "vgg16_bn" else WRITTEN_OUT[name][0]()
    theirs = {key: value.shape for key, value in getattr(models, name)(weights=None).state_dict().items()}
    assert {key: value.shape for key, value in twin.state_dict().items()} == theirs

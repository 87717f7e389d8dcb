"""What conversion refuses: every message names the layer or option, the value and the way out."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import onespike_hw as oh
from onespike_hw.errors import ConversionError
from tests.convert.cases import PIXELS, chain, images, seeded


def small() -> nn.Module:
    return seeded(chain(flatten=nn.Flatten(), fc1=nn.Linear(PIXELS, 4), relu=nn.ReLU(), fc2=nn.Linear(4, 3)))


def between(*layers: nn.Module) -> nn.Module:
    """The layers behind a firing convolution of four channels on 7 x 6 pixels; names x0, x1, ..."""
    named = {f"x{index}": layer for index, layer in enumerate(layers)}
    return seeded(chain(conv=nn.Conv2d(2, 4, 3), relu=nn.ReLU(), **named))


class Forward(nn.Module):
    """A module whose forward is the given function of itself and the images."""

    def __init__(self, forward: Callable[[Any, Any], Any]) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, 2, 3, padding=1)
        self.conv = nn.Conv2d(2, 2, 3, padding=1)
        self.fc = nn.Linear(PIXELS, 3)
        self.body = forward

    def forward(self, x: Tensor) -> Any:
        return self.body(self, x)


class Branches(Forward):
    """The same, of images in several states."""

    def forward(self, x: Tensor) -> Any:
        open_ = self.first(x)
        fired = open_.relu()
        states = {"raw": x, "open": open_, "fired": fired, "pooled": functional.max_pool2d(fired, 3, 1, 1)}
        return self.body(self, SimpleNamespace(**states))


class TwoInputs(nn.Module):
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x + y


def hooked() -> nn.Module:
    model = small()
    model.fc1.register_forward_hook(lambda module, read, left: 2 * left)
    return model


def with_negative_factor(model: nn.Module, name: str) -> nn.Module:
    with torch.no_grad():
        model.get_submodule(name).weight[2] = -0.5
    return model


def with_value(model: nn.Module, name: str, value: float) -> nn.Module:
    with torch.no_grad():
        model.get_parameter(name).view(-1)[0] = value
    return model


def without_statistics() -> nn.Module:
    return between(nn.Conv2d(4, 4, 1)).append(nn.BatchNorm2d(4, track_running_stats=False))


MODELS: dict[str, tuple[Callable[[], Any], str]] = {
    "no module": (lambda: "fashion-cnn", "model: is a str; give a torch.nn.Module"),
    "sigmoid": (lambda: between(nn.Sigmoid()), "x0: Sigmoid is not supported; use ReLU"),
    "LSTM": (lambda: nn.Sequential(nn.Flatten(), nn.LSTM(PIXELS, 3)), "1: LSTM is not supported; supported are Conv2d"),
    "dilation": (
        lambda: between(nn.Conv2d(4, 4, 3, dilation=2)),
        "x0: kernel 3x3 with dilation (2, 2) is not supported; use dilation 1",
    ),
    "transposed": (lambda: between(nn.ConvTranspose2d(4, 4, 3)), "x0: ConvTranspose2d is not supported; use Conv2d"),
    "softmax": (lambda: nn.Sequential(small(), nn.Softmax(1)), "1: Softmax is not supported; leave it out"),
    "padding mode": (
        lambda: between(nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect")),
        "x0: padding_mode 'reflect' is not supported; padding is silence, use 'zeros'",
    ),
    "ends in ReLU": (
        lambda: between(),
        "conv: the network ends in a ReLU; leave it out, or let a Linear or Conv2d follow",
    ),
    "ends in pooled ReLU": (
        lambda: between(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        "conv: the network ends in a ReLU, then x0, x1; leave it out",
    ),
    "ends in max pooling": (
        lambda: between(nn.Conv2d(4, 4, 1), nn.MaxPool2d(2)),
        "x1: the network ends in max pooling; leave it out, or put a ReLU and a Linear behind x0",
    ),
    "ends in flatten": (
        lambda: between(nn.Conv2d(4, 4, 1), nn.Flatten()),
        "x1: flattens the output (4, 7, 6); leave it out",
    ),
    "no weights": (lambda: nn.Sequential(nn.Flatten()), "model: there is no Conv2d, Linear or GraphConv in it"),
    "ReLU on the input": (
        lambda: nn.Sequential(nn.ReLU(), small()),
        "0: a ReLU on the network's own input is not supported; apply it beforehand",
    ),
    "max pooling of the input": (
        lambda: nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(2, 2, 1)),
        "0: max pooling reads the network's own input, which has no spikes; put a Conv2d and a ReLU in front",
    ),
    "max pooling of averages": (
        lambda: between(nn.AvgPool2d(2), nn.MaxPool2d(2), nn.Conv2d(4, 3, 1)),
        "x1: max pooling reads the averages of x0; put a Conv2d and a ReLU between them",
    ),
    "max pooling between convolutions": (
        lambda: between(nn.Conv2d(4, 4, 1), nn.MaxPool2d(2), nn.Conv2d(4, 3, 1)),
        "x2: has no ReLU between x0 and itself and cannot fold with it exactly: a max pooling lies between them; "
        "put a ReLU behind x0",
    ),
    "averages of a maximum without ReLU": (
        lambda: between(nn.Conv2d(4, 4, 1), nn.MaxPool2d(2), nn.AvgPool2d(2), nn.Conv2d(4, 3, 1)),
        "x2: has no ReLU between x0 and itself and cannot fold with it exactly: x1 lies between them; "
        "put a ReLU behind x0",
    ),
    "padded convolution behind convolution": (
        lambda: between(nn.Conv2d(4, 4, 3), nn.Conv2d(4, 3, 3, padding=1)),
        "x1: has no ReLU between x0 and itself and cannot fold with it exactly: its padding is (1, 1); "
        "put a ReLU between them, or use padding 0 in x1",
    ),
    "padded average behind convolution": (
        lambda: between(nn.Conv2d(4, 4, 3), nn.AvgPool2d(2, padding=1), nn.ReLU(), nn.Conv2d(4, 3, 1)),
        "x1: has no ReLU between x0 and itself and cannot fold with it exactly: its padding is (1, 1); "
        "use padding 0 in x1",
    ),
    "padded average behind shifting pointwise convolution": (
        lambda: between(nn.Conv2d(4, 4, 1), nn.AvgPool2d(2, padding=1), nn.ReLU(), nn.Conv2d(4, 3, 1)),
        "x1: has no ReLU between x0 and itself and cannot fold with it exactly: its padding is (1, 1); "
        "use padding 0 in x1",
    ),
    "shifting norm before padding": (
        lambda: between(nn.BatchNorm2d(4), nn.Conv2d(4, 3, 3, padding=1)),
        "x1: has no ReLU between x0 and itself and cannot fold with it exactly: its shift does not act on the padding; "
        "use padding 0 in x1, put x0 before the ReLU, or a ReLU between them",
    ),
    "norm behind the flatten of a convolution": (
        lambda: between(nn.Conv2d(4, 2, 1), nn.Flatten(), nn.BatchNorm1d(84), nn.ReLU(), nn.Linear(84, 3)),
        "x2: has no ReLU between x0 and itself and cannot fold with it exactly: a flatten lies between them; "
        "put a BatchNorm2d in front of the flatten",
    ),
    "norm that turns a maximum around": (
        lambda: with_negative_factor(
            between(nn.Conv2d(4, 4, 1), nn.MaxPool2d(2), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 3, 1)), "x2"
        ),
        "x2: cannot fold through x1, the factor of channel 2 is -0.",
    ),
    "norm before a maximum": (
        lambda: with_negative_factor(between(nn.BatchNorm2d(4), nn.MaxPool2d(2), nn.Conv2d(4, 3, 1)), "x0"),
        "x0: cannot fold through x1, the factor of channel 2 is -0.",
    ),
    "norm without statistics": (without_statistics, "3: it keeps no running statistics; use track_running_stats=True"),
    "norm of a negative variance": (
        lambda: _negative_variance(),
        "x1: running_var is -1.0, below 0; train or load it again",
    ),
    "NaN in a weight": (
        lambda: with_value(small(), "fc1.weight", float("nan")),
        "fc1: weight holds 1 values that are NaN or infinite; train or load it again",
    ),
    "infinity in a bias": (
        lambda: with_value(small(), "fc2.bias", float("inf")),
        "fc2: bias holds 1 values that are NaN",
    ),
    "overflow": (
        lambda: with_value(with_value(small(), "fc1.bias", 3e38), "fc2.weight", 3e38),
        "model: its output on the calibration images is not finite; scale its weights down",
    ),
    "pooling with dilation": (
        lambda: between(nn.MaxPool2d(2, dilation=2), nn.Flatten(), nn.Linear(24, 3)),
        "x0: max pooling with dilation 2 is not supported; use dilation 1",
    ),
    "ceil mode": (
        lambda: between(nn.MaxPool2d(2, ceil_mode=True), nn.Flatten(), nn.Linear(48, 3)),
        "x0: ceil_mode=True gives (4, 3) where whole windows give (3, 3); use ceil_mode=False",
    ),
    "ceil mode of an average": (
        lambda: between(nn.AvgPool2d(2, ceil_mode=True), nn.Flatten(), nn.Linear(48, 3)),
        "x0: ceil_mode=True gives (4, 3)",
    ),
    "average without its padding": (
        lambda: between(nn.AvgPool2d(2, padding=1, count_include_pad=False), nn.Flatten(), nn.Linear(64, 3)),
        "x0: padding (1, 1) with count_include_pad=False divides by less at the border; use count_include_pad=True",
    ),
    "another divisor": (
        lambda: between(nn.AvgPool2d(2, divisor_override=3), nn.Flatten(), nn.Linear(36, 3)),
        "x0: divisor_override=3 is not supported; leave it None",
    ),
    "adaptive pooling that does not divide": (
        lambda: between(nn.AdaptiveAvgPool2d((2, 3)), nn.Flatten(), nn.Linear(24, 3)),
        "x0: an output of 2x3 does not divide its input of 7x6; use AdaptiveAvgPool2d(1) or AvgPool2d",
    ),
    "linear on an image": (
        lambda: between(nn.Linear(6, 3)),
        "x0: Linear reads a tensor of shape (4, 7, 6) an image; put",
    ),
    "conv on a vector": (
        lambda: nn.Sequential(nn.Flatten(), nn.Conv2d(144, 3, 1)),
        "1: cannot read a tensor of shape (144,) an image",
    ),
    "another reshape": (
        lambda: nn.Sequential(nn.Flatten(1, 2), nn.Linear(8, 3)),
        "0: reshapes (2, 9, 8) to (18, 8) an image, and only (C, H, W) to (C * H * W,) is supported",
    ),
    "a sum without ReLU": (
        lambda: Branches(lambda self, x: self.fc((self.conv(x.fired) + x.fired).flatten(1))),
        "add: no ReLU follows this sum before fc, so that it can't leave as a spike; put a ReLU behind it",
    ),
    "a sum of sums": (
        lambda: Branches(lambda self, x: self.fc((self.conv(x.fired) + x.fired + x.pooled).relu().flatten(1))),
        "add_1: adds the sum add, which no ReLU follows; put a ReLU behind add",
    ),
    "a sum at the end": (
        lambda: Branches(lambda self, x: self.conv(x.fired) + x.fired),
        "add: the network ends in a sum; put a ReLU and a Linear behind it",
    ),
    "a sum with the input": (
        lambda: Branches(lambda self, x: self.fc((self.conv(x.raw) + x.raw).relu().flatten(1))),
        "add: its branch conv stands behind the network's own input without a layer that fires; "
        "put a Conv2d and a ReLU in front of both branches",
    ),
    "a sum of different shapes": (
        lambda: Branches(
            lambda self, x: self.fc((x.fired + functional.adaptive_avg_pool2d(x.fired, 1)).relu().flatten(1))
        ),
        "add: relu has shape (2, 9, 8) an image, adaptive_avg_pool2d (2, 1, 1); give both the same shape",
    ),
    "a sum with a factor": (
        lambda: Branches(lambda self, x: self.fc(torch.add(self.conv(x.fired), x.fired, alpha=2).relu().flatten(1))),
        "add: alpha=2 is not supported; leave it out",
    ),
    "a constant that is not one a channel": (
        lambda: Branches(lambda self, x: self.fc((x.fired + torch.ones(9, 8)).flatten(1))),
        "add: its constant has shape (9, 8), it reads (2, 9, 8) an image; use one number, or one a channel: (2, 1, 1)",
    ),
    "a product of branches": (
        lambda: Branches(lambda self, x: self.fc((self.conv(x.fired) * x.fired).flatten(1))),
        "mul: joins the branches conv and relu by mul; only a sum of two is supported",
    ),
    "a difference of branches": (
        lambda: Branches(lambda self, x: self.fc((self.conv(x.fired) - x.fired).relu().flatten(1))),
        "sub: joins the branches conv and relu by sub; only a sum of two is supported",
    ),
    "branches side by side": (
        lambda: Branches(lambda self, x: self.fc(torch.cat([self.conv(x.fired), x.fired], 1)[:, :2].flatten(1))),
        "cat: joins the branches conv and relu by cat; only a sum of two is supported",
    ),
    "a fork before the ReLU": (
        lambda: Branches(lambda self, x: self.fc((self.conv(x.open) + x.open).relu().flatten(1))),
        "first: several layers read what it gives, and no ReLU makes spikes of that first; put a ReLU",
    ),
    "pooling between a convolution and a sum": (
        lambda: Branches(
            lambda self, x: self.fc((functional.max_pool2d(self.conv(x.fired), 3, 1, 1) + x.fired).relu().flatten(1))
        ),
        "add: max_pool2d_1 lies between it and conv; put a ReLU behind conv, or max_pool2d_1 behind add",
    ),
    "an unknown function": (
        lambda: Forward(lambda self, x: self.fc(torch.sigmoid(x).flatten(1))),
        "sigmoid: sigmoid is not supported; supported are Conv2d",
    ),
    "an unknown method": (
        lambda: Forward(lambda self, x: self.fc(x.transpose(2, 3).flatten(1))),
        "transpose: transpose is not supported; supported are Conv2d",
    ),
    "functional weights": (
        lambda: Forward(lambda self, x: self.fc(functional.conv2d(x, self.conv.weight, padding=1).flatten(1))),
        "conv2d: conv2d is not supported; supported are Conv2d",
    ),
    "random dropout": (
        lambda: Forward(lambda self, x: self.fc(functional.dropout(x).flatten(1))),
        "dropout: dropout with training=True is random; pass training=self.training",
    ),
    "several outputs": (
        lambda: Forward(lambda self, x: (self.conv(x), x)),
        "model: it must return one tensor, the logits",
    ),
    "several inputs": (TwoInputs, "model: its forward takes 2 arguments (x, y); it must take one tensor"),
    "control flow on data": (
        lambda: Forward(lambda self, x: self.conv(x) if x.sum() > 0 else x),
        "model: torch.fx cannot trace it",
    ),
    "hooks": (hooked, "model: what was traced differs from what it computes by"),
}


def _negative_variance() -> nn.Module:
    model = between(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4))
    model.x1.running_var[1] = -1
    return model


@pytest.mark.parametrize("case", MODELS)
def test_model(case: str) -> None:
    build, message = MODELS[case]
    with pytest.raises(ConversionError, match=re.escape(message)) as refusal:
        oh.convert(build(), images())
    assert isinstance(refusal.value, oh.OneSpikeError)


OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"timesteps": 0}, "timesteps: 0 is not an integer from 1 to 32"),
    ({"timesteps": 33}, "timesteps: 33 is not an integer from 1 to 32"),
    ({"timesteps": 8.0}, "timesteps: 8.0 is not an integer from 1 to 32"),
    ({"base": 1}, "base: 1 is below 1.05, so that later spikes would hardly weigh less; use 1.05 to 4"),
    ({"base": -2.0}, "base: -2.0 is below 1.05"),
    ({"base": 1.04}, "base: 1.04 is below 1.05"),
    ({"sparsity": "high"}, "sparsity: 'high' is unknown; use \"free\", or a number from 0 to 1, as 0.1"),
    ({"sparsity": -0.1}, "sparsity: -0.1 is unknown"),
    (
        {"calibrate": False, "percentile": 99},
        "calibration: its images give 24 activations a channel of fc1, too few for percentile 99; "
        "give 2.1 times as many images, use calibrate=True, or a lower percentile",
    ),
    ({"base": float("nan")}, "base: nan is unknown; use optimal, root, per-layer, or a number from 1.05 up"),
    ({"base": "best"}, "base: 'best' is unknown; use optimal, root, per-layer, or a number from 1.05 up"),
    ({"base": 4.0, "timesteps": 16}, "base 4 with 16 timesteps and start 0: the constants vanish"),
    ({"base": 2.0, "timesteps": 8, "start": 20}, "use fewer timesteps or a smaller base"),
    ({"start": "late"}, "start: 'late' is unknown; use \"optimal\" or an integer from 0 to 32"),
    ({"start": -1}, "start: -1 is not an integer from 0 to 32"),
    ({"weight_bits": 1}, "weight_bits: 1 is not an integer from 2 to 8"),
    ({"weight_bits": 9}, "weight_bits: 9 is not an integer from 2 to 8"),
    ({"input_bits": 0}, "input_bits: 0 is not an integer from 1 to 16"),
    ({"input_bits": 1, "input_range": (-1, 1)}, "input_bits: 1 bit cannot hold a signed input of -1..1; use 2 to 16"),
    ({"normalization": "net"}, "normalization: 'net' is unknown; use channel or layer"),
    ({"percentile": 0}, "percentile: 0 is not a number above 0 and up to 100"),
    ({"percentile": 101}, "percentile: 101 is not a number above 0 and up to 100"),
    ({"wait": 8}, "wait: 8 is not an integer from 0 to 7"),
    ({"wait": "long"}, "wait: 'long' is unknown; use \"settled\" or a number of phases, 0 to 7"),
    ({"threshold_shift": 1}, "threshold_shift: 1 is neither True nor False"),
    ({"calibrate": None}, "calibrate: None is neither True nor False"),
    ({"input_range": (1, 0)}, "input_range: is (1, 0); low must be below high, and high above 0"),
    ({"input_range": 1}, "input_range: is 1; give (low, high), as (0, 1)"),
    ({"input_range": (0, 0.5)}, "outside of (0, 0.5); widen the range, or scale the images"),
    ({"input_shape": (2, 8, 9)}, "calibration: images have shape (2, 9, 8), input_shape says (2, 8, 9)"),
]


@pytest.mark.parametrize(("options", "message"), OPTIONS)
def test_option(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConversionError, match=re.escape(message)):
        oh.convert(small(), images(), **options)


def test_negative_input_where_it_was_declared_unsigned() -> None:
    with pytest.raises(ConversionError, match=re.escape("(0, 1) is unsigned, calibration holds -0.49")):
        oh.convert(small(), images() - 0.5, input_range=(0, 1))


def _spoiled(value: float) -> Tensor:
    x = images()
    x[3, 1, 2, 2] = value
    return x


CALIBRATION: list[tuple[Any, str]] = [
    ([1.0, 2.0], "calibration: is a list; give a torch tensor or numpy array"),
    ((255 * images()).byte(), "calibration: holds uint8; give floats as the network takes them"),
    (np.zeros((4, 9, 8)), "calibration: has shape (4, 9, 8); it must be [N, C, H, W] or [N, C] (grey images: C = 1)"),
    (images()[:0], "calibration: is empty, of shape (0, 2, 9, 8); give a few hundred images"),
    (_spoiled(float("nan")), "calibration: holds 1 values that are NaN or infinite; leave those images out"),
    (_spoiled(float("-inf")), "calibration: holds 1 values that are NaN or infinite; leave those images out"),
    (torch.zeros(4, 2, 9, 8), "calibration: every value is 0; give images that the network was trained for"),
    (
        torch.cat([images(), torch.full((1, 2, 9, 8), 3e38)]),
        "fc1: its activations on the calibration images overflow; scale them down",
    ),
    (images((2, 8, 8)), "fc1: cannot read a tensor of shape (128,) an image"),
]


@pytest.mark.parametrize(("calibration", "message"), CALIBRATION)
def test_calibration(calibration: Any, message: str) -> None:
    with pytest.raises(ConversionError, match=re.escape(message)):
        oh.convert(small(), calibration)

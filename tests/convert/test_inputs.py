"""Inputs as people have them: pixels, normalised or not, in any range, at any width."""

from __future__ import annotations

import copy
import re
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import onespike_hw as oh
from onespike_hw.convert.explain import input_meaning
from onespike_hw.convert.float_model import predict
from onespike_hw.convert.pipeline import plan
from onespike_hw.errors import ConversionError
from onespike_hw.golden import quantize_input
from tests.convert.cases import chain, relative_difference, seeded

SHAPE = (3, 8, 8)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Normalised(nn.Module):
    """(x - mean) / std with buffers, then a network."""

    def __init__(self, network: nn.Module, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(-1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.network((x - self.mean) / self.std)


def pixels(channels: int = 3, count: int = 24, seed: int = 3) -> np.ndarray:
    """Random 8-bit images, each channel with its blackest black and its whitest white."""
    images = np.random.default_rng(seed).integers(0, 256, (count, channels, *SHAPE[1:]), np.uint8)
    images[0, :, 0, :2] = [0, 255]
    return images


def padded_cnn(channels: int = 3, seed: int = 0) -> nn.Module:
    return seeded(
        chain(
            c=nn.Conv2d(channels, 6, 3, padding=1),
            r=nn.ReLU(),
            d=nn.Conv2d(6, 5, 3, stride=2),
            s=nn.ReLU(),
            f=nn.Flatten(),
            last=nn.Linear(45, 4),
        ),
        seed,
    )


def normalise(images: np.ndarray, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """8-bit pixels as (x - mean) / std, x in [0, 1]."""
    x = torch.from_numpy(images).float() / 255
    return (x - torch.tensor(mean).view(-1, 1, 1)) / torch.tensor(std).view(-1, 1, 1)


def test_a_network_trained_on_normalised_images_takes_pixels() -> None:
    model, raw = padded_cnn(), pixels()
    x = normalise(raw, MEAN, STD)
    net = oh.convert(model, x, input_mean=MEAN, input_std=STD)
    assert (net.input_bits, net.input_signed) == (8, False)
    assert net.input_zero_point.tolist() == [124, 116, 104]
    assert np.array_equal(quantize_input(net, x.numpy()), raw)
    assert np.array_equal(oh.golden.run(net, raw).logits, oh.golden.run(net, x.numpy()).logits)
    fine = oh.convert(model, x, input_mean=MEAN, input_std=STD, timesteps=32, base=1.15)
    run = oh.golden.run(fine, raw)
    assert relative_difference(run.logits * run.scale, model(x)) < 0.1


def test_what_calibration_reads_is_what_the_network_reads() -> None:
    """Steps from the zero point, not from the true zero between two pixels."""
    model, raw = Normalised(padded_cnn(), MEAN, STD), pixels()
    x = torch.from_numpy(raw).float() / 255
    planned, net = plan(model, x), oh.convert(model, x)
    steps = raw - net.input_zero_point.reshape(-1, 1, 1)
    per_step = (1 / 255 / np.array(STD)).reshape(-1, 1, 1)
    np.testing.assert_allclose(planned.code.sent(x).numpy(), steps * per_step, rtol=1e-5, atol=1e-6)
    assert (np.abs(planned.code.zero - net.input_zero_point) > 0.1).any()


STATS = st.tuples(*[st.floats(0.05, 0.95)] * 3)


@settings(max_examples=6, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(STATS, st.tuples(*[st.floats(0.1, 0.6)] * 3), st.integers(0, 100))
def test_three_ways_to_normalise_give_the_same_codes(
    mean: tuple[float, ...], std: tuple[float, ...], seed: int
) -> None:
    """Inside the model, by options, and by hand: the same integers and zero points; B and Theta to a unit in 2^10."""
    assume(all(abs(255 * value % 1 - 0.5) > 1e-3 for value in mean))
    model, raw = padded_cnn(seed=seed), pixels(seed=seed)
    x = normalise(raw, mean, std)
    within = oh.convert(Normalised(model, mean, std), torch.from_numpy(raw).float() / 255, base=1.4)
    nets = [within, oh.convert(model, x, input_mean=mean, input_std=std, base=1.4), oh.convert(model, x, base=1.4)]
    codes = [oh.golden.run(net, raw).codes for net in nets]
    for net, found in zip(nets[1:], codes[1:], strict=True):
        assert len(found) == len(codes[0])
        assert np.array_equal(net.input_zero_point, within.input_zero_point)
        assert np.array_equal(quantize_input(net, x.numpy()), raw)
        for layer, own in zip(within.layers, net.layers, strict=True):
            if layer.weight is not None:
                assert np.mean(layer.weight != own.weight) < 0.02
        pairs = zip(found.values(), codes[0].values(), strict=True)
        assert all(np.mean(own != other) < 0.02 for own, other in pairs)


@settings(max_examples=6, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(st.floats(0, 1), st.floats(0.2, 0.6), st.integers(0, 100))
def test_the_rounding_of_the_zero_point_is_felt_at_the_border_alone(mean: float, std: float, seed: int) -> None:
    """Potentials inside are those of the trained layer to half a unit a weight; at the border, to half a pixel more."""
    layer = seeded(chain(c=nn.Conv2d(1, 4, 3, padding=1, bias=False)), seed)
    raw = pixels(1, 8, seed)
    x = normalise(raw, (mean,), (std,))
    with torch.no_grad():
        layer.c.weight.copy_((layer.c.weight * 40).round() / 40)
        layer.c.weight[:, 0, 0, 0] = 127 / 40
    net = oh.convert(layer, x, input_mean=mean, input_std=std, calibrate=False)
    run = oh.golden.run(net, raw)
    expected = layer(x).detach().numpy()
    largest = np.abs(expected).max()
    error = np.abs(run.logits * run.scale[:, None, None] - expected)
    most = np.abs(layer.c.weight.detach().numpy()).sum() / std / 255 / 2
    assert error[..., 1:-1, 1:-1].max() < 2e-3 * largest
    assert error.max() < most + 2e-3 * largest


def _with_first_step(step: Any, kind: str) -> tuple[nn.Module, nn.Module]:
    model = padded_cnn()

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model
            self.register_buffer("mean", torch.tensor([0.4, 0.5, 0.6]).view(3, 1, 1))
            self.norm = nn.BatchNorm2d(3)
            self.norm.running_mean.copy_(torch.tensor([0.3, 0.4, 0.5]))

        def forward(self, x: Tensor) -> Tensor:
            return self.model(step(self, x))

    assert kind
    return Model().eval(), model


FIRST_STEPS: dict[str, Any] = {
    "operators": lambda self, x: (x - 0.5) / 0.25,
    "reversed": lambda self, x: 2.0 * (0.5 - x),
    "functions": lambda self, x: torch.div(torch.sub(x, self.mean), 0.3),
    "methods": lambda self, x: x.sub(self.mean).mul(3),
    "in place": lambda self, x: x.add_(-self.mean).div_(0.3),
    "keywords": lambda self, x: torch.sub(input=x, other=self.mean),
    "a buffer reshaped": lambda self, x: x - self.mean.view(1, -1, 1, 1),
    "a tensor made in forward": lambda self, x: x - torch.tensor([0.4, 0.5, 0.6]).view(3, 1, 1),
    "batch norm": lambda self, x: self.norm(x),
    "batch norm behind arithmetic": lambda self, x: self.norm(x * 2 - 0.5),
}


@pytest.mark.parametrize("kind", FIRST_STEPS)
def test_a_normalisation_in_the_model_is_recognised(kind: str) -> None:
    """In front of a padded convolution, where it cannot be folded: it becomes zero point and scale, and no layer."""
    model, inner = _with_first_step(FIRST_STEPS[kind], kind)
    x = torch.from_numpy(pixels()).float() / 255
    expected = model(x.clone())
    net = oh.convert(model, x, timesteps=32, base=1.15)
    assert [layer.name for layer in net.layers] == ["model." + name for name in ("c", "d", "f", "last")]
    assert (net.input_zero_point > 0).all()
    assert net.input_offset.tolist() == [0, 0, 0]
    run = oh.golden.run(net, pixels())
    assert relative_difference(run.logits * run.scale, expected) < 0.1
    assert relative_difference(expected.detach().numpy(), inner(x)) > 0.2
    assert (predict(model, x, x.numpy(), timesteps=32, base=1.15) == run.predictions).mean() > 0.8


def test_a_perceptron_takes_normalised_images() -> None:
    model = seeded(chain(f=nn.Flatten(), a=nn.Linear(64, 12), r=nn.ReLU(), last=nn.Linear(12, 3)))
    raw = pixels(1)
    x = torch.from_numpy(raw).float() / 255
    net = oh.convert(Normalised(model, (0.31,), (0.4,)), x, timesteps=32, base=1.15)
    run = oh.golden.run(net, raw)
    assert net.input_zero_point.tolist() == [79]
    assert relative_difference(run.logits * run.scale, Normalised(model, (0.31,), (0.4,))(x)) < 0.05


def test_constants_elsewhere_are_folded() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.c, self.last = nn.Conv2d(3, 4, 3), nn.Linear(144, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.last((self.c(x) * 0.5 - 0.1).relu().flatten(1)) / 4 + torch.tensor([1.0, 2.0, 3.0])

    model = seeded(Scaled())
    x = torch.from_numpy(pixels()).float() / 255
    net = oh.convert(model, x, timesteps=32, base=1.15)
    run = oh.golden.run(net, pixels())
    assert [layer.name for layer in net.layers] == ["c", "flatten", "last"]
    assert relative_difference(run.logits * run.scale, model(x)) < 0.02


RANGES = {
    "[0, 1]": (0.0, 1.0),
    "[0, 255]": (0.0, 255.0),
    "[-1, 1]": (-1.0, 1.0),
    "normalised": (-2.118, 2.64),
    "tiny": (0.0, 1e-3),
    "all negative": (-3.0, -1.0),
}


@pytest.mark.parametrize("bits", [2, 5, 8, 12, 16])
@pytest.mark.parametrize("case", RANGES)
def test_images_in_any_range(case: str, bits: int) -> None:
    """Input integers stand for the images to half a step, and the logits are right with many bits."""
    low, high = RANGES[case]
    x = low + (high - low) * torch.from_numpy(pixels()).float() / 255
    model = padded_cnn()
    with torch.no_grad():
        model.c.weight *= 1 / max(abs(low), abs(high))
    net = oh.convert(model, x, input_bits=bits, timesteps=32, base=1.15)
    integers = quantize_input(net, x.numpy())
    assert net.input_range[0] <= integers.min() < integers.max() <= net.input_range[1]
    scale, offset = (values.reshape(-1, 1, 1) for values in (net.input_scale, net.input_offset))
    assert np.abs((integers - offset) * scale - x.numpy()).max() <= 0.501 * net.input_scale.max()
    if bits >= 8:
        run = oh.golden.run(net, x.numpy())
        assert relative_difference(run.logits * run.scale, model(x)) < 0.1


def test_binary_images() -> None:
    raw = (pixels() > 128).astype(np.float32)
    model = padded_cnn()
    net = oh.convert(model, raw, input_bits=1, timesteps=32, base=1.15)
    assert set(np.unique(quantize_input(net, raw))) == {0, 1}
    assert (
        relative_difference(oh.golden.run(net, raw).logits * net.layers[-1].scale, model(torch.from_numpy(raw))) < 0.1
    )


def test_what_a_pixel_is_in_words() -> None:
    x = normalise(pixels(), MEAN, STD)
    lines = input_meaning(oh.convert(padded_cnn(), x, input_mean=MEAN, input_std=STD))
    assert len(lines) == 3
    assert lines[0] == (
        "channel 0: integers 0..255; integer i stands for (i - 123.675) * 0.0171248, -2.1179..2.24891; padding is 124"
    )
    grey = oh.convert(padded_cnn(1), torch.from_numpy(pixels(1)).float() / 255)
    assert input_meaning(grey) == ["integers 0..255; integer i stands for i * 0.00392157, 0..1; padding is 0"]


REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"input_std": (0.2, 0, 0.2)}, "input_std: channel 1 has 0, and images are divided by it; give deviations above 0"),
    ({"input_std": (0.2, -1, 0.2)}, "input_std: channel 1 has -1, and images are divided by it"),
    ({"input_mean": (0.5, 0.5)}, "input_mean: has 2 numbers for 3 channels; give one number a channel"),
    ({"input_mean": 0.5}, "input_mean: has 1 numbers for 3 channels; give one number a channel"),
    ({"input_mean": "imagenet"}, "input_mean: is 'imagenet'; give one number a channel"),
    ({"input_std": (1, float("nan"), 1)}, "input_std: holds nan; give finite numbers"),
]


@pytest.mark.parametrize(("options", "message"), REFUSALS)
def test_a_wrong_normalisation(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConversionError, match=re.escape(message)):
        oh.convert(padded_cnn(), torch.from_numpy(pixels()).float() / 255, **options)


def test_a_zero_point_outside_of_the_pixels() -> None:
    """As where a mean has the wrong sign."""
    x = torch.from_numpy(pixels()).float() / 255 + 1
    message = "input_mean: the mean -1 of channel 0 stands for the pixel -255, outside 0..255; give it in the unit"
    with pytest.raises(ConversionError, match=re.escape(message)):
        oh.convert(padded_cnn(), x, input_mean=(-1, -1, -1))


class _Constant(nn.Module):
    def __init__(self, step: Any) -> None:
        super().__init__()
        self.network, self.step = padded_cnn(), step

    def forward(self, x: Tensor) -> Tensor:
        return self.network(self.step(x))


CONSTANTS: list[tuple[Any, str]] = [
    (lambda x: x / torch.tensor([1.0, 0.0, 1.0]).view(3, 1, 1), "truediv: divides channel 1 by 0"),
    (
        lambda x: x - torch.zeros(8, 8),
        "sub: its constant has shape (8, 8), it reads (3, 8, 8) an image; use one number",
    ),
    (lambda x: x - torch.ones(8), "sub: its constant has shape (8,), it reads (3, 8, 8) an image"),
    (lambda x: 1 / x, "truediv: divides by what the network computes"),
    (lambda x: x * x, "mul: combines a tensor with itself"),
    (lambda x: torch.sub(x, 0.5, alpha=2), "sub: alpha=2 is not supported; leave it out"),
    (lambda x: x - float("inf"), "sub: its constant holds 1 values that are NaN or infinite"),
    (lambda x: x + 1, "its shift does not act on the padding; use padding 0 in network.c, put add before the ReLU"),
    (lambda x: x + 1, "or give images to which add gives both signs, so that 0 behind it is an input integer"),
]


@pytest.mark.parametrize(("step", "message"), CONSTANTS)
def test_arithmetic_that_is_not_supported(step: Any, message: str) -> None:
    x = torch.from_numpy(pixels()).float() / 255
    with pytest.raises(ConversionError, match=re.escape(message)):
        oh.convert(copy.deepcopy(_Constant(step)), x)


def small() -> nn.Module:
    return seeded(chain(c=nn.Conv2d(3, 4, 3, padding=1), r=nn.ReLU(), f=nn.Flatten(), l=nn.Linear(256, 5)))


def test_an_input_value_may_be_one_spike() -> None:
    model, x = small(), torch.rand(64, *SHAPE)
    net = oh.convert(model, x, timesteps=4, base=2.0, input_spikes="one")
    assert net.input_levels == (255, 128, 64, 32)
    assert set(np.unique(quantize_input(net, x.numpy()))) == {0, 32, 64, 128, 255}
    assert "real values become one spike each, 255, 128, 64, 32 from there, or none" in input_meaning(net)[0]
    assert oh.convert(model, x, timesteps=4).input_levels is None
    assert len(oh.convert(model, x, timesteps=4, input_spikes="one").input_levels or ()) == 4


def test_one_spike_of_an_image_with_a_mean_lies_on_either_side_of_the_zero_point() -> None:
    x = torch.rand(64, *SHAPE)
    x[0, :, 0, 0], x[0, :, 0, 1] = 0, 1
    normalised = (x - 0.5) / 0.25
    net = oh.convert(
        small(), normalised, timesteps=3, base=2.0, input_mean=[0.5] * 3, input_std=[0.25] * 3, input_spikes="one"
    )
    assert set(np.unique(quantize_input(net, normalised.numpy()))) == {0, 64, 96, 128, 160, 192}
    assert net.input_zero_point.tolist() == [128] * 3


def test_an_unknown_input_code_is_refused() -> None:
    with pytest.raises(ConversionError, match="input_spikes: 'single' is unknown; use many or one"):
        oh.convert(small(), torch.rand(8, *SHAPE), input_spikes="single")

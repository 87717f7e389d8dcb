"""Networks trained with Brevitas's quantised layers keep the integers that they were trained with."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from brevitas.nn import QuantConv2d, QuantLinear
from brevitas.quant import Int8ActPerTensorFloat, Int8WeightPerChannelFloat, Int8WeightPerTensorFloat
from torch import nn
from torch.nn import functional

import onespike_hw as oh
from onespike_hw.errors import ConversionError
from tests.convert.cases import chain, images, relative_difference, seeded

LAYERS = ("conv1", "conv2", "fc")


def trained(weight_quant: type, bits: int = 8) -> nn.Module:
    """A few steps of training, so that the integers are no accident of the first weights."""
    quantised = {"weight_quant": weight_quant, "weight_bit_width": bits}
    model = seeded(
        chain(
            conv1=QuantConv2d(2, 6, 3, padding=1, bias=False, **quantised),
            bn1=nn.BatchNorm2d(6),
            relu1=nn.ReLU(),
            pool=nn.MaxPool2d(2),
            conv2=QuantConv2d(6, 8, 3, **quantised),
            relu2=nn.ReLU(),
            flatten=nn.Flatten(),
            fc=QuantLinear(8 * 2 * 2, 5, bias=True, **quantised),
        )
    ).train()
    x, labels = images(), torch.arange(len(images())) % 5
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for _ in range(5):
        optimizer.zero_grad()
        functional.cross_entropy(model(x), labels).backward()
        optimizer.step()
    return model.eval()


def integers_of(model: nn.Module, name: str) -> np.ndarray:
    return np.asarray(model.get_submodule(name).quant_weight().int().numpy())


@pytest.mark.parametrize("weight_quant", [Int8WeightPerTensorFloat, Int8WeightPerChannelFloat])
@pytest.mark.parametrize("bits", [8, 4])
def test_the_network_holds_the_integers_of_training(weight_quant: type, bits: int) -> None:
    model = trained(weight_quant, bits)
    net = oh.convert(model, images(), timesteps=8, normalization="layer")
    signs = np.sign(model.get_submodule("bn1").weight.detach().numpy())
    assert (signs != 0).all()
    assert np.array_equal(net.layer("conv1").weight, integers_of(model, "conv1") * signs[:, None, None, None])
    for name in LAYERS[1:]:
        assert np.array_equal(net.layer(name).weight, integers_of(model, name)), name


def test_a_step_for_all_channels_leaves_channels_below_the_largest_integer() -> None:
    """Rounding anew, with a step for each channel, would give other integers."""
    model = trained(Int8WeightPerTensorFloat)
    assert (np.abs(integers_of(model, "fc")).max(axis=1) < 127).any()


def test_a_channel_that_the_batch_norm_silences_is_zero() -> None:
    model = trained(Int8WeightPerTensorFloat)
    gamma = model.get_submodule("bn1").weight
    with torch.no_grad():
        gamma[2] = 0
    net = oh.convert(model, images(), timesteps=8, normalization="layer")
    expected = integers_of(model, "conv1") * np.sign(gamma.detach().numpy())[:, None, None, None]
    assert np.array_equal(net.layer("conv1").weight, expected)
    assert (net.layer("conv1").scale > 0).all()


def test_channel_wise_normalisation_rounds_what_the_layer_uses() -> None:
    model = trained(Int8WeightPerTensorFloat, bits=4)
    x = images()
    net = oh.convert(model, x, timesteps=32, base=2**0.25, input_bits=16, percentile=100, sparsity=0)
    run = oh.golden.run(net, x.numpy())
    assert relative_difference(run.logits * run.scale, model(x)) < 0.1
    assert not np.array_equal(net.layer("conv2").weight, integers_of(model, "conv2"))


def test_fewer_bits_than_those_of_training_round_anew() -> None:
    net = oh.convert(trained(Int8WeightPerTensorFloat), images(), timesteps=8, normalization="layer", weight_bits=4)
    assert all(np.abs(net.layer(name).weight).max() <= 7 for name in LAYERS)


def test_rounded_activations_are_refused() -> None:
    model = chain(fc1=nn.Flatten(), fc=QuantLinear(144, 5, bias=True, input_quant=Int8ActPerTensorFloat))
    with pytest.raises(ConversionError, match=r"fc: input_quant is not supported.*input_quant=None"):
        oh.convert(seeded(model), images(), timesteps=8)

"""Residual networks: what is supported, what comes out, and that spikes and integers are what torch computes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

import onespike_hw as oh
from onespike_hw.convert.base import Coding
from onespike_hw.convert.correct import corrected
from onespike_hw.convert.layers import apply_all
from onespike_hw.convert.neurons import Neurons
from onespike_hw.convert.pipeline import plan, together
from onespike_hw.convert.scales import integer_weights, sources
from onespike_hw.convert.sparsity import market
from tests.convert.cases import emulated, float_layers, images, relative_difference, seeded
from tests.convert.residual import BasicBlock, Bottleneck, ResNet
from tests.reference import simulate

FINE = {"timesteps": 32, "base": 2**0.25, "input_bits": 16, "percentile": 100, "sparsity": 0}
"""Options that leave little but what is tested."""


def real_logits(net: oh.Network, x: Tensor) -> np.ndarray:
    run = oh.golden.run(net, x.numpy())
    return run.logits * run.scale.reshape(-1, *[1] * (run.logits.ndim - 2))


def test_a_residual_network_converts() -> None:
    model, x = seeded(ResNet(blocks=1, width=4)), images((3, 12, 12))
    net = oh.convert(model, x, timesteps=8, base="root")
    assert [(layer.name, layer.kind, layer.inputs, layer.fires) for layer in net.layers[:8]] == [
        ("conv1", "conv", ("input",), True),
        ("layer1.0.conv1", "conv", ("conv1",), True),
        ("layer1.0.conv2", "conv", ("layer1.0.conv1",), False),
        ("add", "add", ("layer1.0.conv2", "conv1"), True),
        ("layer2.0.conv1", "conv", ("add",), True),
        ("layer2.0.conv2", "conv", ("layer2.0.conv1",), False),
        ("layer2.0.downsample.0", "conv", ("add",), False),
        ("add_1", "add", ("layer2.0.conv2", "layer2.0.downsample.0"), True),
    ]
    add = net.layer("add")
    assert (add.operand_weight[0] == 1).all(), "a convolution has its weights itself"
    assert (add.operand_weight[1] > 127).all(), "the identity has one that INT8 would not hold"
    assert not net.layer("layer1.0.conv2").bias.any(), "the bias lies in the add"
    assert np.array_equal(net.layer("layer2.0.conv2").scale, net.layer("add_1").scale)
    assert relative_difference(real_logits(net, x), model(x)) < 0.1


class Functional(nn.Module):
    """A stem that fires, and a body that is a function of the convolutions and of what the stem gives."""

    def __init__(self, body: Callable[[nn.Module, Tensor], Tensor]) -> None:
        super().__init__()
        self.stem = nn.Conv2d(2, 4, 3, padding=1)
        self.a = nn.Conv2d(4, 4, 3, padding=1)
        self.b = nn.Conv2d(4, 4, 3, padding=1)
        self.down = nn.Conv2d(4, 4, 3, 2, 1)
        self.norm = nn.BatchNorm2d(4)
        self.shortcut = nn.Conv2d(4, 4, 1, 2)
        self.fc1 = nn.Linear(8, 8)
        self.fc2 = nn.Linear(8, 8)
        self.last = nn.LazyLinear(3)
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.body(self, self.stem(x).relu()).flatten(1))


def _vectors(m: nn.Module, x: Tensor) -> Tensor:
    y = functional.adaptive_avg_pool2d(x, (1, 2)).flatten(1)
    z = m.fc1(y).relu()
    return (m.fc2(z) + z).relu()


def _negative_norm(m: nn.Module, x: Tensor) -> Tensor:
    return (m.a(x) + m.norm(x) - 0.3).relu()


def _pool_commutes(m: nn.Module, x: Tensor) -> Tensor:
    return functional.max_pool2d(m.a(x) + x, 2).relu()


CASES: dict[str, tuple[Callable[[nn.Module, Tensor], Tensor], tuple[str, ...]]] = {
    "identity": (lambda m, x: (m.a(x) + x).relu(), ("a", "add")),
    "identity first": (lambda m, x: (x + m.a(x)).relu(), ("a", "add")),
    "torch.add": (lambda m, x: functional.relu(torch.add(m.a(x), other=x)), ("a", "add")),
    "in place": (lambda m, x: m.a(x).add_(x).relu_(), ("a", "add_")),
    "norm behind the sum": (lambda m, x: m.norm(m.a(x) + x).relu(), ("a", "add")),
    "norm on the shortcut": (_negative_norm, ("a", "add")),
    "two convolutions": (lambda m, x: (m.a(x) + m.b(x)).relu(), ("a", "b", "add")),
    "strides on both branches": (lambda m, x: (m.down(x) + m.norm(m.shortcut(x))).relu(), ("down", "shortcut", "add")),
    "identities": (lambda m, x: (m.a(x).relu() + x).relu(), ("a", "add")),
    "max pooling on the shortcut": (
        lambda m, x: (m.down(x) + functional.max_pool2d(x, 3, 2, 1)).relu(),
        ("down", "max_pool2d", "add"),
    ),
    "averages on the shortcut": (
        lambda m, x: (m.a(x) + functional.avg_pool2d(x, 3, 1, 1)).relu(),
        ("a", "avg_pool2d", "add/avg_pool2d", "add"),
    ),
    "averages behind a convolution": (
        lambda m, x: (m.down(x) + functional.avg_pool2d(m.norm(m.a(x)), (1, 2), 2)).relu(),
        ("down", "a", "add"),
    ),
    "norm and averages on the shortcut": (
        lambda m, x: (m.a(x) + m.norm(functional.avg_pool2d(x, 3, 1, 1))).relu(),
        ("a", "avg_pool2d", "add/avg_pool2d", "add"),
    ),
    "max pooling before the ReLU": (_pool_commutes, ("a", "add", "max_pool2d")),
    "a sum that is read twice": (
        lambda m, x: (m.b(y := (m.a(x) + x).relu()) + y).relu(),
        ("a", "add", "b", "add_1"),
    ),
    "three readers": (
        lambda m, x: (m.b((m.a(x) + x).relu()) + x).relu(),
        ("a", "add", "b", "add_1"),
    ),
    "the same spikes twice": (lambda m, x: (x + x.relu()).relu(), ("add",)),
    "vectors": (_vectors, ("adaptive_avg_pool2d", "flatten", "fc1", "fc2", "add")),
    "a branch that leads nowhere": (lambda m, x: ((m.a(x) + x).relu(), m.b(x))[0], ("a", "add")),
    "constants": (lambda m, x: (m.a(x) + x * 0.5 + 0.1).relu(), ("a", "add")),
}


def functional_model(case: str) -> nn.Module:
    model = Functional(CASES[case][0])
    model(images())
    model = seeded(model)
    with torch.no_grad():
        model.norm.weight[1] = -0.7
        model.norm.bias[1] = 1.5
    return model


@pytest.mark.parametrize("case", CASES)
def test_supported(case: str) -> None:
    """The folded layers are the model, exactly; the integers to within INT8; the spikes to within their coding."""
    model, x = functional_model(case), images()
    expected = model(x)
    y = apply_all(float_layers(model, x), x.double())
    torch.testing.assert_close(y, copy.deepcopy(model).double()(x.double()), rtol=1e-6, atol=1e-6)
    net = oh.convert(model, x, **FINE)
    assert [layer.name for layer in net.layers[1 : 1 + len(CASES[case][1])]] == list(CASES[case][1])
    assert relative_difference(emulated(net, x, coded=False), expected) < 0.035
    assert relative_difference(real_logits(net, x), torch.from_numpy(emulated(net, x, coded=True))) < 0.06
    assert relative_difference(real_logits(net, x), expected) < 0.15


def test_resnet_20_converts_and_golden_equals_reference() -> None:
    """Nine blocks, every bit of every layer; then the same network where neurons do not wait."""
    model, x = seeded(ResNet(blocks=3, width=3)), images((3, 16, 16), count=32)
    net = oh.convert(model, x, timesteps=6, base="root")
    assert sum(layer.kind == "add" for layer in net.layers) == 9
    assert relative_difference(real_logits(net, x), model(x)) < 0.15
    for waiting in (net, oh.convert(model, x, timesteps=6, base="root", wait=1)):
        integers = oh.golden.quantize_input(net, x[:1].numpy())
        run, reference = oh.golden.run(waiting, integers), simulate(waiting, integers)
        assert np.array_equal(run.logits, reference.logits)
        for name, codes in reference.codes.items():
            assert np.array_equal(run.codes[name], codes), name


def test_blocks_with_groups_and_bottlenecks_convert() -> None:
    blocks = nn.Sequential(BasicBlock(8, 8, groups=4), Bottleneck(8, 3, stride=2), Bottleneck(12, 3))
    stem = nn.Sequential(nn.Conv2d(2, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 1, 1))
    model = seeded(nn.Sequential(stem, blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 3)))
    x = images()
    net = oh.convert(model, x, **FINE)
    assert [layer.kind for layer in net.layers].count("add") == 3
    assert relative_difference(real_logits(net, x), model(x)) < 0.1


def test_what_meets_in_a_sum_has_one_base() -> None:
    """A block's first convolution and what enters the block; every block has its own."""
    model, x = seeded(ResNet(blocks=2, width=4)), images((3, 12, 12))
    planned = plan(model, x, base="per-layer")
    assert {frozenset(group) for group in together(planned.chain)} == {
        frozenset(group)
        for group in (
            {"conv1", "layer1.0.conv1"},
            {"add", "layer1.1.conv1"},
            {"add_1", "layer2.0.conv1"},
            {"add_2", "layer2.1.conv1"},
            {"add_3", "layer3.0.conv1"},
            {"add_4", "layer3.1.conv1"},
            {"add_5"},
        )
    }
    net = oh.convert(model, x, base="per-layer")
    first, second, third = (net.constants_of(name) for name in ("conv1", "layer1.0.conv1", "add"))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, third)


def test_what_a_spike_costs_that_several_layers_read() -> None:
    """The stem's 4x9x8 spikes: one operation each in the add, 4 x 9 x 8 x 36 multiplies of conv a for all of them."""
    costs = market(float_layers(functional_model("identity"), images()), (2, 9, 8))
    assert costs.reads == {"stem": 1 + 36, "add": 3}
    assert costs.values == {"stem": 4 * 9 * 8, "add": 4 * 9 * 8}


def test_correction_puts_a_sum_right() -> None:
    """Both branches scaled, the bias moved: the line of the add takes it back, on images it has not seen."""
    model, x, unseen = functional_model("identity"), images(count=200), images(count=50, seed=2)
    trained = float_layers(model, x)
    spoilt = {
        "a": lambda layer: replace(layer, weight=layer.weight * 0.7),
        "add": lambda layer: replace(
            layer, weight=torch.stack([layer.weight[0], layer.weight[1] * 0.7]), bias=layer.bias + 1
        ),
    }
    wrong = [spoilt.get(layer.name, lambda same: same)(layer) for layer in trained]
    sent = {layer.name: Neurons(Coding(32, 1.3), np.full(4, 4.0)) for layer in trained if layer.relu}
    right = corrected(trained, wrong, sent, x, x)
    expected = apply_all(trained, unseen)
    assert relative_difference(apply_all(wrong, unseen).double().numpy(), expected) > 0.3
    assert relative_difference(apply_all(right, unseen).double().numpy(), expected) < 0.1


def test_correction_brings_a_residual_network_nearer() -> None:
    """Coarse coding and coarse weights, on images that calibration has not seen."""
    model = seeded(ResNet(blocks=2, width=4))
    calibration, x = images((3, 10, 10), count=200), images((3, 10, 10), count=50, seed=2)

    def error(calibrate: bool) -> float:
        net = oh.convert(model, calibration, timesteps=4, weight_bits=5, calibrate=calibrate, percentile=99, sparsity=0)
        return relative_difference(real_logits(net, x), model(x)) ** 2

    assert error(calibrate=True) < 0.7 * error(calibrate=False)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 50), st.integers(2, 8))
def test_correction_leaves_integer_weights_alone(seed: int, bits: int) -> None:
    """Of convolutions that share a scale, and of the identity."""
    model = seeded(nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), BasicBlock(4, 4), nn.Conv2d(4, 3, 1)), seed)
    x = images()
    planned = plan(model, x, base=1.5, weight_bits=bits, sparsity=0, refit=False)
    read = sources(planned.chain, planned.neurons, planned.code.step, (2, 9, 8))
    before, after = (
        integer_weights(layers, read, planned.neurons, bits) for layers in (float_layers(model, x), planned.chain)
    )
    for name, integers in before.items():
        assert np.array_equal(integers.values, after[name].values), name
    assert not np.allclose(before["add"].scale, after["add"].scale), "nothing was corrected"


@pytest.mark.parametrize("factor", [0.0, 1e-7, 1e-4, 1e-2, 1.0, 100.0])
def test_an_identity_beside_weights_of_any_size(factor: float) -> None:
    """Operand weights take 16 bits at most: where the convolution is weak, its weights are rounded more."""
    model = functional_model("identity")
    with torch.no_grad():
        model.a.weight *= factor
    x = images()
    net = oh.convert(model, x, **FINE, refit=False)
    weights = net.layer("add").operand_weight[1]
    assert 0 < np.abs(weights).max() < 2**15
    assert (np.abs(weights).max() == 2**15 - 2) == (factor in (1e-4, 1e-2))
    assert relative_difference(emulated(net, x, coded=False), model(x)) < 0.03

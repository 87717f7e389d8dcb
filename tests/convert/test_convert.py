"""How conversion is used, and that every supported construct computes what torch computes."""

from __future__ import annotations

import copy
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import onespike_hw as oh
from onespike_hw.convert.explain import base_costs
from onespike_hw.convert.layers import apply_all
from onespike_hw.convert.pipeline import plan
from onespike_hw.network import to_bytes
from tests.convert.cases import IMAGE, PIXELS, chain, emulated, float_layers, images, relative_difference, seeded


def small_cnn() -> nn.Module:
    return seeded(
        chain(
            conv1=nn.Conv2d(2, 6, 3, padding=1, bias=False),
            bn1=nn.BatchNorm2d(6),
            relu1=nn.ReLU(),
            pool=nn.MaxPool2d(2),
            flatten=nn.Flatten(),
            fc1=nn.Linear(6 * 4 * 4, 12),
            relu2=nn.ReLU(),
            fc2=nn.Linear(12, 5),
        )
    )


def test_a_trained_module_and_some_images_give_a_network() -> None:
    net = oh.convert(small_cnn(), images(), timesteps=6)
    assert [(layer.name, layer.kind, layer.inputs) for layer in net.layers] == [
        ("conv1", "conv", ("input",)),
        ("pool", "maxpool", ("conv1",)),
        ("flatten", "flatten", ("pool",)),
        ("fc1", "linear", ("flatten",)),
        ("fc2", "linear", ("fc1",)),
    ]
    assert [layer.fires for layer in net.layers] == [True, False, False, True, False]
    assert net.timesteps == 6
    assert net.settled
    assert (net.input_bits, net.input_signed, net.input_scale.tolist()) == (8, False, [1 / 255] * 2)


def test_numpy_calibration_is_as_good_as_torch() -> None:
    model, calibration = small_cnn(), images()
    assert to_bytes(oh.convert(model, calibration.numpy())) == to_bytes(oh.convert(model, calibration))


def test_the_model_is_left_as_it_was() -> None:
    model = small_cnn().train()
    before = copy.deepcopy(model.state_dict())
    random_state = torch.get_rng_state()
    oh.convert(model, images())
    assert model.training
    assert all(module.training for module in model.modules())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert torch.equal(random_state, torch.get_rng_state())


def test_the_same_input_gives_the_same_bytes() -> None:
    first, second = (to_bytes(oh.convert(small_cnn(), images(), base="per-layer")) for _ in range(2))
    assert first == second


def test_torch_is_imported_at_the_first_call() -> None:
    code = "import sys, onespike_hw as oh; assert callable(oh.convert); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def real_logits(net: oh.Network, x: Tensor) -> np.ndarray:
    """The golden model's logits in real units."""
    run = oh.golden.run(net, x.numpy())
    return run.logits * run.scale.reshape(-1, *[1] * (run.logits.ndim - 2))


class Functional(nn.Module):
    """Functions and methods in place of modules; one pooling module used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.Identity())
        self.body = nn.Conv2d(4, 6, 3, padding="same")
        self.head = nn.Linear(6, 8)
        self.last = nn.Linear(8, 3)
        self.pool = nn.MaxPool2d(2)
        self.drop = nn.Dropout(0.3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(torch.relu(self.stem(x)))
        x = self.pool(functional.relu(self.body(x), inplace=True))
        x = functional.dropout(functional.adaptive_avg_pool2d(x, 1), training=self.training)
        x = self.drop(self.head(x.view(x.size(0), -1)).relu_())
        return self.last(x.reshape(x.shape[0], -1).contiguous())


class Reused(nn.Module):
    """The same weights twice."""

    def __init__(self) -> None:
        super().__init__()
        self.same = nn.Conv2d(2, 2, 3, padding=1)
        self.last = nn.Conv2d(2, 3, (9, 8))

    def forward(self, x: Tensor) -> Tensor:
        return torch.flatten(self.last(self.same(self.same(x).relu()).relu()), start_dim=1)


class Subclass(nn.Linear):
    """A plain subclass of a supported module."""


def head(features: int, **more: nn.Module) -> dict[str, nn.Module]:
    """Flatten and Linear to three classes."""
    return {"flatten": nn.Flatten(), **more, "last": nn.Linear(features, 3)}


CASES: dict[str, tuple[nn.Module, list[str]]] = {
    "stride and asymmetric padding": (
        chain(c=nn.Conv2d(2, 5, (3, 2), stride=(2, 3), padding=(1, 0)), r=nn.ReLU(), **head(5 * 5 * 3)),
        ["c", "flatten", "last"],
    ),
    "even kernel, padding same": (
        chain(c=nn.Conv2d(2, 4, (4, 3), padding="same"), r=nn.ReLU(), **head(4 * 72)),
        ["c", "flatten", "last"],
    ),
    "padding valid, groups": (
        chain(c=nn.Conv2d(2, 6, 3, padding="valid", groups=2), r=nn.ReLU(), **head(6 * 42)),
        ["c", "flatten", "last"],
    ),
    "depthwise behind a firing layer": (
        chain(
            a=nn.Conv2d(2, 4, 1),
            r=nn.ReLU(),
            d=nn.Conv2d(4, 8, 3, padding=1, groups=4),
            r2=nn.ReLU(),
            p=nn.Conv2d(8, 6, 1),
            r3=nn.ReLU(),
            **head(6 * 72),
        ),
        ["a", "d", "p", "flatten", "last"],
    ),
    "functions and methods": (
        Functional(),
        ["stem.0", "pool", "body", "pool_2", "adaptive_avg_pool2d", "view", "head", "last"],
    ),
    "a module used twice": (Reused(), ["same", "same_2", "flatten", "last"]),
    "average pooling": (
        chain(
            c=nn.Conv2d(2, 5, 3, padding=1),
            r=nn.ReLU(),
            p=nn.AvgPool2d(3, stride=2, padding=1),
            d=nn.Conv2d(5, 4, 2),
            r2=nn.ReLU(),
            g=nn.AdaptiveAvgPool2d(1),
            **head(4),
        ),
        ["c", "p", "d", "g", "flatten", "last"],
    ),
    "average of averages, of a maximum": (
        chain(
            c=nn.Conv2d(2, 5, 3, padding=1),
            r=nn.ReLU(),
            m=nn.MaxPool2d(3, stride=1, padding=1),
            p=nn.AvgPool2d((3, 2)),
            g=nn.AdaptiveAvgPool2d((1, 2)),
            **head(10),
        ),
        ["c", "m", "p", "g", "flatten", "last"],
    ),
    "average pooling of the input": (
        chain(p=nn.AvgPool2d(2), c=nn.Conv2d(2, 5, 3), r=nn.ReLU(), **head(5 * 2 * 2)),
        ["p", "c", "flatten", "last"],
    ),
    "pooling to the same size": (
        chain(c=nn.Conv2d(2, 5, 3), r=nn.ReLU(), g=nn.AdaptiveAvgPool2d((7, 6)), **head(5 * 42)),
        ["c", "flatten", "last"],
    ),
    "ceil mode that changes nothing": (
        chain(c=nn.Conv2d(2, 5, (4, 3)), r=nn.ReLU(), m=nn.MaxPool2d(2, ceil_mode=True), **head(5 * 9)),
        ["c", "m", "flatten", "last"],
    ),
    "multilayer perceptron": (
        nn.Sequential(nn.Flatten(), Subclass(PIXELS, 10), nn.BatchNorm1d(10), nn.ReLU(), nn.Linear(10, 3)),
        ["0", "1", "4"],
    ),
    "one layer alone": (chain(**head(PIXELS)), ["flatten", "last"]),
    "linear behind linear": (
        chain(
            f=nn.Flatten(), a=nn.Linear(PIXELS, 7), b=nn.Linear(7, 9), r=nn.ReLU(), c=nn.Linear(9, 4), d=nn.Linear(4, 3)
        ),
        ["f", "b", "d"],
    ),
    "padding-free conv behind conv": (
        chain(
            a=nn.Conv2d(2, 4, 3, stride=2, padding=1), b=nn.Conv2d(4, 5, (2, 3), stride=(1, 2)), r=nn.ReLU(), **head(20)
        ),
        ["b", "flatten", "last"],
    ),
    "pointwise behind depthwise": (
        chain(a=nn.Conv2d(2, 4, 3, padding=1, groups=2), b=nn.Conv2d(4, 6, 1), r=nn.ReLU(), **head(6 * 72)),
        ["b", "flatten", "last"],
    ),
    "groups behind groups": (
        chain(a=nn.Conv2d(2, 4, 3, padding=1, groups=2), b=nn.Conv2d(4, 6, 2, groups=2), r=nn.ReLU(), **head(6 * 56)),
        ["b", "flatten", "last"],
    ),
    "padded conv behind pointwise without bias": (
        chain(a=nn.Conv2d(2, 4, 1, stride=2, bias=False), b=nn.Conv2d(4, 5, 3, padding=1), r=nn.ReLU(), **head(5 * 20)),
        ["b", "flatten", "last"],
    ),
    "linear behind flattened conv": (
        chain(
            a=nn.Conv2d(2, 4, 3, padding=1, stride=2, groups=2),
            f=nn.Flatten(),
            b=nn.Linear(4 * 20, 9),
            r=nn.ReLU(),
            c=nn.Linear(9, 3),
        ),
        ["f", "b", "c"],
    ),
    "ReLU behind pooling and flatten": (
        chain(c=nn.Conv2d(2, 5, 3), m=nn.MaxPool2d(2, padding=1), f=nn.Flatten(), r=nn.ReLU(), last=nn.Linear(80, 3)),
        ["c", "m", "f", "last"],
    ),
    "two ReLUs, one behind averages": (
        chain(c=nn.Conv2d(2, 5, 3), r=nn.ReLU(), r2=nn.ReLU(), p=nn.AvgPool2d(2), r3=nn.ReLU(), **head(45)),
        ["c", "p", "flatten", "last"],
    ),
    "ReLU behind averages of a conv": (
        chain(c=nn.Conv2d(2, 5, 3, padding=1), p=nn.AvgPool2d(2), r=nn.ReLU(), **head(5 * 16)),
        ["c", "flatten", "last"],
    ),
    "ReLU behind padded averages of a pointwise conv": (
        chain(c=nn.Conv2d(2, 5, 1, bias=False), p=nn.AvgPool2d(2, padding=1), r=nn.ReLU(), **head(5 * 25)),
        ["p", "c", "flatten", "last"],
    ),
    "norm behind a pooled conv": (
        chain(c=nn.Conv2d(2, 5, 3), m=nn.MaxPool2d(2), n=nn.BatchNorm2d(5), r=nn.ReLU(), **head(5 * 9)),
        ["c", "m", "flatten", "last"],
    ),
    "norm behind ReLU, padding-free conv": (
        chain(
            c=nn.Conv2d(2, 4, 3),
            r=nn.ReLU(),
            n=nn.BatchNorm2d(4),
            d=nn.Conv2d(4, 6, 3, groups=2),
            r2=nn.ReLU(),
            **head(120),
        ),
        ["c", "d", "flatten", "last"],
    ),
    "norm without shift behind ReLU, padded conv": (
        chain(
            c=nn.Conv2d(2, 4, 3),
            r=nn.ReLU(),
            n=nn.BatchNorm2d(4, affine=False),
            d=nn.Conv2d(4, 6, 3, padding=1),
            r2=nn.ReLU(),
            **head(6 * 42),
        ),
        ["c", "d", "flatten", "last"],
    ),
    "norm behind ReLU, then both poolings and flatten": (
        chain(
            c=nn.Conv2d(2, 4, 3),
            r=nn.ReLU(),
            n=nn.BatchNorm2d(4),
            m=nn.MaxPool2d(2),
            f=nn.Flatten(),
            last=nn.Linear(36, 3),
        ),
        ["c", "m", "f", "last"],
    ),
    "norm behind ReLU, averages": (
        chain(c=nn.Conv2d(2, 4, 3), r=nn.ReLU(), n=nn.BatchNorm2d(4), g=nn.AdaptiveAvgPool2d(1), **head(4)),
        ["c", "g", "flatten", "last"],
    ),
    "norm behind flatten": (
        chain(c=nn.Conv2d(2, 4, 3), r=nn.ReLU(), **head(4 * 42, n=nn.BatchNorm1d(4 * 42))),
        ["c", "flatten", "last"],
    ),
    "norm between ReLUs": (
        chain(c=nn.Conv2d(2, 4, 3), r=nn.ReLU(), n=nn.BatchNorm2d(4), r2=nn.ReLU(), **head(4 * 42)),
        ["c", "n", "flatten", "last"],
    ),
    "norm between ReLUs, of features": (
        chain(
            f=nn.Flatten(), a=nn.Linear(PIXELS, 8), r=nn.ReLU(), n=nn.BatchNorm1d(8), r2=nn.ReLU(), last=nn.Linear(8, 3)
        ),
        ["f", "a", "n", "last"],
    ),
    "norm at the end": (
        chain(f=nn.Flatten(), a=nn.Linear(PIXELS, 8), r=nn.ReLU(), b=nn.Linear(8, 3), n=nn.BatchNorm1d(3)),
        ["f", "a", "b"],
    ),
    "averaged pointwise conv at the end": (
        chain(c=nn.Conv2d(2, 4, 3), r=nn.ReLU(), d=nn.Conv2d(4, 3, 1), g=nn.AdaptiveAvgPool2d(1), f=nn.Flatten()),
        ["c", "g", "f", "d"],
    ),
    "conv at the end": (
        chain(c=nn.Conv2d(2, 4, 3, padding=1), r=nn.ReLU(), d=nn.Conv2d(4, 3, 3, stride=2)),
        ["c", "d"],
    ),
}


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("case", CASES)
def test_supported(case: str) -> None:
    """The folded chain is the model, exactly; the integers are it to within INT8; the spikes to within their coding."""
    model, names = CASES[case]
    model = seeded(copy.deepcopy(model))
    x = images()
    expected = model(x)
    precise = copy.deepcopy(model).double()
    y = apply_all(float_layers(model, x), x.double())
    torch.testing.assert_close(y.reshape(expected.shape), precise(x.double()), rtol=1e-6, atol=1e-6)

    net = oh.convert(model, x, timesteps=32, base=2**0.25, input_bits=16, percentile=100, refit=False, sparsity=0)
    assert [layer.name for layer in net.layers] == names
    assert net.layers[0].inputs == ("input",)
    assert all(layer.inputs == (before.name,) for before, layer in zip(net.layers, net.layers[1:], strict=False))
    assert relative_difference(emulated(net, x, coded=False), expected) < 0.03
    assert relative_difference(real_logits(net, x), torch.from_numpy(emulated(net, x, coded=True))) < 0.04
    assert relative_difference(real_logits(net, x), expected) < 0.15


def test_names_are_torchs_and_input_is_taken() -> None:
    model = seeded(chain(input=nn.Flatten(), body=chain(fc=nn.Linear(PIXELS, 4), relu=nn.ReLU()), last=nn.Linear(4, 3)))
    assert [layer.name for layer in oh.convert(model, images()).layers] == ["input_2", "body.fc", "last"]


@pytest.mark.parametrize("normalization", ["channel", "layer"])
@pytest.mark.parametrize("calibrate", [True, False])
def test_full_scales(normalization: str, calibrate: bool) -> None:
    """One full scale a layer, or one a channel; plain, it is the percentile of the activations."""
    model, x = small_cnn(), images()
    net = oh.convert(
        model, x, normalization=normalization, percentile=97, calibrate=calibrate, input_bits=16, base=1.5, start=1
    )
    scales = net.layer("conv1").full_scale
    assert scales is not None
    assert (len(set(scales)) == 1) == (normalization == "layer")
    activations = torch.relu(model.bn1(model.conv1(x))).transpose(0, 1).flatten(1).detach().numpy()
    axis = None if normalization == "layer" else 1
    plain = np.quantile(activations, 0.97, axis=axis)
    assert np.allclose(scales, plain, rtol=1e-3) != calibrate


def test_a_single_base_per_layer() -> None:
    net = oh.convert(small_cnn(), images(), base="per-layer")
    constants = [net.constants_of(name) for name in ("conv1", "fc1")]
    assert not np.array_equal(*constants)
    assert all((own is not None) and own[-1] >= 256 for own in constants)


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("threshold_shift", [True, False])
def test_ladder(start: int, threshold_shift: bool) -> None:
    """Theta in real units is what the design says, rounded up to whole units of the potential."""
    net = oh.convert(
        small_cnn(), images(), timesteps=4, base=1.7, start=start, threshold_shift=threshold_shift, sparsity=0
    )
    layer = net.layer("fc1")
    levels = 1.7 ** -(np.arange(5.0) + start)
    levels[4] = 0 if threshold_shift else levels[4]
    shifted = (levels[:4] + levels[1:]) / 2
    thresholds = np.outer(layer.full_scale, shifted if threshold_shift else levels[:4]) / layer.scale[:, None]
    assert (layer.ladder >= thresholds - 1e-6).all()
    assert (layer.ladder < thresholds + 1).all()


@pytest.mark.parametrize("bits", range(2, 9))
def test_weight_bits(bits: int) -> None:
    """Symmetric and narrow; the largest weight of each channel takes the largest integer."""
    net = oh.convert(small_cnn(), images(), weight_bits=bits)
    for name in ("conv1", "fc1", "fc2"):
        weight = net.layer(name).weight.astype(int)
        assert (np.abs(weight).reshape(len(weight), -1).max(axis=1) == 2 ** (bits - 1) - 1).all()


def test_wait() -> None:
    assert oh.convert(small_cnn(), images(), timesteps=6, wait=2).wait == 2
    assert oh.convert(small_cnn(), images(), timesteps=6, wait=5).settled


@pytest.mark.parametrize(
    ("low", "high", "signed", "largest"),
    [
        (0, 1, False, 1),
        (0, 200, False, 255),
        (0, 1023, False, 1023),
        (-1, 1, True, 1),
        (-3.5, 2, False, 5.5),
        (0.25, 7.5, False, 7.5),
    ],
)
def test_the_range_of_the_input_is_read_from_calibration(low: float, high: float, signed: bool, largest: float) -> None:
    x = low + (high - low) * images(count=8)
    x[0, :, 0, :2] = torch.tensor([low, high])
    x = x.round() if high > 100 else x
    net = oh.convert(small_cnn(), x)
    assert net.input_signed == signed
    assert net.input_scale.tolist() == pytest.approx([largest / (127 if signed else 255)] * 2)
    assert oh.convert(small_cnn(), x / largest / 4).input_scale[0] != pytest.approx(net.input_scale[0])


def test_the_range_of_the_input_as_declared() -> None:
    net = oh.convert(small_cnn(), images(), input_range=(-2, 1), input_bits=4, input_shape=IMAGE)
    assert net.input_signed
    assert net.input_scale.tolist() == [2 / 7] * 2
    assert oh.convert(small_cnn(), images(), input_range=(0, 3)).input_scale.tolist() == [3 / 255] * 2
    binary = oh.convert(small_cnn(), images().round(), input_bits=1)
    assert (binary.input_bits, binary.input_scale[0]) == (1, 1)


def test_silent_channels_and_empty_weights_work() -> None:
    """Full scales fall back, nothing divides by zero, and what the other channels compute is unharmed."""
    model = small_cnn()
    with torch.no_grad():
        model.bn1.bias[0] = -100
        model.conv1.weight[1] = 0
        model.conv1.weight[2] *= 1e-30
        model.fc1.weight[0] = 0
        model.fc1.bias[0] = -1e9
        model.fc1.weight[1] = 0
        model.fc2.weight[0] = 0
    x = images()
    net = oh.convert(model, x, timesteps=32, base=2**0.25, input_bits=16, percentile=100, refit=False)
    assert all((layer.scale > 0).all() for layer in net.layers if layer.scale is not None)
    scales = net.layer("conv1").full_scale
    assert scales[0] == pytest.approx(np.median(np.delete(scales, 0)), rel=0.5)
    run = oh.golden.run(net, x.numpy())
    assert (run.codes["conv1"][:, 0] == 32).all()
    assert (run.codes["fc1"][:, 0] == 32).all()
    assert relative_difference(emulated(net, x, coded=False), model(x)) < 0.02
    assert relative_difference(real_logits(net, x), torch.from_numpy(emulated(net, x, coded=True))) < 0.03


def test_a_channel_that_fires_on_fewer_images_than_the_percentile_takes_its_largest_activation() -> None:
    model = seeded(chain(f=nn.Flatten(), a=nn.Linear(PIXELS, 2), r=nn.ReLU(), b=nn.Linear(2, 3)))
    x = images(count=64)
    sums = x.flatten(1).sum(1).sort().values
    with torch.no_grad():
        model.a.weight[0] = 1
        model.a.bias[0] = -sums[-2]
    net = oh.convert(model, x, percentile=90, calibrate=False, input_bits=16)
    assert net.layer("a").full_scale[0] == pytest.approx(float(sums[-1] - sums[-2]), rel=0.05)


@pytest.mark.parametrize("timesteps", [1, 2, 32])
def test_timesteps(timesteps: int) -> None:
    net = oh.convert(small_cnn(), images(), timesteps=timesteps)
    assert net.layer("conv1").ladder.shape == (6, timesteps)
    assert np.isfinite(real_logits(net, images())).all()


def test_a_layer_that_is_silent_altogether_works() -> None:
    model = small_cnn()
    with torch.no_grad():
        model.bn1.bias[:] = -100
        model.fc2.weight[:] = 0
    net = oh.convert(model, images())
    assert net.layer("conv1").full_scale.tolist() == [1] * 6
    assert relative_difference(real_logits(net, images()), model(images())) < 0.01


def test_an_optimal_start_is_the_one_that_loses_less() -> None:
    """Where the full scale is the largest of many small activations, phase 0 had better stand for less than it."""
    model = seeded(chain(f=nn.Flatten(), a=nn.Linear(2, 1), r=nn.ReLU(), b=nn.Linear(1, 3)))
    with torch.no_grad():
        model.a.weight.copy_(torch.tensor([[1.0, 0.0]]))
        model.a.bias.zero_()
    x = torch.rand(4000, 2, generator=torch.Generator().manual_seed(0)) * 0.15
    x[0] = 1
    plain = {"calibrate": False, "percentile": 100, "timesteps": 3, "base": 2.5}
    assert oh.convert(model, x, start="optimal", **plain).start == 1
    even = torch.linspace(0, 1, 400)[:, None].repeat(1, 2)
    assert oh.convert(model, even, start="optimal", **plain).start == 0


def test_what_a_root_base_costs() -> None:
    planned = plan(small_cnn(), images(), timesteps=4, base="root")
    costs = base_costs(planned)
    assert [cost.layer for cost in costs] == ["conv1", "fc1"]
    assert {cost.base for cost in costs} == {planned.coding.base}
    assert all(0 < cost.best_loss <= cost.loss for cost in costs)
    assert all(cost.best_base != cost.base for cost in costs)

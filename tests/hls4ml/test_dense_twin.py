"""The dense twin: hls4ml's C model computes the INT8 network, and the counts are those of its project."""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from onespike_hw import dense_twin
from onespike_hw.convert.zoo import load_calibration, load_images, load_model
from onespike_hw.dense_twin import DenseTwin, Fixed, fitted
from onespike_hw.errors import ConversionError, SimulatorError

Images = NDArray[np.float32]


def small_cnn() -> nn.Sequential:
    torch.manual_seed(3)
    layers = [
        ("conv", nn.Conv2d(2, 4, 3, padding=1, bias=False)),
        ("bn", nn.BatchNorm2d(4)),
        ("relu1", nn.ReLU()),
        ("pool", nn.MaxPool2d(2)),
        ("flatten", nn.Flatten()),
        ("fc1", nn.Linear(36, 6)),
        ("relu2", nn.ReLU()),
        ("fc2", nn.Linear(6, 3)),
    ]
    return nn.Sequential(OrderedDict(layers)).eval()


def images(count: int) -> Images:
    return np.random.default_rng(5).random((count, 2, 6, 6)).astype(np.float32)


def build(folder: Path, **options: Any) -> DenseTwin:
    labels = np.arange(12) % 3
    return dense_twin.build(small_cnn(), images(200), images(12), labels, out=folder, **options)


def reuse_factors(twin: DenseTwin) -> dict[str, int]:
    """What the emitted C++ says."""
    _, *parts = re.split(r"^// (\w+)$", (twin.folder / "firmware" / "parameters.h").read_text(), flags=re.MULTILINE)
    sections = dict(zip(parts[::2], parts[1::2], strict=True))
    found = {layer.name: re.search(r"reuse_factor = (\d+);", sections[layer.name]) for layer in twin.layers}
    return {name: int(match[1]) for name, match in found.items() if match}


def test_a_type_holds_values_with_the_least_squared_error() -> None:
    values = np.array([0.0, 0.5, 0.996])
    assert fitted(values, 8) == Fixed(8, 0, signed=False)
    assert fitted(-values, 8) == Fixed(8, 1, signed=True)
    outlier = np.append(np.linspace(0, 0.99, 5000), 1.3)
    assert fitted(outlier, 4) == Fixed(4, 0, signed=False)
    assert fitted(np.zeros(3), 8) == Fixed(8, 1, signed=False)


def test_a_type_rounds_and_saturates() -> None:
    values = np.array([-9, -0.26, 0.25, 0.74, 9])
    assert Fixed(3, 2, signed=True).rounded(values).tolist() == [-2, -0.5, 0.5, 0.5, 1.5]
    assert str(Fixed(8, 3, signed=False)) == "ap_ufixed<8,3,AP_RND,AP_SAT>"
    assert str(Fixed(8, -1, signed=True)) == "ap_fixed<8,-1,AP_RND,AP_SAT>"


def fixed_point_logits(twin: DenseTwin, x: Images, calibration: Images) -> NDArray[np.float64]:
    """The twin in numpy: exact sums of rounded weights and activations."""
    model = small_cnn()
    conv, fc1, fc2 = twin.layers
    fused = nn.utils.fuse_conv_bn_eval(model.conv, model.bn)
    weight = torch.from_numpy(conv.weight.rounded(fused.weight.detach().double().numpy()))
    source = fitted(calibration.astype(np.float64), 8)
    values = torch.from_numpy(source.rounded(x.astype(np.float64)))
    bias = to_grid(fused.bias, source, conv)
    values = torch.relu(nn.functional.conv2d(values, weight, bias, padding=1)).numpy()
    values = torch.from_numpy(conv.result.rounded(values))
    values = nn.functional.max_pool2d(values, 2).flatten(1)
    for module, layer, source_type in ((model.fc1, fc1, conv.result), (model.fc2, fc2, fc1.result)):
        weight = torch.from_numpy(layer.weight.rounded(module.weight.detach().double().numpy()))
        values = values @ weight.T + to_grid(module.bias, source_type, layer)
        if layer is fc1:
            values = torch.from_numpy(layer.result.rounded(torch.relu(values).numpy()))
    return values.numpy()


def to_grid(bias: torch.Tensor, source: Fixed, layer: dense_twin.TwinLayer) -> torch.Tensor:
    step = 2.0 ** -(source.fraction + layer.weight.fraction)
    return torch.floor(bias.detach().double() / step + 0.5) * step


def test_the_c_model_computes_the_int8_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dense_twin, "_BATCH", 5)
    done: list[tuple[int, int]] = []
    twin = build(tmp_path, multipliers=60, progress=lambda *counts: done.append(counts))
    assert done == [(5, 12), (10, 12), (12, 12)]
    np.testing.assert_array_equal(twin.logits, fixed_point_logits(twin, images(12), images(200)))
    with torch.no_grad():
        expected = small_cnn()(torch.from_numpy(images(12))).numpy()
    np.testing.assert_allclose(twin.logits, expected, atol=0.05 * np.abs(expected).max())
    labels = np.arange(12) % 3
    assert twin.accuracy == (twin.logits.argmax(1) == labels).mean()
    assert twin.float_accuracy == (expected.argmax(1) == labels).mean()
    assert twin.multipliers <= 60
    assert reuse_factors(twin) == {layer.name: layer.reuse_factor for layer in twin.layers}
    assert [layer.multipliers * layer.reuse_factor for layer in twin.layers] == [2 * 9 * 4, 36 * 6, 6 * 3]
    assert twin.cycles == max(36 * twin.layers[0].reuse_factor, *(layer.reuse_factor for layer in twin.layers[1:]))


def test_refusals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConversionError, match="multipliers: 2 are too few for 3 layers; give at least 3, one a layer"):
        build(tmp_path, multipliers=2)
    labels = np.zeros(2, np.int64)
    pooled = nn.Sequential(nn.AvgPool2d(2), nn.Flatten(), nn.Linear(18, 3))
    with pytest.raises(ConversionError, match="0: the twin has no avgpool; use max pooling"):
        dense_twin.build(pooled, images(20), images(2), labels, out=tmp_path)
    grouped = nn.Sequential(nn.Conv2d(2, 4, 3, groups=2), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))
    with pytest.raises(ConversionError, match="0: hls4ml's PyTorch frontend has no groups, this layer has 2"):
        dense_twin.build(grouped, images(20), images(2), labels, out=tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SimulatorError, match=r"g\+\+: not found on PATH; install it"):
        build(tmp_path)


def test_a_compiler_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = tmp_path / "g++"
    compiler.write_text("#!/bin/sh\necho this compiler is too old\nexit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(SimulatorError, match=r"(?s)hls4ml: Failed to compile project .*this compiler is too old"):
        build(tmp_path / "twin")


@pytest.mark.verify
def test_the_shipped_cnn(tmp_path: Path) -> None:
    """INT8 costs the trained network at most one image in a hundred."""
    x, labels = load_images("fashion-mnist")
    twin = dense_twin.build(load_model("fashion-cnn"), load_calibration("fashion-mnist"), x, labels, out=tmp_path)
    assert twin.accuracy >= twin.float_accuracy - 0.01
    assert reuse_factors(twin) == {layer.name: layer.reuse_factor for layer in twin.layers}
    assert len(twin.logits) == len(x)

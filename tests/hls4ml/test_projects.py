"""hls4ml projects with one-spike layers agree with the golden model on every bit."""

from __future__ import annotations

import re
import subprocess
from collections import OrderedDict
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from onespike_hw import Network, golden
from onespike_hw.codegen.names import identifiers
from onespike_hw.convert.pipeline import convert as convert_network
from onespike_hw.convert.zoo import load_calibration, load_images, load_model
from onespike_hw.errors import ConversionError
from onespike_hw.hls4ml import to_torch
from onespike_hw.nn import OneSpike
from tests import cases, networks
from tests.hls4ml.projects import as_input, channels_first, convert

IMAGES = 6


def assert_bit_exact(net: Network, folder: Path, backend: str, io_type: str) -> None:
    """Codes of every layer and logits, of the whole network as one project."""
    x = networks.random_inputs(np.random.default_rng(1), net, IMAGES)
    project = convert(to_torch(net), net.input_shape, folder, backend, io_type)
    logits, traced = project.trace(as_input(x, io_type))
    run = golden.run(net, x)
    firing = [layer for layer in net.layers if layer.fires]
    names = identifiers(f"{layer.name}/spikes" for layer in firing)
    for layer in firing:
        codes = channels_first(traced[names[f"{layer.name}/spikes"]], layer.shape)
        np.testing.assert_array_equal(codes, run.codes[layer.name], err_msg=layer.name)
    shape = run.logits.shape[1:]
    np.testing.assert_array_equal(channels_first(logits, shape), run.logits)
    np.testing.assert_array_equal(channels_first(project.predict(as_input(x, io_type)), shape), run.logits)


def test_streamed_cnn_on_vitis(tmp_path: Path) -> None:
    assert_bit_exact(cases.CASES["root_2_1_2"](), tmp_path, "Vitis", "io_stream")


def test_parallel_cnn_on_vivado(tmp_path: Path) -> None:
    """Neurons that fire early, groups, zero points, padding, constants of their own, a general base."""
    layers = [
        networks.conv(4, 3, padding=1),
        networks.maxpool(3, 2, 1),
        networks.conv(6, 2, padding=1, groups=2, base=1.37),
        networks.flatten(),
        networks.linear(5, base=networks.Root(2, 3)),
        networks.linear(3),
    ]
    net = networks.build(np.random.default_rng(3), (3, 5, 6), layers, wait=1, zero_point=(0, 100, 255))
    assert_bit_exact(net, tmp_path, "Vivado", "io_parallel")


def mlp(wait: int | None = None) -> Network:
    layers = [networks.linear(6), networks.linear(5), networks.linear(3)]
    return networks.build(np.random.default_rng(5), (12,), layers, wait=wait)


def test_behind_layers_of_hls4ml(tmp_path: Path) -> None:
    """Linear and ReLU of hls4ml in fixed point, a sixteenth of the first layer's integers; then one-spike neurons."""
    net = mlp()
    first = net.layers[0]
    assert first.weight is not None and first.bias is not None and first.ladder is not None  # noqa: PT018
    dense = nn.Linear(12, 6)
    dense.weight.data = torch.from_numpy(first.weight / np.float32(16))
    dense.bias.data = torch.from_numpy((first.bias / 16).astype(np.float32))
    front = [("dense", dense), ("relu", nn.ReLU()), ("spikes", OneSpike(first.ladder, fraction_bits=4))]
    model = nn.Sequential(OrderedDict([*front, *list(to_torch(net).named_children())[2:]]))
    wide = "ap_fixed<32,28>"
    precisions = {
        "input_1": {"result": "ap_uint<8>"},
        "dense": {"weight": "ap_fixed<8,4>", "bias": wide, "accum": wide, "result": wide},
        "relu": {"result": wide},
    }
    x = networks.random_inputs(np.random.default_rng(1), net, IMAGES)
    project = convert(model, net.input_shape, tmp_path, "Vitis", "io_parallel", precisions)
    logits, traced = project.trace(as_input(x, "io_parallel"))
    run = golden.run(net, x)
    np.testing.assert_array_equal(traced["spikes"], run.codes[first.name])
    np.testing.assert_array_equal(logits, run.logits)


def test_in_front_of_layers_of_hls4ml(tmp_path: Path) -> None:
    """The potentials of a one-spike network that fires early go on into ReLU and Linear of hls4ml."""
    net = mlp(wait=2)
    head = nn.Linear(3, 2, bias=False)
    head.weight.data = torch.tensor([[3.0, -2.0, 1.0], [-1.0, 5.0, 2.0]])
    model = nn.Sequential(OrderedDict([*to_torch(net).named_children(), ("relu", nn.ReLU()), ("head", head)]))
    precisions = {
        "relu": {"result": "ap_int<40>"},
        "head": {"weight": "ap_int<8>", "accum": "ap_int<48>", "result": "ap_int<48>"},
    }
    x = networks.random_inputs(np.random.default_rng(1), net, IMAGES)
    project = convert(model, net.input_shape, tmp_path, "Vivado", "io_stream", precisions)
    project.compile()
    expected = np.maximum(golden.run(net, x).logits, 0) @ np.array([[3, -1], [-2, 5], [1, 2]])
    np.testing.assert_array_equal(project.predict(as_input(x, "io_stream")), expected)


TARGETS = [(backend, io_type) for backend in ("Vitis", "Vivado") for io_type in ("io_stream", "io_parallel")]


@pytest.mark.verify
@pytest.mark.parametrize(("case", "target"), list(zip(cases.CASES, cycle(TARGETS), strict=False)))
def test_every_kind_of_network(case: str, target: tuple[str, str], tmp_path: Path) -> None:
    net = cases.CASES[case]()
    averages = any(layer.kind == "avgpool" and net.constants_of(layer.name) is not None for layer in net.layers)
    if averages and not net.settled:
        with pytest.raises(ConversionError, match="needs settled neurons"):
            to_torch(net)
    else:
        assert_bit_exact(net, tmp_path, *target)


@pytest.mark.verify
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("wait", [0, 2])
def test_neurons_that_fire_early(wait: int, target: tuple[str, str], tmp_path: Path) -> None:
    layers = [networks.conv(4, 3), networks.maxpool(2), networks.conv(3, 2), networks.flatten(), networks.linear(3)]
    net = networks.build(np.random.default_rng(4), (2, 7, 6), layers, wait=wait)
    assert_bit_exact(net, tmp_path, *target)


@pytest.mark.verify
@pytest.mark.parametrize("target", TARGETS)
def test_a_padding_wider_than_the_kernel(target: tuple[str, str], tmp_path: Path) -> None:
    layers = [networks.conv(3, 1, padding=2), networks.conv(2, 2, stride=3, padding=2), networks.conv(2, 1)]
    assert_bit_exact(networks.build(np.random.default_rng(6), (2, 4, 3), layers), tmp_path, *target)


@pytest.mark.verify
def test_the_shipped_cnn(tmp_path: Path) -> None:
    """All of the images that ship with the package."""
    net = convert_network(load_model("fashion-cnn"), load_calibration("fashion-mnist"), timesteps=8)
    x = golden.quantize_input(net, load_images("fashion-mnist")[0])
    project = convert(to_torch(net), net.input_shape, tmp_path, "Vitis", "io_stream")
    project.compile()
    np.testing.assert_array_equal(project.predict(as_input(x, "io_stream")), golden.run(net, x).logits)


MAIN = """
#include <cstdio>
extern "C" void myproject_double(double *, double *);
int main() {{
    static double images[][{size}] = {{{values}}};
    double logits[3];
    for (auto &image : images) {{
        myproject_double(image, logits);
        std::printf("%.0f %.0f %.0f\\n", logits[0], logits[1], logits[2]);
    }}
}}
"""


@pytest.mark.verify
@pytest.mark.parametrize("io_type", ["io_stream", "io_parallel"])
def test_clean_under_sanitizers(io_type: str, tmp_path: Path) -> None:
    """C++11 without warnings, addresses and bounds. The ap_int headers shift negative numbers: shifts are left out."""
    layers = [
        networks.conv(4, 3, padding=1),
        networks.maxpool(3, 2, 1),
        networks.conv(6, 2, stride=3, padding=1, groups=2, base=1.37),
        networks.flatten(),
        networks.linear(3),
    ]
    net = networks.build(np.random.default_rng(3), (2, 7, 6), layers, wait=1, zero_point=(0, 100))
    x = networks.random_inputs(np.random.default_rng(1), net, IMAGES)
    convert(to_torch(net), net.input_shape, tmp_path, "Vitis", io_type).write()
    values = ", ".join(str(int(value)) for value in as_input(x, io_type).ravel())
    (tmp_path / "main.cpp").write_text(MAIN.format(size=x[0].size, values=values))
    sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize=shift", "-fno-sanitize-recover=all"]
    flags = ["-std=c++11", "-g", "-O1", "-Wall", "-Wextra", "-Wno-unknown-pragmas", "-Wno-unused-label", *sanitizers]
    places = ["-Ifirmware/ap_types", '-DWEIGHTS_DIR="firmware/weights"']
    sources = ["firmware/myproject.cpp", "myproject_bridge.cpp", "main.cpp"]
    command = ["g++", *flags, *places, *sources, "-o", "main"]
    compiled = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert compiled.returncode == 0, compiled.stderr
    assert not re.findall(r"onespike_\w+\.h:\d+:\d+: warning.*", compiled.stderr)
    ran = subprocess.run(["./main"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    logits = [[int(word) for word in line.split()] for line in ran.stdout.splitlines()]
    np.testing.assert_array_equal(logits, golden.run(net, x).logits)

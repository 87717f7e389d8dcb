"""register(), and what hls4ml is kept from building. Nothing is compiled here."""

from __future__ import annotations

import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import hls4ml
import numpy as np
import pytest
from torch import nn

from onespike_hw import hls4ml as extension
from onespike_hw.errors import ConversionError
from onespike_hw.nn import Codes, Integers, OneSpike, PhaseConv2d, PhaseLinear, PhaseMaxPool2d, SumPool2d, ZeroPoint
from tests import networks
from tests.hls4ml.projects import Precisions, convert

PHASES = Codes(np.array([16, 8, 4], np.int64))
BYTES = Integers(0, 255)


def neurons(count: int, timesteps: int = 3) -> OneSpike:
    return OneSpike(np.tile(np.arange(timesteps, 0, -1), (count, 1)))


def linear(inputs: int, outputs: int, reads: Codes | Integers = PHASES, wait: int | None = None) -> PhaseLinear:
    return PhaseLinear(np.ones((outputs, inputs), np.int8), np.zeros(outputs, np.int64), reads, wait)


def conv(inputs: int, outputs: int, reads: Codes | Integers = PHASES) -> PhaseConv2d:
    return PhaseConv2d(np.ones((outputs, inputs, 2, 2), np.int8), np.zeros(outputs, np.int64), reads)


def model(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


def test_registering_again_changes_nothing() -> None:
    extension.register()
    passes = hls4ml.model.optimizer.get_available_passes()
    optimizers = list(hls4ml.model.flow.get_flow("convert").optimizers)
    extension.register()
    assert hls4ml.model.optimizer.get_available_passes() == passes
    assert hls4ml.model.flow.get_flow("convert").optimizers == optimizers
    assert optimizers.count("reorder_flattened_weights") == 1


def test_without_hls4ml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onespike_hw.hls4ml.registration", None)
    with pytest.raises(ConversionError, match=r"hls4ml cannot be imported .* pip install 'onespike-hw\[hls\]'"):
        extension.register()


@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
@pytest.mark.parametrize("backend", ["Vivado", "Vitis"])
def test_no_image_is_reordered_in_front_of_a_dense_layer(backend: str, io_type: str, tmp_path: Path) -> None:
    layers = [networks.conv(2, 2), networks.flatten(), networks.linear(3)]
    net = networks.build(np.random.default_rng(1), (1, 4, 4), layers)
    project = convert(extension.to_torch(net), (1, 4, 4), tmp_path, backend, io_type)
    assert not [layer for layer in project.get_layers() if layer.class_name == "Transpose"]


def test_the_input_gets_the_precision_that_the_first_layer_reads(tmp_path: Path) -> None:
    signed = Integers(-8, 7)
    layers = model(zero_point=ZeroPoint(np.array([7] * 4), signed), fc=linear(4, 2, Integers(-15, 0)))
    project = convert(layers, (4,), tmp_path, "Vitis", "io_parallel", {"zero_point": {"result": "ap_fixed<3,1>"}})
    precisions = [str(variable.type.precision) for variable in project.output_vars.values()]
    assert precisions == ["int<4>", "int<5>", "int<7>"]


def refusal(layers: nn.Module, shape: tuple[int, ...], folder: Path, precisions: Precisions | None = None) -> str:
    with pytest.raises(ConversionError) as refused:
        convert(layers, shape, folder, "Vitis", "io_parallel", precisions)
    return str(refused.value)


CASES: dict[str, tuple[nn.Module, tuple[int, ...], str]] = {
    "input": (model(fc=linear(4, 2)), (4,), "fc: reads the model's input, which gives no phase codes; put a OneSpike"),
    "potentials": (
        model(fc1=linear(4, 2, BYTES), fc2=linear(2, 2)),
        (4,),
        "fc2: reads fc1, a PhaseDense, which gives no phase codes; put a OneSpike in front",
    ),
    "pooling of hls4ml": (
        model(conv1=conv(1, 2, BYTES), spikes=neurons(2), pool=nn.MaxPool2d(2), conv2=conv(2, 2)),
        (1, 6, 6),
        "conv2: reads pool, a Pooling2D, which gives no phase codes; put a OneSpike in front; between codes, pool with",
    ),
    "other timesteps": (
        model(fc1=linear(4, 2, BYTES), spikes=neurons(2, timesteps=4), fc2=linear(2, 2)),
        (4,),
        "fc2: reads codes of 3 phases, spikes gives 4; use the same number of timesteps",
    ),
    "neurons": (
        model(fc1=linear(4, 2, BYTES), spikes=neurons(3)),
        (4,),
        "spikes: reads 2 channels, its ladder is for 3 neurons of 1 potentials; give it one row a channel",
    ),
    "potentials on the way": (
        model(fc1=linear(4, 2, BYTES), spikes=neurons(2), fc2=linear(2, 2, wait=0), late=neurons(2)),
        (4,),
        "late: reads 6 channels, its ladder is for 2 neurons of 1 potentials",
    ),
    "flatten": (
        model(fc=linear(16, 2, BYTES)),
        (1, 4, 4),
        "fc: reads shape (1, 4, 4), its weights are for (16,); put a Flatten in front",
    ),
    "vector into conv": (model(conv1=conv(1, 2, BYTES)), (4,), "conv1: reads shape (4,); give it an image (1, H, W)"),
    "vector into pooling": (
        model(pool=SumPool2d((2, 2), (2, 2), (0, 0), BYTES)),
        (4,),
        "pool: reads shape (4,); give it an image",
    ),
    "zero points": (
        model(zero_point=ZeroPoint(np.array([1, 2]), BYTES)),
        (4,),
        "zero_point: reads 4 channels, has 2 zero points; give one a channel",
    ),
    "codes into max pooling": (
        model(pool=PhaseMaxPool2d((2, 2), (2, 2), (0, 0), PHASES)),
        (1, 4, 4),
        "pool: reads the model's input, which gives no phase codes",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_refusals_name_the_layer_and_the_way_out(case: str, tmp_path: Path) -> None:
    layers, shape, what = CASES[case]
    assert what in refusal(layers, shape, tmp_path)


@pytest.mark.parametrize(
    ("precision", "what"),
    [
        ("ap_fixed<12,8>", "fc: reads integers 0..255, dense gives fixed<12,8,TRN,WRAP,0>; give dense an integer"),
        ("ap_int<9>", "fc: reads integers 0..255, dense gives int<9>; give dense an integer precision and declare its"),
        ("ap_uint<9>", "range as Integers(0, 511)"),
    ],
)
def test_integers_of_other_layers_must_be_whole_and_in_range(precision: str, what: str, tmp_path: Path) -> None:
    layers = model(dense=nn.Linear(4, 4), fc=linear(4, 2, BYTES))
    said = refusal(layers, (4,), tmp_path, {"dense": {"result": precision}})
    assert what in said


def test_integers_of_other_layers_in_range(tmp_path: Path) -> None:
    layers = model(dense=nn.Linear(4, 4), fc=linear(4, 2, BYTES))
    project = convert(layers, (4,), tmp_path, "Vitis", "io_parallel", {"dense": {"result": "ap_uint<8>"}})
    assert project.graph["fc"].class_name == "PhaseDense"


def test_images_must_be_channels_last(tmp_path: Path) -> None:
    extension.register()
    config: dict[str, Any] = hls4ml.utils.config_from_pytorch_model(
        model(conv1=conv(1, 2, BYTES)), (1, 4, 4), channels_last_conversion="off"
    )
    with pytest.raises(ConversionError, match=r"conv1: its image is channels first; use config_from_pytorch_model"):
        hls4ml.converters.convert_from_pytorch_model(
            model(conv1=conv(1, 2, BYTES)), output_dir=str(tmp_path), backend="Vitis", hls_config=config
        )

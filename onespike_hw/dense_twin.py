"""The dense twin: the same trained ReLU network as an INT8 design of hls4ml, to set beside the one-spike accelerator.

    twin = build(model, calibration, images, labels, out="build/twin")
    twin.accuracy, twin.cycles, twin.multipliers

Vitis backend, io_stream, Resource strategy. Weights, and activations behind each ReLU, have 8 bits; hls4ml knows one
power-of-two scale a tensor, chosen here by least squared error on the weights and on the calibration images. Sums are
exact. hls4ml compiles and runs its C model with g++; it has no estimate of resources or latency before synthesis with
the vendor's tool (its report module reads that tool's files), so what is given for them is counted from its loops.
"""

from __future__ import annotations

import contextlib
import copy
import io
import math
import shutil
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from onespike_hw.codegen.names import identifiers
from onespike_hw.convert.fold import fold
from onespike_hw.convert.inputs import calibration_images
from onespike_hw.convert.layers import FloatLayer, apply, apply_all, shapes
from onespike_hw.convert.trace import trace
from onespike_hw.errors import ConversionError, SimulatorError
from onespike_hw.network import Network

DSPS_OF_A_ZYNQ_7020 = 220

_SAID = 2000
"""Characters of what hls4ml printed that an error repeats."""

_BATCH = 20
"""Images between two reports of progress: about a second of the shipped CNN."""

_NARROWER = 4
"""Powers of two below the range of the values among which the least squared error is sought."""


@dataclass(frozen=True)
class Fixed:
    """A fixed-point type of hls4ml: `bits` wide, `integer` of them above the point; rounds and saturates."""

    bits: int
    integer: int
    signed: bool

    @property
    def fraction(self) -> int:
        return self.bits - self.integer

    def rounded(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The values as this type holds them."""
        low = -(1 << (self.bits - 1)) if self.signed else 0
        high = (1 << (self.bits - self.signed)) - 1
        steps = np.floor(values * 2.0**self.fraction + 0.5)
        return np.asarray(np.clip(steps, low, high) * 2.0**-self.fraction)

    def __str__(self) -> str:
        return f"ap_{'' if self.signed else 'u'}fixed<{self.bits},{self.integer},AP_RND,AP_SAT>"


@dataclass(frozen=True)
class TwinLayer:
    """A conv or linear layer of the twin.

    weight, result   types of its weights and of what leaves it, behind its ReLU
    reuse_factor     multiplications that one multiplier makes for one output pixel
    multipliers      8 x 8 bits each
    cycles           for one image, at the least: output pixels times reuse_factor
    """

    name: str
    weight: Fixed
    result: Fixed
    reuse_factor: int
    multipliers: int
    cycles: int


@dataclass(frozen=True, eq=False)
class DenseTwin:
    """What was measured of the twin's C model, and what its loops say.

    logits          float32 [N, classes] of the C model, one row an image
    accuracy        of the C model on them, 0..1
    float_accuracy  of the trained network on them, 0..1
    layers          conv and linear layers
    compile_seconds, seconds_per_image  of the C model on this machine
    folder          the hls4ml project
    """

    logits: NDArray[np.float32]
    accuracy: float
    float_accuracy: float
    layers: tuple[TwinLayer, ...]
    compile_seconds: float
    seconds_per_image: float
    folder: Path

    @property
    def multipliers(self) -> int:
        """Multipliers of all layers, by hls4ml's reuse factors; not a synthesis result."""
        return sum(layer.multipliers for layer in self.layers)

    @property
    def cycles(self) -> int:
        """Cycles between two images at the least: those of the slowest layer; not a synthesis result."""
        return max(layer.cycles for layer in self.layers)


def build(
    model: nn.Module,
    calibration: Tensor | NDArray[np.floating],
    images: NDArray[np.float32],
    labels: NDArray[np.int64],
    *,
    out: str | Path,
    multipliers: int = DSPS_OF_A_ZYNQ_7020,
    bits: int = 8,
    progress: Callable[[int, int], None] | None = None,
) -> DenseTwin:
    """Convert the network with hls4ml, compile the C model with g++ and run it on images.

    model        as for convert: one chain of Conv2d, BatchNorm, Linear, ReLU, max pooling and Flatten
    calibration  images that choose the types, float [N, C, H, W] or [N, C]
    images, labels  float32 [N, ...], int64 [N]: what the accuracy is measured on
    out          folder of the hls4ml project
    multipliers  of all layers together, at the most; the layers' reuse factors follow, so that all take about as long
    bits         of weights and activations
    progress     called with (images done, images in all) while the C model runs

    Raises ConversionError, naming the layer, where hls4ml or the budget has no room for it, SimulatorError where g++ is
    missing or hls4ml fails.
    """
    if shutil.which("g++") is None:
        raise SimulatorError("g++: not found on PATH; install it (apt-get install g++) to run hls4ml's C model")
    seen = calibration_images(calibration, None)
    chain = _chain(model, seen)
    types = _types(chain, seen, bits)
    sizes = _sizes(chain, tuple(seen.shape[1:]))
    reuse = _reuse_factors(sizes, multipliers)
    twin = _torch_twin(chain, types)
    started = time.monotonic()
    project = _project(twin, tuple(seen.shape[1:]), _settings(chain, types, reuse), Path(out))
    compiled = time.monotonic()
    logits = _predict(project, images, progress)
    ran = time.monotonic()
    with torch.no_grad():
        expected = apply_all(chain, torch.from_numpy(images).float()).numpy()
    return DenseTwin(
        logits=logits,
        accuracy=float((logits.argmax(1) == labels).mean()),
        float_accuracy=float((expected.argmax(1) == labels).mean()),
        layers=tuple(_twin_layer(name, types[name], reuse[name], sizes[name]) for name in types),
        compile_seconds=compiled - started,
        seconds_per_image=(ran - compiled) / len(images),
        folder=Path(out),
    )


def check_origin(
    net: Network, model: nn.Module, calibration: Tensor | NDArray[np.floating], name: str = "the model"
) -> None:
    """Raise ConversionError, with both lists of layers, where a network was not converted from such a model.

    Names and weight shapes of the conv and linear layers are compared, not the weights. name: of the model, for people.
    """
    ours = [(layer.name, layer.weight.shape) for layer in net.layers if layer.weight is not None]
    chain = _chain(model, calibration_images(calibration, None))
    theirs = [(layer.name, tuple(layer.weight.shape)) for layer in chain if layer.weight is not None]
    if ours != theirs:
        raise ConversionError(
            f"{name}: its layers are {_listed(theirs)}, those of the network are {_listed(ours)}; "
            "give the model that the network was converted from"
        )


def _listed(layers: Sequence[tuple[str, tuple[int, ...]]]) -> str:
    return ", ".join(f"{name} {'x'.join(map(str, shape))}" for name, shape in layers)


def _chain(model: nn.Module, images: Tensor) -> list[FloatLayer]:
    """The layers of the model, batch norm folded."""
    two = torch.cat([images[:2], images[:2]])[:2]
    return fold(trace(copy.deepcopy(model).cpu().float().eval(), two), tuple(images.shape[1:]))


def _predict(
    project: Any, images: NDArray[np.float32], progress: Callable[[int, int], None] | None
) -> NDArray[np.float32]:
    """Logits of the C model, one row an image."""
    x = np.moveaxis(images, 1, -1) if images.ndim == 4 else images
    parts = []
    for first in range(0, len(x), _BATCH):
        batch = np.ascontiguousarray(x[first : first + _BATCH]).astype(np.float32)
        parts.append(project.predict(batch).reshape(len(batch), -1))
        if progress is not None:
            progress(first + len(batch), len(x))
    return np.concatenate(parts)


@dataclass(frozen=True, eq=False)
class _Types:
    """Types of one conv or linear layer: of what arrives, of weights, exact sums, and of what leaves it."""

    source: Fixed
    weight: Fixed
    total: Fixed
    result: Fixed


def _types(chain: Sequence[FloatLayer], images: Tensor, bits: int) -> dict[str, _Types]:
    """Types of all conv and linear layers, by name; ConversionError for a layer that the twin has not."""
    source = fitted(images.double().numpy(), bits)
    types = {}
    x = images
    for layer in chain:
        if layer.kind == "add":
            raise ConversionError(
                f"{layer.name}: the twin is one chain of layers, without sums of branches; leave it out"
            )
        with torch.no_grad():
            x = apply(layer, x)
        if layer.weight is not None:
            if layer.groups != 1:
                what = f"hls4ml's PyTorch frontend has no groups, this layer has {layer.groups}"
                raise ConversionError(f"{layer.name}: {what}; the twin needs groups = 1")
            weight = fitted(layer.weight.numpy(), bits, signed=True)
            total = _total(layer, source, weight)
            result = fitted(x.double().numpy(), bits) if layer.relu else total
            types[layer.name] = _Types(source, weight, total, result)
            source = result
        elif layer.kind not in ("maxpool", "flatten"):
            raise ConversionError(f"{layer.name}: the twin has no {layer.kind}; use max pooling")
    return types


def fitted(values: NDArray[np.float64], bits: int, signed: bool | None = None) -> Fixed:
    """The type of `bits` that holds the values with the least squared error; signed None: where one is below 0."""
    largest = float(np.abs(values).max())
    signed = bool((values < 0).any()) if signed is None else signed
    widest = math.ceil(math.log2(largest)) + signed if largest > 0 else 1
    types = [Fixed(bits, integer, signed) for integer in range(widest, widest - _NARROWER, -1)]
    return min(types, key=lambda type_: float(np.square(type_.rounded(values) - values).sum()))


def _total(layer: FloatLayer, source: Fixed, weight: Fixed) -> Fixed:
    """The type of sums that cannot round or overflow."""
    weights, biases = (value.numpy() for value in layer.affine)
    fraction = source.fraction + weight.fraction
    most = np.abs(weight.rounded(weights)).reshape(len(biases), -1).sum(axis=1) * 2.0**source.integer + np.abs(biases)
    integer = math.ceil(math.log2(float(most.max()) + 2.0**-fraction)) + 1
    return Fixed(integer + fraction, integer, True)


@dataclass(frozen=True)
class _Size:
    """A conv or linear layer as a matrix product, of `inputs` by `outputs`, for each output pixel."""

    inputs: int
    outputs: int
    pixels: int

    def multipliers(self, reuse_factor: int) -> int:
        return self.inputs * self.outputs // reuse_factor


def _sizes(chain: Sequence[FloatLayer], input_shape: tuple[int, ...]) -> dict[str, _Size]:
    """Sizes of all conv and linear layers, by name."""
    sizes = {}
    for layer, shape in zip(chain, shapes(chain, input_shape), strict=True):
        if layer.weight is not None:
            outputs = len(layer.weight)
            sizes[layer.name] = _Size(layer.weight[0].numel(), outputs, math.prod(shape) // outputs)
    return sizes


def _valid_reuse_factors(size: _Size) -> list[int]:
    """Reuse factors that hls4ml's Resource strategy takes: divisors of the inputs, and their multiples of divisors."""
    rows = [size.inputs * share for share in range(1, size.outputs + 1) if size.outputs % share == 0]
    return [factor for factor in range(1, size.inputs) if size.inputs % factor == 0] + rows


def _reuse_factors(sizes: dict[str, _Size], budget: int) -> dict[str, int]:
    """The reuse factors with which the slowest layer is as fast as `budget` multipliers let it be."""
    valid = {name: _valid_reuse_factors(size) for name, size in sizes.items()}
    for cycles in sorted({factor * sizes[name].pixels for name, factors in valid.items() for factor in factors}):
        chosen = {
            name: max((factor for factor in factors if factor * sizes[name].pixels <= cycles), default=0)
            for name, factors in valid.items()
        }
        if all(chosen.values()) and sum(sizes[name].multipliers(chosen[name]) for name in sizes) <= budget:
            return chosen
    way_out = f"give at least {len(sizes)}, one a layer"
    raise ConversionError(f"multipliers: {budget} are too few for {len(sizes)} layers; {way_out}")


def _twin_layer(name: str, types: _Types, reuse_factor: int, size: _Size) -> TwinLayer:
    multipliers, cycles = size.multipliers(reuse_factor), size.pixels * reuse_factor
    return TwinLayer(name, types.weight, types.result, reuse_factor, multipliers, cycles)


def _torch_twin(chain: Sequence[FloatLayer], types: dict[str, _Types]) -> nn.Sequential:
    """The chain as a torch module whose weights and biases lie on the grids of their types."""
    modules: dict[str, nn.Module] = {}
    for layer in chain:
        modules[layer.name] = _module(layer, types.get(layer.name))
        if layer.relu:
            modules[f"{layer.name}/relu"] = nn.ReLU()
    names = identifiers(modules)
    return nn.Sequential(OrderedDict((names[name], module) for name, module in modules.items())).eval()


def _module(layer: FloatLayer, types: _Types | None) -> nn.Module:
    if types is None:
        return nn.Flatten() if layer.kind == "flatten" else nn.MaxPool2d(layer.kernel_size, layer.stride, layer.padding)
    weight, bias = layer.affine
    outputs, inputs = weight.shape[:2]
    module: nn.Conv2d | nn.Linear
    if layer.kind == "conv":
        module = nn.Conv2d(inputs, outputs, layer.kernel_size, layer.stride, layer.padding)
    else:
        module = nn.Linear(inputs, outputs)
    module.weight.data = torch.from_numpy(types.weight.rounded(weight.numpy())).float()
    assert module.bias is not None
    module.bias.data = torch.from_numpy(types.total.rounded(bias.numpy())).float()
    return module


def _settings(chain: Sequence[FloatLayer], types: dict[str, _Types], reuse: dict[str, int]) -> list[dict[str, Any]]:
    """What hls4ml is told of the input and of each module of the torch twin, in their order."""
    settings: list[dict[str, Any]] = [{"Precision": {"result": str(next(iter(types.values())).source)}}]
    for layer in chain:
        if layer.weight is None:
            settings.append({})
            continue
        type_ = types[layer.name]
        exact = f"ap_fixed<{type_.total.bits},{type_.total.integer}>"
        weight = f"ap_fixed<{type_.weight.bits},{type_.weight.integer}>"
        precision = {"weight": weight, "bias": exact, "accum": exact, "result": exact}
        settings.append({"Precision": precision, "ReuseFactor": reuse[layer.name], "Strategy": "Resource"})
        if layer.relu:
            settings.append({"Precision": {"result": str(type_.result)}})
    return settings


def _project(twin: nn.Module, input_shape: tuple[int, ...], settings: list[dict[str, Any]], folder: Path) -> Any:
    """The hls4ml project, its C model compiled; SimulatorError with what hls4ml and g++ said where that fails."""
    import hls4ml

    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            config = hls4ml.utils.config_from_pytorch_model(
                twin, input_shape, granularity="name", backend="Vitis", channels_last_conversion="internal"
            )
            for layer, setting in zip(config["LayerName"].values(), settings, strict=True):
                precision = {**layer.get("Precision", {}), **setting.get("Precision", {})}
                layer.update({**setting, "Precision": precision})
            project = hls4ml.converters.convert_from_pytorch_model(
                twin, output_dir=str(folder), backend="Vitis", io_type="io_stream", hls_config=config
            )
            project.compile()
    except Exception as error:  # hls4ml raises nothing narrower
        raise SimulatorError(f"hls4ml: {error}; it said: {said.getvalue()[-_SAID:].strip()}") from error
    return project

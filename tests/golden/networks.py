"""Small networks written out by hand, so that a reader can follow a test with pencil and paper."""

from __future__ import annotations

from typing import Any

import numpy as np

from onespike_hw.network import INPUT, Layer, Network


def neurons(
    name: str, source: str, shape: tuple[int, ...], weight: Any, bias: Any, ladder: Any = None, **fields: Any
) -> Layer:
    """A conv or linear layer (by the dimensions of its weights); it fires where it has a ladder."""
    array = np.array(weight, np.int8)
    if array.ndim == 4:
        fields["kernel_size"] = array.shape[2:]
    if ladder is not None:
        fields |= {"ladder": np.array(ladder, np.int64), "full_scale": np.ones(shape[0])}
    return Layer(
        name=name,
        kind="conv" if array.ndim == 4 else "linear",
        inputs=(source,),
        shape=shape,
        fires=ladder is not None,
        weight=array,
        bias=np.array(bias, np.int64),
        scale=fields.pop("scale", np.ones(shape[0])),
        **fields,
    )


def added(
    name: str, sources: tuple[str, str], shape: tuple[int, ...], operand_weight: Any, bias: Any, ladder: Any
) -> Layer:
    """The sum of two layers."""
    return Layer(
        name=name,
        kind="add",
        inputs=sources,
        shape=shape,
        fires=True,
        operand_weight=np.array(operand_weight, np.int64),
        bias=np.array(bias, np.int64),
        ladder=np.array(ladder, np.int64),
        scale=np.ones(shape[0]),
        full_scale=np.ones(shape[0]),
    )


def pool(kind: str, name: str, source: str, shape: tuple[int, ...], size: int, stride: int, padding: int = 0) -> Layer:
    pairs = {"kernel_size": (size, size), "stride": (stride, stride), "padding": (padding, padding)}
    return Layer(name=name, kind=kind, inputs=(source,), shape=shape, **pairs)


def flatten(name: str, source: str, size: int) -> Layer:
    return Layer(name=name, kind="flatten", inputs=(source,), shape=(size,))


def network(input_shape: tuple[int, ...], constants: list[int], layers: list[Layer], **fields: Any) -> Network:
    """A network with these phase constants; settled, and fed with unsigned 8-bit integers, unless told otherwise."""
    channels = input_shape[0]
    settings: dict[str, Any] = {
        "base": 2.0,
        "start": 0,
        "fraction_bits": 8,
        "wait": len(constants) - 1,
        "input_bits": 8,
        "input_signed": False,
        "input_zero_point": np.zeros(channels, np.int64),
        "input_scale": np.ones(channels),
        "input_offset": np.zeros(channels),
    }
    return Network(
        timesteps=len(constants),
        phase_constants=np.array(constants, np.int64),
        input_shape=input_shape,
        layers=tuple(layers),
        **settings | fields,
    )


def relay(shape: tuple[int, int, int]) -> Layer:
    """A first layer that turns the input integers 0, 1, 2 and 3 or more into the codes 3 (silent), 2, 1 and 0."""
    channels = shape[0]
    ladder = [[3, 2, 1]] * channels
    return neurons("relay", INPUT, shape, np.ones((channels, 1, 1, 1)), [0] * channels, ladder, groups=channels)


def cnn(wait: int = 7) -> Network:
    """conv16-conv16-pool-conv32-conv32-pool-fc64-fc10 on 1x28x28 with random weights and mixed codes, T = 8."""
    rng = np.random.default_rng(0)
    constants = np.rint(4096 * 2.0 ** (-np.arange(8) / 2)).astype(np.int64)

    def weighted(name: str, source: str, shape: tuple[int, ...], *fan_in: int, last: bool = False) -> Layer:
        weight = np.clip(np.rint(rng.normal(0, 32, (shape[0], *fan_in))), -127, 127)
        full_scale = 24 * weight[0].size ** 0.5 * (128 if source == INPUT else 4096)
        ladder = np.rint(np.tile(full_scale * 2.0 ** (-np.arange(8) / 2 - 0.25), (shape[0], 1)))
        bias = np.rint(rng.normal(0.1, 0.2, shape[0]) * full_scale)
        window = {"padding": (1, 1)} if len(fan_in) == 3 else {}
        return neurons(name, source, shape, weight, bias, None if last else ladder, **window)

    layers = [
        weighted("conv1", INPUT, (16, 28, 28), 1, 3, 3),
        weighted("conv2", "conv1", (16, 28, 28), 16, 3, 3),
        pool("maxpool", "pool1", "conv2", (16, 14, 14), 2, 2),
        weighted("conv3", "pool1", (32, 14, 14), 16, 3, 3),
        weighted("conv4", "conv3", (32, 14, 14), 32, 3, 3),
        pool("maxpool", "pool2", "conv4", (32, 7, 7), 2, 2),
        flatten("flatten", "pool2", 1568),
        weighted("fc1", "flatten", (64,), 1568),
        weighted("fc2", "fc1", (10,), 64, last=True),
    ]
    return network((1, 28, 28), constants.tolist(), layers, base=2**0.5, fraction_bits=12, wait=wait)

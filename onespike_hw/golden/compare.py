"""Where what someone else computed first differs from the golden model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onespike_hw.errors import InputError
from onespike_hw.golden.model import Run
from onespike_hw.network import Network


@dataclass(frozen=True)
class Difference:
    """The first difference between a golden run and another.

    layer      name of the layer
    image, channel, y, x   where; None where the difference is one of shapes; y and x are None for one value a channel
    node       where, in a network over a graph, in place of y and x
    expected, actual       phase codes or logits, or shapes in words
    silent     the code that means silent, T; None where expected and actual are no phase codes
    """

    layer: str
    image: int | None
    channel: int | None
    y: int | None
    x: int | None
    expected: int | str
    actual: int | str
    silent: int | None = None
    node: int | None = None

    def __str__(self) -> str:
        places = [("image", self.image), ("channel", self.channel), ("y", self.y), ("x", self.x), ("node", self.node)]
        where = "".join(f", {word} {number}" for word, number in places if number is not None)
        return f"{self.layer}{where}: expected {self._say(self.expected)}, got {self._say(self.actual)}"

    def _say(self, value: int | str) -> str:
        if self.silent is None:
            return str(value)
        return "silent" if value == self.silent else f"phase {value}"


def first_difference(
    net: Network, expected: Run, codes: Mapping[str, NDArray[Any]], logits: NDArray[Any] | None = None
) -> Difference | None:
    """The first difference, in the order layer of the data, image, y, x (or node), channel, logits last; None where
    all is equal.

    expected: a golden run with codes. codes: phase codes, shaped as Run.codes, under the names of the layers that codes
    leave; flatten layers may be left out, as they only reorder. logits: integers as Run.logits, or None to compare
    codes alone. A layer that is missing or unknown, other shapes and too few images are differences too.
    Raises InputError where the expected run holds no codes.
    """
    wanted = [layer for layer in net.layers if net.carries_codes(layer.name)]
    if any(layer.name not in expected.codes for layer in wanted):
        raise InputError("the expected run holds no codes to compare with; run the golden model with codes=True")
    for layer in wanted:
        if layer.name in codes:
            found = _compare(layer.name, expected.codes[layer.name], codes[layer.name], net.timesteps)
        elif layer.kind == "flatten":
            found = None
        else:
            found = _mismatch(layer.name, f"codes of shape {expected.codes[layer.name].shape}", "no codes")
        if found is not None:
            return found
    for name in codes:
        if name not in expected.codes:
            return _mismatch(name, "no codes", f"codes of shape {np.shape(codes[name])}")
    if logits is None:
        return None
    last = net.layers[-1]
    if last.kind == "graphconv" and logits.ndim == 3:
        return _compare(last.name, expected.logits.transpose(0, 2, 1), logits.transpose(0, 2, 1), None)
    return _compare(last.name, expected.logits, logits, None)


def _compare(name: str, expected: NDArray[Any], actual: NDArray[Any], silent: int | None) -> Difference | None:
    what = "logits" if silent is None else "codes"
    shapes = _mismatch(name, f"{what} of shape {expected.shape}", f"shape {actual.shape}")
    if actual.shape[1:] != expected.shape[1:]:
        return shapes
    common = min(len(expected), len(actual))
    channels_last = np.moveaxis(expected[:common], 1, -1), np.moveaxis(actual[:common], 1, -1)
    wrong = np.argwhere(channels_last[0] != channels_last[1])
    if len(wrong):
        image, *pixel, channel = (int(i) for i in wrong[0])
        y, x = pixel if len(pixel) == 2 else (None, None)
        node = pixel[0] if len(pixel) == 1 else None
        at = (image, channel, *pixel)
        return Difference(name, image, channel, y, x, int(expected[at]), int(actual[at]), silent, node)
    return shapes if len(actual) != len(expected) else None


def _mismatch(name: str, expected: str, actual: str) -> Difference:
    return Difference(name, None, None, None, None, expected, actual)

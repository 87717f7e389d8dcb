"""What the accelerator takes and gives: from images to bytes in memory, from bytes in memory to logits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from onespike.errors import ImageError

TOLERANCE = 0.5
"""Input steps by which a real value may lie outside the range before it is refused; inside, it is clipped."""


class Network:
    """The facts of network.json.

    input_shape  (C, H, W) or (C,); (nodes, C) of a network over a graph
    input_range  smallest and largest input integer
    logit_shape  (C,), or (C, H, W) where the network gives a map; (nodes, C) over a graph
    logit_scale  float64, one a channel: logit = integer * scale
    image_bytes  of an image in memory; result_bytes of its logits
    clock_mhz    clock of the accelerator
    facts        all of them, as they stand there
    """

    def __init__(self, facts: dict[str, Any]) -> None:
        self.facts = facts
        self.input_shape = tuple(facts["input_shape"])
        self.logit_shape = tuple(facts["logit_shape"])
        self.clock_mhz = facts["clock_mhz"]
        self._over_graph = facts["over_graph"]
        bits, signed = facts["input_bits"], facts["input_signed"]
        self.input_range = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
        self._scale = self._per_channel(facts["input_scale"])
        self._offset = self._per_channel(facts["input_offset"])
        self._zero = self._per_channel(facts["input_zero_point"])
        self._levels = facts["input_levels"]
        self.logit_scale = np.array(facts["logit_scale"], np.float64)
        self._field_bits = facts["field_bits"]
        self._beat_channels = facts["beat_channels"]
        self._beat_values = facts["beat_values"]
        self._beat_bytes = facts["beat_bytes"]
        self.logit_type = np.dtype(f"<i{facts['logit_bits'] // 8}")
        values = int(np.prod(self.input_shape))
        self.image_bytes = values // self._beat_values * self._beat_bytes
        self.result_bytes = int(np.prod(self.logit_shape)) * self.logit_type.itemsize

    @classmethod
    def load(cls) -> Network:
        """The network that this driver was emitted with."""
        return cls(json.loads(Path(__file__).with_name("network.json").read_text(encoding="utf-8")))

    def quantize(self, images: np.ndarray) -> np.ndarray:
        """Input integers int64 [N, *input_shape] of a batch.

        Real values, as the trained network takes them, become rint(real / scale + offset), half to even, or the nearest
        integer that stands for one spike, where the network takes those; integers are taken as they are. Raises
        ImageError for another shape or type, for NaN, and for the first value out of range.
        """
        batch = np.asarray(images)
        wanted = ", ".join(str(size) for size in self.input_shape)
        if batch.shape == self.input_shape:
            raise ImageError(f"shape {batch.shape} is one image; put a batch axis in front: [1, {wanted}]")
        if batch.shape[1:] != self.input_shape:
            raise ImageError(f"shape {batch.shape} does not fit; give a batch of shape [N, {wanted}]")
        if batch.dtype.kind not in "fiub":
            raise ImageError(f"type {batch.dtype} is neither real nor integer; use float32 or uint8")
        low, high = self.input_range
        if batch.dtype.kind != "f":
            outside = (batch < low) | (batch > high)
            self._refuse(batch, outside, f"outside {low}..{high}, the integers of the input")
            return batch.astype(np.int64)
        self._refuse(batch, np.isnan(batch), "not a number; clean the data")
        steps = batch.astype(np.float64) / self._scale + self._offset
        outside = (steps < low - TOLERANCE) | (steps > high + TOLERANCE)
        self._refuse(batch, outside, "outside the range of the input; scale the data as in training")
        if self._levels is not None:
            return (self._zero + self._one_spike(steps - self._zero)).astype(np.int64)
        return np.clip(np.rint(steps), low, high).astype(np.int64)

    def _one_spike(self, distances: np.ndarray) -> np.ndarray:
        """Of 0 and of plus and minus the levels the nearest that an input integer reaches from the zero point."""
        low, high = self.input_range
        ladder = np.array([0, *reversed(self._levels)], np.float64)
        room = np.where(distances < 0, self._zero - low, high - self._zero)
        reached = np.searchsorted((ladder[1:] + ladder[:-1]) / 2, np.abs(distances), side="right")
        inside = np.searchsorted(ladder, room, side="right") - 1
        return np.sign(distances) * ladder[np.minimum(reached, inside)]

    def pack(self, integers: np.ndarray, memory: np.ndarray) -> None:
        """Lay input integers [N, *input_shape] down in memory (uint8), image after image, as they are to be sent."""
        maps = integers.transpose(0, 2, 1) if self._over_graph else integers
        words = self._beat_channels // self._beat_values
        maps = maps.reshape(len(maps), words, self._beat_values, -1).transpose(0, 3, 1, 2)
        values = maps.reshape(-1, self._beat_values)
        beats = memory[: len(maps) * self.image_bytes].reshape(-1, self._beat_bytes)
        if self._field_bits == 1:
            packed = np.packbits(values.astype(np.uint8), axis=1, bitorder="little")
            beats[:, : packed.shape[1]] = packed
        else:
            field = np.dtype(f"<u{self._field_bits // 8}")
            beats.view(field)[:, : self._beat_values] = values

    def unpack(self, memory: np.ndarray, images: int) -> np.ndarray:
        """Logits int64 [N, *logit_shape] of so many images, from memory (uint8)."""
        values = memory[: images * self.result_bytes].view(self.logit_type).astype(np.int64)
        if self._over_graph:
            return values.reshape(images, *self.logit_shape)
        channels = self.logit_shape[0]
        return values.reshape(images, -1, channels).transpose(0, 2, 1).reshape(images, *self.logit_shape)

    def classes(self, logits: np.ndarray) -> np.ndarray:
        """The class of each image [N], the largest logit of a map; of each node [N, nodes] over a graph."""
        if self._over_graph:
            return logits.argmax(axis=2)
        return logits.reshape(len(logits), logits.shape[1], -1).max(axis=2).argmax(axis=1)

    def real(self, logits: np.ndarray) -> np.ndarray:
        """Logits in the units of the trained network."""
        behind = 0 if self._over_graph else len(self.logit_shape) - 1
        return logits * self.logit_scale.reshape(-1, *[1] * behind)

    def _per_channel(self, values: list[float]) -> np.ndarray:
        behind = 0 if self._over_graph else len(self.input_shape) - 1
        return np.array(values, np.float64).reshape(-1, *[1] * behind)

    def _refuse(self, batch: np.ndarray, wrong: np.ndarray, why: str) -> None:
        if wrong.any():
            index = tuple(int(i) for i in np.argwhere(wrong)[0])
            raise ImageError(f"value {batch[index]} at {list(index)} is {why}")

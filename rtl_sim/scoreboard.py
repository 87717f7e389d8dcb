"""Collects what passes on the streams of an emitted design and compares it with the golden model, layer by layer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from onespike_hw import golden
from onespike_hw.codegen.plan import Plan
from onespike_hw.codegen.streams import Stream
from onespike_hw.golden.streamed import all_codes, image_logits
from onespike_hw.network import Int64, Network, load
from onespike_hw.simulation import stream_codes


@dataclass(frozen=True)
class Expectation:
    """What a test bench plays and watches.

    net       the network
    integers  input integers [N, *net.input_shape]
    beats     words of the input stream, N images of beats each
    streams   the streams of codes between the layers
    logits    logits in an image; logit_bits: of each, on the output stream
    """

    net: Network
    integers: Int64
    beats: list[list[int]]
    streams: tuple[Stream, ...]
    logits: int
    logit_bits: int

    def difference(self, words: Mapping[str, Sequence[int]], logits: Sequence[Sequence[int]]) -> str | None:
        """The first layer, image, pixel and channel that differ from the golden model; None where every bit agrees.

        words: by stream name, as they passed; logits: raw words of each image.
        """
        images = len(self.integers)
        if [len(frame) for frame in logits] != [self.logits] * images:
            return f"logits: {images} images of {self.logits} were expected, got {[len(frame) for frame in logits]}"
        observed = {}
        for stream in self.streams:
            digits = -(-stream.word_bits // 4)
            lines = [f"{word:0{digits}x}" for word in words[stream.name]]
            observed[stream.source] = stream_codes(stream, lines, images, self.net.shape_of(stream.source))
        raw: NDArray[np.int64] = np.array([signed(w, self.logit_bits) for frame in logits for w in frame], np.int64)
        found = golden.first_difference(
            self.net,
            golden.run(self.net, self.integers),
            all_codes(self.net, observed),
            image_logits(self.net, raw, images),
        )
        return None if found is None else str(found)


def lane_sops(net: Network, run: golden.Run) -> int:
    """Weights that the lanes add: the synaptic operations but those of multi-bit inputs, shortcuts and edges."""
    layers = [layer for layer in net.layers if layer.weight is not None]
    if net.graph is None:
        layers = [layer for layer in layers if net.constants_of(layer.inputs[0]) is not None]
        return sum(int(run.sops[layer.name].sum()) for layer in layers)
    if net.input_bits > 1 or net.input_signed or net.input_zero_point.any():
        layers = layers[1:]
    edges = len(run.logits) * net.graph.edges
    return sum(int(run.sops[layer.name].sum()) - layer.shape[0] * edges for layer in layers)


def signed(word: int, bits: int) -> int:
    """A raw word as a two's complement number."""
    return word - (1 << bits) if word >> (bits - 1) else word


def write_expectation(folder: Path, plan: Plan, integers: Int64, beats: list[list[int]]) -> None:
    """Put what `read_expectation` reads into a folder, for the process of the simulator."""
    plan.net.save(folder / "network.onespike")
    np.save(folder / "integers.npy", integers)
    facts = {
        "beats": beats,
        "streams": [asdict(stream) for stream in plan.streams],
        "logits": plan.logits,
        "logit_bits": plan.logit_bits,
    }
    (folder / "expectation.json").write_text(json.dumps(facts))


def read_expectation(folder: Path) -> Expectation:
    """Inverse of write_expectation."""
    facts = json.loads((folder / "expectation.json").read_text())
    return Expectation(
        load(folder / "network.onespike"),
        np.load(folder / "integers.npy"),
        facts["beats"],
        tuple(Stream(**stream) for stream in facts["streams"]),
        facts["logits"],
        facts["logit_bits"],
    )

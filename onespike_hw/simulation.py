"""Plays images through an emitted design: the simulator behind a call that needs no knowledge of one."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from onespike_hw import golden
from onespike_hw.codegen.memories import packed_words
from onespike_hw.codegen.plan import Plan
from onespike_hw.codegen.streams import Stream
from onespike_hw.codegen.verilog import COUNTS
from onespike_hw.errors import SimulatorError
from onespike_hw.golden.streamed import all_codes, image_logits
from onespike_hw.network import Int64

if TYPE_CHECKING:
    from onespike_hw.codegen import Design
    from rtl_sim.runner import Executable


@dataclass(frozen=True)
class SimulationResult:
    """What the simulated accelerator did.

    logits   int64 [N, classes], or [N, C, H, W] where it is a map of more than one position; [N, nodes, classes]
    codes    layer name -> uint8 phase codes [N, C, H, W], [N, C] or [N, C, nodes], as golden.run gives them
    cycles   int64 [N]: clock in which the image's last logit left
    starts   int64 [N]: clock in which the image's first pixel was taken
    sops     weights that the lanes added, over all images; the first layer's products, identity shortcuts and the edges
             of a graph are not among them
    counts   layer name -> clocks of its engines by kind (codegen.verilog.COUNTS), of a design with counters; else empty
    """

    logits: Int64
    codes: dict[str, NDArray[np.uint8]]
    cycles: Int64
    starts: Int64
    sops: int
    counts: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def interval(self) -> float:
        """Clocks from image to image in steady state: the mean over the last half of the images."""
        if len(self.cycles) < 2:
            return float(self.cycles[-1] - self.starts[-1])
        first = len(self.cycles) // 2 - (len(self.cycles) == 2)
        return float(self.cycles[-1] - self.cycles[first]) / (len(self.cycles) - 1 - first)

    @property
    def latency(self) -> int:
        """Clocks from the first pixel of the first image to its last logit."""
        return int(self.cycles[0] - self.starts[0]) + 1


def simulate(
    design: Design,
    x: NDArray[Any],
    simulator: str = "verilator",
    *,
    pause_in: float = 0.0,
    pause_out: float = 0.0,
    seed: int = 1,
    work: str | Path | None = None,
) -> SimulationResult:
    """Play a batch, image after image, through the emitted Verilog.

    x          float batch as the ANN takes it, or input integers, [N, *net.input_shape]
    simulator  "verilator" or "icarus"
    pause_in, pause_out  chance, 0..1, that the source or the sink pauses in a clock
    work       folder that keeps the built simulator, so that the next call need not build it; None: a temporary one
    Raises SimulatorError where the simulator is missing, does not build, or the design hangs.
    """
    integers = golden.quantize_input(design.net, x)
    if len(integers) == 0:
        raise SimulatorError("no images; give at least one")
    with tempfile.TemporaryDirectory(prefix="onespike-") as temporary:
        built = design.simulator(simulator, Path(work) if work is not None else Path(temporary) / "work")
        return play(design.plan, built, integers, pause_in=pause_in, pause_out=pause_out, seed=seed)


def play(
    plan: Plan, built: Executable, integers: Int64, *, pause_in: float = 0.0, pause_out: float = 0.0, seed: int = 1
) -> SimulationResult:
    """The same with a simulator that is built, and input integers [N, *net.input_shape]."""
    from rtl_sim import runner

    with tempfile.TemporaryDirectory(prefix="onespike-") as temporary:
        folder = Path(temporary)
        (folder / "pixels.hex").write_text(pixel_file(plan, integers))
        arguments = [f"pixels={folder / 'pixels.hex'}", f"out={folder}", f"images={len(integers)}", f"seed={seed}"]
        arguments += [f"pause_in={round(256 * pause_in)}", f"pause_out={round(256 * pause_out)}"]
        runner.run(built, arguments)
        return _read(plan, folder, len(integers))


def pixel_file(plan: Plan, integers: Int64) -> str:
    """The beats of a batch, one hex word a line, as the test bench reads them."""
    stream = plan.input
    if plan.net.graph is not None:
        integers = integers.transpose(0, 2, 1)
    maps = integers.reshape(len(integers), stream.channels // stream.n, stream.n, stream.height * stream.width)
    beats = maps.transpose(0, 3, 1, 2).reshape(-1, stream.n)
    return packed_words(beats, plan.field_bits)


def image_beats(plan: Plan, integers: Int64) -> list[list[int]]:
    """The beats of each image, as raw words."""
    words = [int(line, 16) for line in pixel_file(plan, integers).split()]
    size = plan.input.image_words
    return [words[first : first + size] for first in range(0, len(words), size)]


def stream_codes(stream: Stream, words: Sequence[str], images: int, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Phase codes [N, *shape] of the hex words that passed on a stream of codes."""
    expected = images * stream.image_words
    if len(words) < expected:
        raise SimulatorError(f"{stream.source}: {len(words)} words passed, {expected} were expected")
    digits = np.frombuffer("".join(words[:expected]).encode(), np.uint8).reshape(expected, -1)
    if not np.isin(digits, np.frombuffer(b"0123456789abcdef", np.uint8)).all():
        raise SimulatorError(f"{stream.source}: unknown bits (x) passed on its stream")
    nibbles = np.where(digits >= ord("a"), digits - ord("a") + 10, digits - ord("0")).astype(np.uint8)[:, ::-1]
    bits = (nibbles[:, :, None] >> np.arange(4, dtype=np.uint8)) & 1
    fields = bits.reshape(expected, -1)[:, : stream.word_bits].reshape(expected, stream.n, stream.bits)
    codes: NDArray[np.uint8] = (fields << np.arange(stream.bits, dtype=np.uint8)).sum(2, dtype=np.uint8)
    maps = codes.reshape(images, stream.height, stream.width, -1).transpose(0, 3, 1, 2)
    return np.ascontiguousarray(maps).reshape(images, *shape)


def _read(plan: Plan, folder: Path, images: int) -> SimulationResult:
    net = plan.net
    codes = {}
    for stream in plan.streams:
        words = (folder / f"{stream.name}.hex").read_text().split()
        codes[stream.source] = stream_codes(stream, words, images, net.shape_of(stream.source))
    lines = [line.split() for line in (folder / "logits.txt").read_text().splitlines()]
    lines = lines[: images * plan.logits]  # logits whose windows lie in the padding may leave before their image comes
    if any("x" in word for _, word, _ in lines):
        raise SimulatorError(f"{plan.output.layer.name}: unknown bits (x) in the logits")
    lasts = [last == "1" for _, _, last in lines]
    if lasts != [(i + 1) % plan.logits == 0 for i in range(len(lines))]:
        raise SimulatorError(f"{plan.output.layer.name}: tlast does not mark the last logit of each image")
    sign = 1 << (plan.logit_bits - 1)
    values = np.array([(int(word, 16) ^ sign) - sign for _, word, _ in lines], np.int64)
    cycles = np.array([int(cycle) for cycle, _, _ in lines], np.int64).reshape(images, plan.logits)[:, -1]
    starts = np.array((folder / "starts.txt").read_text().split(), np.int64)
    sops = int((folder / "sops.txt").read_text())
    return SimulationResult(
        image_logits(net, values, images), all_codes(net, codes), cycles, starts, sops, _counts(plan, folder)
    )


def _counts(plan: Plan, folder: Path) -> dict[str, dict[str, int]]:
    if not plan.counters:
        return {}
    values = [int(line) for line in (folder / "counts.txt").read_text().split()]
    rows = [values[first : first + len(COUNTS)] for first in range(0, len(values), len(COUNTS))]
    return {
        engine.layer.name: dict(zip(COUNTS, row, strict=True)) for engine, row in zip(plan.counted, rows, strict=True)
    }

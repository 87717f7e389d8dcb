"""Many images through an emitted design, a chunk of them at a time, every bit compared with the golden model.

What was found right is written down, chunk by chunk, so that a campaign that was cut short goes on where it stood.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from onespike_hw import golden
from onespike_hw.codegen import Design
from onespike_hw.errors import SimulatorError
from onespike_hw.golden import Difference
from onespike_hw.network import Int64
from onespike_hw.simulation import play
from rtl_sim.runner import Executable

CHUNK = 50
"""Images that are played one behind the other: some seconds of the shipped CNN, and what is lost at most."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Verdict:
    """What a campaign found.

    images      compared and right, those of earlier runs included; up to the difference, where there is one
    earlier     images that were compared in earlier runs
    cycles      clocks an image in steady state, the mean over the chunks
    difference  the first one, in the order of the images' chunks; None where every bit agrees
    """

    images: int
    earlier: int
    cycles: float
    difference: Difference | None


@dataclass(frozen=True)
class _Chunk:
    """Images from number `first` on, and the file that says that they were compared and right."""

    first: int
    integers: Int64
    file: Path

    def known(self) -> float | None:
        """Clocks an image, where an earlier run found every bit right."""
        return float(json.loads(self.file.read_text())["cycles"]) if self.file.exists() else None

    def compare(self, design: Design, built: Executable) -> float | Difference:
        """Clocks an image, or the first difference, with the image's number among all."""
        result = play(design.plan, built, self.integers)
        expected = golden.run(design.net, self.integers)
        found = golden.first_difference(design.net, expected, result.codes, result.logits)
        if found is not None:
            return found if found.image is None else replace(found, image=self.first + found.image)
        aside = self.file.with_suffix(f".{self.first}")  # equal images may be in two chunks
        aside.write_text(json.dumps({"first": self.first, "images": len(self.integers), "cycles": result.interval}))
        aside.replace(self.file)
        return result.interval


def run(
    design: Design,
    integers: Int64,
    folder: Path,
    *,
    simulator: str = "verilator",
    chunk: int = CHUNK,
    jobs: int = 2,
    progress: Progress | None = None,
) -> Verdict:
    """Play input integers [N, *net.input_shape], `jobs` chunks side by side, and stop at the first difference.

    folder    holds the built simulator and what was compared; a chunk counts as compared as long as design, images and
              golden model stay as they are
    progress  called with (images compared, images in all) behind each chunk, in order
    Raises SimulatorError where the simulator is missing, does not build, or the design hangs.
    """
    if len(integers) == 0:
        raise SimulatorError("no images; give at least one")
    compared = folder / "compared"
    compared.mkdir(parents=True, exist_ok=True)
    stamp = _stamp(design, simulator)
    chunks = []
    for first in range(0, len(integers), chunk):
        part = integers[first : first + chunk]
        key = hashlib.sha256(stamp + repr(part.shape).encode() + part.tobytes()).hexdigest()
        chunks.append(_Chunk(first, part, compared / f"{key}.json"))
    known = [part.known() for part in chunks]
    earlier = sum(len(part.integers) for part, cycles in zip(chunks, known, strict=True) if cycles is not None)
    if None not in known:
        return _verdict(chunks, known, earlier, progress)
    built = design.simulator(simulator, folder / simulator)
    pool = ThreadPoolExecutor(jobs)
    try:
        futures = [
            pool.submit(part.compare, design, built) if cycles is None else cycles
            for part, cycles in zip(chunks, known, strict=True)
        ]
        return _verdict(chunks, futures, earlier, progress)
    finally:
        pool.shutdown(cancel_futures=True)


_Outcome = float | Difference | None


def _verdict(
    chunks: list[_Chunk],
    outcomes: Iterable[_Outcome | Future[float | Difference]],
    earlier: int,
    progress: Progress | None,
) -> Verdict:
    """Goes through the outcomes in order, waiting for each, up to the first difference."""
    total = sum(len(part.integers) for part in chunks)
    images, clocks = 0, 0.0
    for part, outcome in zip(chunks, outcomes, strict=True):
        found = outcome.result() if isinstance(outcome, Future) else outcome
        if isinstance(found, Difference):
            right = 0 if found.image is None else found.image - part.first
            return Verdict(images + right, earlier, clocks / images if images else 0.0, found)
        assert found is not None
        images += len(part.integers)
        clocks += found * len(part.integers)
        if progress is not None:
            progress(images, total)
    return Verdict(images, earlier, clocks / images, None)


def _stamp(design: Design, simulator: str) -> bytes:
    """Of all that decides what a comparison finds: the files that are simulated, the network, the golden model."""
    stamp = hashlib.sha256(simulator.encode())
    folders = [design.path / "rtl", design.path / "sim", Path(golden.__file__).parent]
    files = [path for folder in folders for path in sorted(folder.iterdir()) if path.is_file()]
    for path in [*files, design.path / "network.onespike"]:
        stamp.update(f"{path.name} {path.stat().st_size} ".encode() + path.read_bytes())
    return stamp.digest()

"""Images through the emitted Verilog or HLS C++, every bit of every layer compared with the golden model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

import onespike_hw as oh
from onespike_hw import golden
from onespike_hw.measured import Simulated

DIFFERENT = 1


@dataclass(frozen=True)
class Player:
    """How the images are played; the fields are the arguments of oh.simulate."""

    simulator: str = "verilator"
    pause_in: float = 0.0
    pause_out: float = 0.0
    seed: int = 1
    work: str | None = None

    def __str__(self) -> str:
        if not self.pause_in and not self.pause_out:
            return self.simulator
        return f"{self.simulator}, pauses {self.pause_in:g} in, {self.pause_out:g} out, seed {self.seed}"


@dataclass(frozen=True)
class Check:
    """What the hardware did with some images, against the golden model.

    cycles      in words: interval and latency, or an estimate
    simulated   the same in numbers; None for an estimate
    compared    in words: what was compared, and on what
    difference  the first one; None where every bit agrees
    """

    cycles: str
    compared: str
    difference: golden.Difference | None
    simulated: Simulated | None = None


def play(design: oh.Design, images: NDArray[Any], player: Player) -> Check:
    """Play the images, and find the first difference."""
    expected = golden.run(design.net, images)
    result = oh.simulate(
        design,
        images,
        simulator=player.simulator,
        pause_in=player.pause_in,
        pause_out=player.pause_out,
        seed=player.seed,
        work=player.work,
    )
    cycles = f"{result.interval:,.0f} an image, {result.latency:,} from the first pixel to the last logit"
    found = _check(design, expected, result.codes, result.logits, cycles, str(player))
    return replace(found, simulated=Simulated(len(images), result.interval, result.latency))


def predict(design: oh.Design, images: NDArray[Any]) -> Check:
    """Run the images through the HLS C++, compiled with g++, and find the first difference."""
    expected = golden.run(design.net, images)
    result = design.predict(images)
    cycles = f"{result.estimated_cycles.mean():,.0f} an image (estimate: loops at II = 1, no stalls)"
    return _check(design, expected, result.codes, result.logits, cycles, "the C++ compiled with g++")


def _check(
    design: oh.Design,
    expected: golden.Run,
    codes: Mapping[str, NDArray[np.uint8]],
    logits: NDArray[np.int64],
    cycles: str,
    where: str,
) -> Check:
    compared = f"codes and logits of {len(expected.codes) + 1} layers, {len(logits)} images, on {where}"
    return Check(cycles, compared, golden.first_difference(design.net, expected, codes, logits))


def verdict(check: Check, console: Console) -> int:
    """Says `bit-exact` or the first difference; returns the exit code."""
    if check.difference is not None:
        console.print(f"first difference: {check.difference}", style="bold red")
        return DIFFERENT
    console.print("bit-exact", style="bold green")
    return 0

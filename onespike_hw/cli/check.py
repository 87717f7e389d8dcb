"""Images through the emitted Verilog, every bit of every layer compared with the golden model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray
from rich.console import Console

import onespike_hw as oh
from onespike_hw import golden

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
    """What the hardware did with some images, against the golden model; layers: how many were compared."""

    player: Player
    images: int
    layers: int
    result: oh.SimulationResult
    difference: golden.Difference | None

    @property
    def cycles(self) -> str:
        """Interval and latency in words."""
        return f"{self.result.interval:,.0f} an image, {self.result.latency:,} from the first pixel to the last logit"

    @property
    def compared(self) -> str:
        """What was compared, in words."""
        return f"codes and logits of {self.layers} layers, {self.images} images, on {self.player}"


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
    difference = golden.first_difference(design.net, expected, result.codes, result.logits)
    return Check(player, len(images), len(expected.codes) + 1, result, difference)


def verdict(check: Check, console: Console) -> int:
    """Says `bit-exact` or the first difference; returns the exit code."""
    if check.difference is not None:
        console.print(f"first difference: {check.difference}", style="bold red")
        return DIFFERENT
    console.print("bit-exact", style="bold green")
    return 0

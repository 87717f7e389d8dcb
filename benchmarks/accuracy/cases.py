"""What is measured: every T with float and integer weights, and every switch of convert alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

TIMESTEPS = (3, 4, 6, 8, 12, 16)
SWITCHED_AT = (4, 6, 8)
COMPARED_AT = 6
"""The T at which the switches of all networks are measured; of the large ones, whose runs take minutes, no other."""

ROOT = {"base": "root"}

SWITCHES: dict[str, dict[str, Any]] = {
    "base root": ROOT,
    "base per layer": {"base": "per-layer"},
    "base 2": {"base": 2.0},
    "no threshold shift": {"threshold_shift": False},
    "normalization per layer": {"normalization": "layer"},
    "weights as trained": {"refit": False},
    "sparsity off": {"sparsity": 0},
    "one spike for an input value": {"input_spikes": "one"},
    "calibration off: 99.9th percentile": {"calibrate": False},
    "calibration off: maximum": {"calibrate": False, "percentile": 100},
    "sparsity 0.03": {"sparsity": 0.03},
    "sparsity 0.3": {"sparsity": 0.3},
    "sparsity 1": {"sparsity": 1.0},
}
"""One option each, in place of convert's default."""


@dataclass(frozen=True)
class Case:
    """One conversion. `float_weights`: the spiking network before its weights are integers."""

    timesteps: int
    title: str
    options: dict[str, Any] = field(default_factory=dict)
    float_weights: bool = False

    @property
    def key(self) -> str:
        return f"T={self.timesteps}, {self.title}"


def switched_at(model: str) -> tuple[int, ...]:
    """The T at which the switches of a network are measured."""
    return SWITCHED_AT if model == "fashion-cnn" else (COMPARED_AT,)


def cases(model: str) -> list[Case]:
    """What is told first comes first."""
    main = [
        Case(steps, title, options) for title, options in (("INT8", {}), ("base root", ROOT)) for steps in TIMESTEPS
    ]
    widths = [Case(steps, "float", float_weights=True) for steps in TIMESTEPS]
    widths += [Case(steps, f"INT{bits}", {"weight_bits": bits}) for bits in (6, 4) for steps in TIMESTEPS]
    others = [(title, options) for title, options in SWITCHES.items() if options != ROOT]
    switched = [Case(steps, title, options) for title, options in others for steps in switched_at(model)]
    return sorted(main, key=lambda case: case.timesteps not in SWITCHED_AT) + switched + widths

"""Single-spike phase coding as numbers: levels, thresholds, the coding loss, the base that loses least, the constants.

Paper: One-Spike SNN (arXiv 2403.08786), phase coding with base manipulation and threshold shift.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from onespike_hw.errors import ConversionError

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

SMALLEST_CONSTANT = 256
"""The smallest phase constant is at least this, so that rounding it costs at most 0.2 % of the weakest level."""

MOST_FRACTION_BITS = 30
LARGEST_BASE = 8.0
_MOST_CLASSES = 4
_COARSE_STEP, _FINE_STEP = 0.02, 0.001


@dataclass(frozen=True)
class Coding:
    """How a normalised activation becomes the phase of one spike.

    timesteps        T, phases in one period
    base             Q > 1
    start            a spike in phase k stands for Q^-(k + start)
    threshold_shift  thresholds half-way between the levels (the nearest level), or at the levels (rounding down)
    """

    timesteps: int
    base: float
    start: int = 0
    threshold_shift: bool = True

    @property
    def levels(self) -> Float64:
        """What a spike in phase k stands for, in full scales: Q^-(k + start), [T], falling."""
        return self.base ** -(np.arange(self.timesteps, dtype=np.float64) + self.start)

    @property
    def thresholds(self) -> Float64:
        """What an activation must reach to be sent in phase k, in full scales, [T], falling.

        theta_k = (Q^-(k+start) + Q^-(k+start+1)) / 2, the last one Q^-(T-1+start) / 2; Q^-(k+start) without the shift.
        """
        levels = self.levels
        return (levels + np.append(levels[1:], 0.0)) / 2 if self.threshold_shift else levels


class Sample:
    """Activations, sorted once, so that the squared error of coding them takes one search per threshold.

    values    activations >= 0, any shape
    """

    def __init__(self, values: NDArray[np.floating]) -> None:
        self.values: Float64 = np.sort(values, axis=None).astype(np.float64)
        self._sums = np.append(0.0, np.cumsum(self.values))
        self.energy = float(np.square(self.values).sum())

    def squared_error(self, coding: Coding, full_scale: float) -> float:
        """Sum over the sample of (x - code(x))^2; code(x) is the level, times the full scale, that x is sent as."""
        levels = np.append(0.0, coding.levels[::-1]) * full_scale
        inner = np.searchsorted(self.values, coding.thresholds[::-1] * full_scale)
        edges = np.concatenate(([0], inner, [len(self.values)]))
        counts, sums = np.diff(edges), np.diff(self._sums[edges])
        return float(self.energy - 2 * levels @ sums + np.square(levels) @ counts)

    def loss(self, coding: Coding, full_scale: float = 1.0) -> float:
        """Normalised mean squared coding error: E[(x - code(x))^2] / E[x^2]; 0 where every activation is 0."""
        return self.squared_error(coding, full_scale) / self.energy if self.energy > 0 else 0.0


class Activity(Protocol):
    """Activations in full scales: measured ones, or a distribution."""

    def loss(self, coding: Coding) -> float:
        """Normalised mean squared coding error."""


def _mean_loss(samples: Sequence[Activity], coding: Coding) -> float:
    return sum(sample.loss(coding) for sample in samples) / max(len(samples), 1)


def least_loss(samples: Sequence[Activity], codings: Iterable[Coding]) -> Coding:
    """The coding of least mean loss; where several are, as with T = 1, the one whose base is nearest to 2."""
    return min(codings, key=lambda coding: (_mean_loss(samples, coding), abs(coding.base - 2)))


def optimal_base(samples: Sequence[Activity], timesteps: int, start: int = 0, threshold_shift: bool = True) -> float:
    """The base (a multiple of 0.001, 1.05 to 8) with the least mean over the samples of the normalised coding error.

    samples   normalised activations (full scale 1), one a layer; every layer weighs the same
    """

    def among(low: float, high: float, step: float) -> float:
        bases = [low + step * index for index in range(round((high - low) / step) + 1)]
        return least_loss(samples, [Coding(timesteps, base, start, threshold_shift) for base in bases]).base

    coarse = among(1.06, LARGEST_BASE, _COARSE_STEP)
    return round(among(max(coarse - _COARSE_STEP, 1.05), min(coarse + _COARSE_STEP, LARGEST_BASE), _FINE_STEP), 3)


def root_bases() -> list[tuple[int, int]]:
    """All (m, n) with Q = 2^(m/n) up to 8 in lowest terms and n <= 4, by rising Q."""
    most = round(math.log2(LARGEST_BASE))
    pairs = [(m, n) for n in range(1, _MOST_CLASSES + 1) for m in range(1, most * n + 1) if math.gcd(m, n) == 1]
    return sorted(pairs, key=lambda pair: pair[0] / pair[1])


def optimal_root(samples: Sequence[Activity], timesteps: int, start: int = 0, threshold_shift: bool = True) -> float:
    """The root base 2^(m/n), n <= 4, with the least mean over the samples of the normalised coding error."""
    bases = [2.0 ** (m / n) for m, n in root_bases()]
    return least_loss(samples, [Coding(timesteps, base, start, threshold_shift) for base in bases]).base


def root_of(base: float) -> tuple[int, int] | None:
    """(m, n) where base equals 2^(m/n) with n <= 4 to within 1e-9, else None."""
    for classes in range(1, _MOST_CLASSES + 1):
        shift = round(classes * math.log2(base))
        if shift >= 1 and abs(base - 2.0 ** (shift / classes)) <= 1e-9 * base:
            return shift, classes
    return None


def fraction_bits(coding: Coding) -> int:
    """The smallest F for which the smallest phase constant, round(2^F * Q^-(T-1+start)), is at least 256.

    Raises ConversionError where that takes more than 30 bits.
    """
    smallest = float(coding.levels[-1])
    for bits in range(MOST_FRACTION_BITS + 1):
        if np.rint(smallest * 2.0**bits) >= SMALLEST_CONSTANT:
            return bits
    what = f"base {coding.base:g} with {coding.timesteps} timesteps and start {coding.start}: the constants vanish"
    weakest = f"the weakest spike stands for {smallest:.3g} of the full scale, below 2^-{MOST_FRACTION_BITS - 8}"
    raise ConversionError(f"{what}, {weakest}; use fewer timesteps or a smaller base")


def phase_constants(coding: Coding, bits: int) -> Int64:
    """q_k = round(2^F * Q^-(k+start)), int64 [T]; for a root base Q = 2^(m/n), q_k = q_(k+n) << m exactly."""
    constants = np.rint(coding.levels * 2.0**bits).astype(np.int64)
    root = root_of(coding.base)
    if root is not None:
        shift, classes = root
        for phase in reversed(range(coding.timesteps - classes)):
            constants[phase] = constants[phase + classes] << shift
    return constants

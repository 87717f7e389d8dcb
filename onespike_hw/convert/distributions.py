"""The coding loss of known distributions of activations, in closed form.

With levels L_0 > L_1 > ... and L_T = 0, thresholds theta_k between them, and the partial moments
M_n(a, b) = integral of x^n f(x) from a to b, the normalised mean squared error is

    loss(Q, T) = sum over k of [M_2 - 2 L_k M_1 + L_k^2 M_0](theta_k, theta_(k-1)) / M_2(0, inf)

Activations are in full scales. The full scale is a percentile; what lies above it is clipped to it: a point mass at 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from onespike_hw.convert.base import Coding

Moments = tuple[float, float, float]

_STANDARD = NormalDist()


@dataclass(frozen=True)
class Distribution:
    """Activations from 0 to the full scale.

    below    x in 0..1 -> the moments M_0, M_1, M_2 of the density from 0 to x
    clipped  share of the activations that sits at the full scale
    """

    below: Callable[[float], Moments]
    clipped: float = 0.0

    def loss(self, coding: Coding) -> float:
        """Normalised mean squared coding error: E[(x - code(x))^2] / E[x^2]."""
        edges = [0.0, *np.clip(coding.thresholds[::-1], 0, 1).tolist(), 1.0]
        moments = np.diff(np.array([self.below(edge) for edge in edges]), axis=0)
        moments[self._holds_one(coding)] += self.clipped
        levels = np.append(0.0, coding.levels[::-1])
        error = moments[:, 2] - 2 * levels * moments[:, 1] + np.square(levels) * moments[:, 0]
        return float(error.sum() / moments[:, 2].sum())

    @staticmethod
    def _holds_one(coding: Coding) -> int:
        """Index of the interval, from silence up, in which an activation of one full scale lies."""
        return int((coding.thresholds <= 1).sum())


def uniform() -> Distribution:
    """Between 0 and the full scale."""
    return Distribution(lambda x: (x, x**2 / 2, x**3 / 3))


def half_normal(percentile: float = 99.9) -> Distribution:
    """The absolute value of a normal variable; the full scale is its percentile (below 100)."""
    top = _STANDARD.inv_cdf(0.5 + percentile / 200)

    def below(x: float) -> Moments:
        z = x * top
        density = 2 * _STANDARD.pdf(z)
        mass = math.erf(z / math.sqrt(2))
        return mass, (2 * _STANDARD.pdf(0) - density) / top, (mass - z * density) / top**2

    return Distribution(below, 1 - percentile / 100)


def exponential(percentile: float = 99.9) -> Distribution:
    """An exponential variable; the full scale is its percentile (below 100)."""
    top = -math.log1p(-percentile / 100)

    def below(x: float) -> Moments:
        z = x * top
        left = math.exp(-z)
        return 1 - left, (1 - left * (1 + z)) / top, (2 - left * (2 + 2 * z + z**2)) / top**2

    return Distribution(below, 1 - percentile / 100)


def best_levels(
    values: NDArray[np.floating], timesteps: int, rounds: int = 200, start: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """The T levels, falling, that lose least of all sets of T levels and 0 (Lloyd's iteration); a bound for every base.

    values  activations in full scales, >= 0
    start   T levels, falling, from which it begins, and which lose no less; None: quantiles of the values
    """
    x = np.sort(values, axis=None).astype(np.float64)
    sums = np.append(0.0, np.cumsum(x))
    first = np.quantile(x[x > 0], (np.arange(timesteps) + 0.5) / timesteps) if start is None else start[::-1]
    levels = np.append(0.0, first)
    for _ in range(rounds):
        edges = np.concatenate(([0], np.searchsorted(x, (levels[1:] + levels[:-1]) / 2), [len(x)]))
        counts = np.diff(edges)
        means = np.diff(sums[edges]) / np.maximum(counts, 1)
        levels[1:] = np.where(counts > 0, means, levels)[1:]
    return levels[:0:-1]


def level_loss(values: NDArray[np.floating], levels: NDArray[np.float64]) -> float:
    """Normalised mean squared error of values, >= 0, that are sent as the nearest of the levels and 0."""
    ordered = np.sort(np.append(levels, 0.0))
    sent = ordered[np.searchsorted((ordered[1:] + ordered[:-1]) / 2, values)]
    return float(np.square(values - sent).sum() / np.square(values).sum())

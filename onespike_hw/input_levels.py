"""An input that is one spike: which integers stand for real values then."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def nearest(
    distances: NDArray[np.float64], low: ArrayLike, high: ArrayLike, levels: Sequence[int]
) -> NDArray[np.float64]:
    """Of 0 and of plus and minus the levels what is nearest, half-way cases away from 0.

    distances  from the zero point, in input steps, any shape
    low, high  the smallest and the largest distance that an input integer can have; they broadcast over distances
    levels     falling, all above 0
    """
    ladder = np.array([0, *reversed(levels)], np.float64)
    room = np.where(distances < 0, -np.asarray(low), high)
    reached = np.searchsorted((ladder[1:] + ladder[:-1]) / 2, np.abs(distances), side="right")
    inside = np.searchsorted(ladder, room, side="right") - 1
    return np.sign(distances) * ladder[np.minimum(reached, inside)]

"""In which order an engine walks the phases, and when its sums drain into the potentials."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onespike_hw.network import Int64

MAX_CLASSES = 4
"""Root bases Q = 2^(m/n) are drained class by class up to this n (docs/contract.md)."""


@dataclass(frozen=True)
class Schedule:
    """One period in T steps.

    order        phase of each step
    shifts       the accumulators shift by `shift` bits before the step's first weight
    drains       the step ends a class: the sums are multiplied by the class's constant and added to the potentials
    multipliers  the constant of each class, in the order of the drains
    shift        m of a root base, 0 where nothing shifts
    """

    order: tuple[int, ...]
    shifts: tuple[bool, ...]
    drains: tuple[bool, ...]
    multipliers: tuple[int, ...]
    shift: int

    @property
    def classes(self) -> int:
        return len(self.multipliers)

    @property
    def class_of(self) -> tuple[int, ...]:
        """Code -> class with which a weight of its spike drains; `classes` for a silent one."""
        found = [self.classes] * (len(self.order) + 1)
        number = 0
        for phase, drains in zip(self.order, self.drains, strict=True):
            found[phase] = number
            number += drains
        return tuple(found)

    @property
    def shift_of(self) -> tuple[int, ...]:
        """Code -> bits by which a weight of its spike has been shifted until its drain; 0 for a silent one."""
        found = [0] * (len(self.order) + 1)
        for step, phase in enumerate(self.order):
            found[phase] = self.shift * self.drains[step:].index(True)
        return tuple(found)


def root_of(constants: Int64) -> tuple[int, int] | None:
    """(m, n) with q_k = q_(k+n) << m for all k, and the smallest n <= 4; None where the constants have no such root."""
    q = [int(c) for c in constants]
    for n in range(1, min(MAX_CLASSES, len(q) - 1) + 1):
        for m in range(1, 32):
            if all(q[k] == q[k + n] << m for k in range(len(q) - n)):
                return m, n
    return None


def schedule(constants: Int64, *, settled: bool) -> Schedule:
    """The walk with the fewest drains: class by class for a settled root base, else phase by phase."""
    timesteps = len(constants)
    root = root_of(constants) if settled else None
    if root is None:
        return Schedule(
            order=tuple(range(timesteps)),
            shifts=(False,) * timesteps,
            drains=(True,) * timesteps,
            multipliers=tuple(int(q) for q in constants),
            shift=0,
        )
    m, n = root
    classes = [range(first, timesteps, n) for first in range(n)]
    return Schedule(
        order=tuple(k for phases in classes for k in phases),
        shifts=tuple(k != phases[0] for phases in classes for k in phases),
        drains=tuple(k == phases[-1] for phases in classes for k in phases),
        multipliers=tuple(int(constants[phases[-1]]) for phases in classes),
        shift=m,
    )


def largest_shift(plan: Schedule) -> int:
    """Bits by which the first weight of the longest class is shifted before its drain."""
    longest = int(np.ceil(len(plan.order) / plan.classes))
    return plan.shift * (longest - 1)

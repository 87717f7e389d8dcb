"""In which order an engine walks the phases, and when its sums drain into the potentials."""

from __future__ import annotations

from dataclasses import dataclass

from onespike_hw.network import Int64

MAX_CLASSES = 4
"""Root bases Q = 2^(m/n) are drained class by class up to this n (docs/contract.md)."""


@dataclass(frozen=True)
class Schedule:
    """One period in T steps.

    order        phase of each step
    shifts       the accumulators shift by `shift` bits before the step's first weight
    drains       the step ends a class: the sums are multiplied by the class's constant and added to the potentials
    multipliers  the constant of each drain
    products     those with which the neurons multiply: one a class
    shift        m of a root base, 0 for another one
    raises       the step's weights come shifted by so many bits out of their memory

    A root base may be folded: of two phases that follow each other in their class the first one's weights are shifted
    in memory, so that both are added as one, and the sums never shift. A class of more phases drains in two parts, and
    the neurons add the earlier part shifted by 2 * shift bits.
    """

    order: tuple[int, ...]
    shifts: tuple[bool, ...]
    drains: tuple[bool, ...]
    multipliers: tuple[int, ...]
    products: tuple[int, ...]
    shift: int
    raises: tuple[int, ...]

    @property
    def classes(self) -> int:
        """Drains of a period."""
        return len(self.multipliers)

    @property
    def raised(self) -> tuple[bool, ...]:
        """The steps whose weights come shifted out of their memory."""
        return tuple(bits > 0 for bits in self.raises)

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
            later = self.shifts[step + 1 : self.drains.index(True, step) + 1]
            found[phase] = self.raises[step] + self.shift * sum(later)
        return tuple(found)


def root_of(constants: Int64) -> tuple[int, int] | None:
    """(m, n) with q_k = q_(k+n) << m for all k, and the smallest n <= 4; None where the constants have no such root."""
    q = [int(c) for c in constants]
    for n in range(1, min(MAX_CLASSES, len(q) - 1) + 1):
        for m in range(1, 32):
            if all(q[k] == q[k + n] << m for k in range(len(q) - n)):
                return m, n
    return None


def schedule(constants: Int64, *, settled: bool, folded: bool = False) -> Schedule:
    """The walk with the fewest drains: class by class for a settled root base, else phase by phase.

    folded  fold it, where that can be done
    """
    timesteps = len(constants)
    root = root_of(constants) if settled else None
    if root is None:
        multipliers = tuple(int(q) for q in constants)
        return Schedule(
            order=tuple(range(timesteps)),
            shifts=(False,) * timesteps,
            drains=(True,) * timesteps,
            multipliers=multipliers,
            products=multipliers,
            shift=0,
            raises=(0,) * timesteps,
        )
    m, n = root
    classes = [range(first, timesteps, n) for first in range(n)]
    products = tuple(int(constants[phases[-1]]) for phases in classes)
    parts = _parts(classes) if folded else None
    walked = classes if parts is None else parts
    return Schedule(
        order=tuple(k for phases in walked for k in phases),
        shifts=tuple(parts is None and k != phases[0] for phases in walked for k in phases),
        drains=tuple(k == phases[-1] for phases in walked for k in phases),
        multipliers=tuple(int(constants[phases[-1]]) for phases in walked),
        products=products,
        shift=m,
        raises=tuple(0 if parts is None or k == phases[-1] else m for phases in walked for k in phases),
    )


def _parts(classes: list[range]) -> list[range] | None:
    """The classes cut into parts of two phases, the later part first; None unless all have one part, or all two.

    The later phases spike most: they give the neurons time to take the window before.
    """
    count = {-(-len(phases) // 2) for phases in classes}
    if count not in ({1}, {2}) or all(len(phases) == 1 for phases in classes):
        return None
    return [phases[max(0, end - 2) : end] for phases in classes for end in range(len(phases), 0, -2)]


def largest_shift(plan: Schedule) -> int:
    """Bits by which the first weight of the longest class is shifted before its drain."""
    return max(plan.shift_of)

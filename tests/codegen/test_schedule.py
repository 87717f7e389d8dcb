"""The order in which an engine walks the phases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onespike_hw.codegen.schedule import root_of, schedule


def _root_constants(timesteps: int, m: int, n: int, last: list[int]) -> np.ndarray:
    q = [0] * timesteps
    for k in reversed(range(timesteps)):
        q[k] = last[k - timesteps] if k + n >= timesteps else q[k + n] << m
    return np.array(q, np.int64)


def test_square_root_of_two_drains_twice() -> None:
    constants = np.array([4096, 2896, 2048, 1448, 1024, 724, 512, 362])
    plan = schedule(constants, settled=True)
    assert plan.order == (0, 2, 4, 6, 1, 3, 5, 7)
    assert plan.multipliers == (512, 362)
    assert plan.shift == 1
    assert [k for k, drains in zip(plan.order, plan.drains, strict=True) if drains] == [6, 7]


@pytest.mark.parametrize("constants", [[100, 73, 55, 40], [9]])
def test_other_bases_drain_after_each_phase(constants: list[int]) -> None:
    plan = schedule(np.array(constants), settled=True)
    assert plan.order == tuple(range(len(constants)))
    assert plan.multipliers == tuple(constants)
    assert not any(plan.shifts)


def test_folding_adds_two_phases_as_one() -> None:
    constants = np.array([4096, 2896, 2048, 1448, 1024, 724, 512, 362])
    plan = schedule(constants, settled=True, folded=True)
    assert plan.order == (4, 6, 0, 2, 5, 7, 1, 3)
    assert plan.raises == (1, 0, 1, 0, 1, 0, 1, 0)
    assert plan.multipliers == (512, 2048, 362, 1448)
    assert plan.products == (512, 362)
    assert not any(plan.shifts)


@pytest.mark.parametrize("constants", [[8, 4, 2, 1, 0, 0], [100, 73, 55, 40], [16, 8, 4, 2, 1], [20, 14, 10, 7, 5]])
def test_what_cannot_be_folded_is_walked_as_it_is(constants: list[int]) -> None:
    """No root base; three parts to a class; two parts to one class and one to the other."""
    q = np.array(constants)
    assert schedule(q, settled=True, folded=True) == schedule(q, settled=True)


def test_a_wait_below_settled_walks_phase_by_phase() -> None:
    assert schedule(np.array([8, 4, 2, 1]), settled=False).classes == 4
    assert schedule(np.array([8, 4, 2, 1]), settled=True).classes == 1


@given(
    timesteps=st.integers(1, 16),
    m=st.integers(1, 3),
    n=st.integers(1, 4),
    data=st.data(),
    settled=st.booleans(),
    folded=st.booleans(),
)
def test_the_walk_computes_the_weighted_sum(
    timesteps: int, m: int, n: int, data: st.DataObject, settled: bool, folded: bool
) -> None:
    """Shift, add and drain as the lanes do: the sum over the phases of q_k * S_k, whatever the sums."""
    last = sorted(data.draw(st.lists(st.integers(64, 127), min_size=n, max_size=n)), reverse=True)
    constants = _root_constants(timesteps, m, n, last)
    sums = data.draw(st.lists(st.integers(-1000, 1000), min_size=timesteps, max_size=timesteps))
    plan = schedule(constants, settled=settled, folded=folded)
    total, lane, drains = 0, 0, iter(plan.multipliers)
    for phase, shifts, raised, drain in zip(plan.order, plan.shifts, plan.raises, plan.drains, strict=True):
        lane = (lane << plan.shift if shifts else lane) + (sums[phase] << raised)
        if drain:
            total, lane = total + lane * next(drains), 0
    assert total == sum(int(q) * s for q, s in zip(constants, sums, strict=True))
    parts = plan.classes // len(plan.products)
    assert plan.multipliers == tuple(q << (2 * plan.shift * part) for q in plan.products for part in range(parts))


def test_root_of_needs_exact_shifts() -> None:
    assert root_of(np.array([8, 4, 2, 1])) == (1, 1)
    assert root_of(np.array([9, 5, 3, 2])) is None
    assert root_of(np.array([27, 9, 3, 1])) is None

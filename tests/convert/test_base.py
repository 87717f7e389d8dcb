"""The coding as numbers: levels and thresholds, the loss and the base that loses least, the constants."""

from __future__ import annotations

from math import erf, gcd

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onespike_hw.convert.base import (
    Coding,
    Sample,
    fraction_bits,
    optimal_base,
    optimal_root,
    phase_constants,
    root_bases,
    root_of,
)
from onespike_hw.convert.distributions import best_levels, exponential, uniform
from onespike_hw.convert.distributions import half_normal as half_normal_distribution
from onespike_hw.errors import ConversionError

TIMESTEPS = st.integers(1, 32)
BASES = st.floats(1.05, 4)
ROOTS = st.sampled_from(root_bases())


def half_normal(count: int = 20_000) -> Sample:
    """A half-normal distribution, at evenly spaced quantiles, clipped at its 99.9th percentile, which is 1."""
    grid = np.linspace(0, 6, 60_001)
    cumulated = [erf(value / 2**0.5) for value in grid]
    values = np.interp((np.arange(count) + 0.5) / count, cumulated, grid)
    full_scale = np.interp(0.999, cumulated, grid)
    return Sample(np.minimum(values / full_scale, 1))


def coded(value: float, coding: Coding) -> float:
    """What one activation is sent as: the level of the first threshold that it reaches."""
    for level, threshold in zip(coding.levels, coding.thresholds, strict=True):
        if value >= threshold:
            return float(level)
    return 0.0


def test_levels_and_thresholds_of_a_small_coding() -> None:
    assert Coding(3, 2.0).levels.tolist() == [1, 1 / 2, 1 / 4]
    assert Coding(3, 2.0).thresholds.tolist() == [3 / 4, 3 / 8, 1 / 8]
    assert Coding(3, 2.0, start=1).thresholds.tolist() == [3 / 8, 3 / 16, 1 / 16]
    assert Coding(3, 2.0, threshold_shift=False).thresholds.tolist() == [1, 1 / 2, 1 / 4]


@pytest.mark.parametrize(("timesteps", "base"), [(3, 2.13), (4, 1.80), (6, 1.51), (8, 1.38), (12, 1.26), (16, 1.20)])
def test_the_optimal_base_of_a_half_normal_activation(timesteps: int, base: float) -> None:
    assert optimal_base([half_normal()], timesteps) == pytest.approx(base, abs=0.015)


@pytest.mark.parametrize(("timesteps", "exponent"), [(4, 3 / 4), (6, 2 / 3), (8, 1 / 2), (12, 1 / 3), (16, 1 / 4)])
def test_the_best_root_base_of_a_half_normal_activation(timesteps: int, exponent: float) -> None:
    assert optimal_root([half_normal()], timesteps) == 2**exponent


def test_a_base_that_makes_no_difference_is_2() -> None:
    assert optimal_base([half_normal()], timesteps=1) == 2
    assert optimal_root([], timesteps=8) == 2


@given(st.floats(0, 1.5), TIMESTEPS, BASES, st.integers(0, 3))
def test_the_code_of_a_value_is_the_nearest_level(value: float, timesteps: int, base: float, start: int) -> None:
    coding = Coding(timesteps, base, start)
    distance = np.abs(np.append(coding.levels, 0) - value)
    assert abs(coded(value, coding) - value) == pytest.approx(distance.min(), abs=1e-12)


@given(st.lists(st.floats(0, 3, width=32), min_size=1, max_size=30), TIMESTEPS, BASES, st.booleans(), st.floats(0.1, 3))
def test_the_squared_error_is_that_of_every_value(
    values: list[float], timesteps: int, base: float, shift: bool, full_scale: float
) -> None:
    coding = Coding(timesteps, base, threshold_shift=shift)
    expected = 0.0
    for value in values:
        reached = coding.thresholds * full_scale <= value
        level = coding.levels[reached.argmax()] * full_scale if reached.any() else 0.0
        expected += (value - level) ** 2
    found = Sample(np.array(values)).squared_error(coding, full_scale)
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-9)


@given(BASES, st.integers(0, 3), st.integers(1, 31))
def test_more_timesteps_never_hurt(base: float, start: int, timesteps: int) -> None:
    sample = half_normal(500)
    assert sample.loss(Coding(timesteps + 1, base, start)) <= sample.loss(Coding(timesteps, base, start)) + 1e-12


def test_root_bases_are_all_fractions_in_lowest_terms() -> None:
    assert root_bases()[0] == (1, 4)
    assert all(gcd(shift, classes) == 1 and classes <= 4 for shift, classes in root_bases())
    assert {(1, 2), (2, 3), (3, 4), (1, 1), (5, 4), (3, 1)} <= set(root_bases())


@given(ROOTS)
def test_a_root_base_is_recognised(root: tuple[int, int]) -> None:
    shift, classes = root
    assert root_of(2 ** (shift / classes)) == root
    assert root_of(2 ** (shift / classes) + 1e-6) is None


@given(ROOTS, TIMESTEPS, st.integers(0, 2))
def test_phase_constants_of_a_root_base_differ_by_shifts_alone(
    root: tuple[int, int], timesteps: int, start: int
) -> None:
    (shift, classes), coding = root, Coding(timesteps, 2 ** (root[0] / root[1]), start)
    try:
        bits = fraction_bits(coding)
    except ConversionError:
        return
    constants = phase_constants(coding, bits)
    assert constants[:-classes].tolist() == [value << shift for value in constants[classes:].tolist()]
    np.testing.assert_allclose(constants, coding.levels * 2.0**bits, rtol=1 / 256)


@given(TIMESTEPS, st.floats(1.01, 3), st.integers(0, 2))
def test_phase_constants_are_rounded_levels_in_the_fewest_bits(timesteps: int, base: float, start: int) -> None:
    coding = Coding(timesteps, base, start)
    try:
        bits = fraction_bits(coding)
    except ConversionError:
        assert coding.levels[-1] < 2.0**-21
        return
    constants = phase_constants(coding, bits)
    assert constants[-1] >= 256
    assert bits == 0 or coding.levels[-1] * 2.0 ** (bits - 1) < 256
    assert (np.diff(constants) <= 0).all()
    if root_of(base) is None:
        assert constants.tolist() == [round(level * 2.0**bits) for level in coding.levels]


DISTRIBUTIONS = {"uniform": uniform(), "half-normal": half_normal_distribution(), "exponential": exponential(99)}


def drawn(name: str, count: int = 400_000) -> np.ndarray:
    """The same, at evenly spaced quantiles."""
    shares = (np.arange(count) + 0.5) / count
    if name == "uniform":
        return shares
    if name == "exponential":
        return np.minimum(np.log1p(-shares) / np.log(0.01), 1)
    return half_normal(count).values


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(sorted(DISTRIBUTIONS)), st.integers(1, 16), st.floats(1.05, 5), st.integers(0, 2), st.booleans())
def test_the_closed_form_is_the_error_of_every_value(
    name: str, timesteps: int, base: float, start: int, shift: bool
) -> None:
    coding = Coding(timesteps, base, start, shift)
    values = drawn(name)
    levels = np.append(coding.levels, 0.0)
    phases = (values[:, None] < coding.thresholds).sum(axis=1)
    error = np.square(values - levels[phases]).mean() / np.square(values).mean()
    assert DISTRIBUTIONS[name].loss(coding) == pytest.approx(error, rel=2e-3, abs=1e-6)


@pytest.mark.parametrize(("timesteps", "base"), [(3, 2.13), (4, 1.80), (6, 1.51), (8, 1.38), (12, 1.26), (16, 1.20)])
def test_the_optimal_base_of_the_closed_form(timesteps: int, base: float) -> None:
    found = optimal_base([half_normal_distribution()], timesteps)
    assert found == pytest.approx(base, abs=0.015)
    brute = min(np.arange(1.05, 8, 0.004), key=lambda q: half_normal_distribution().loss(Coding(timesteps, float(q))))
    assert found == pytest.approx(brute, abs=0.005)


@given(st.integers(1, 8), BASES)
def test_no_base_beats_the_best_levels(timesteps: int, base: float) -> None:
    values = half_normal(2000).values
    levels = np.append(best_levels(values, timesteps), 0.0)
    assert (np.diff(levels) < 0).all()
    loss = np.square(values[:, None] - levels).min(axis=1).sum() / np.square(values).sum()
    assert loss <= Sample(values).loss(Coding(timesteps, base)) * 1.02

"""A neuron that waits for all of its input is settled, however much longer it waits."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from onespike_hw.golden import neurons
from onespike_hw.golden.neurons import Firing


@given(st.integers(1, 8), st.integers(0, 5), st.integers(0, 2**32 - 1))
def test_settled_equals_every_wait_from_the_last_phase_on(timesteps: int, longer: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    arrivals = rng.integers(-50, 50, (timesteps, 3, 20))
    thresholds = -np.sort(-rng.integers(-60, 120, (3, timesteps)), axis=1)
    firing = Firing(thresholds, np.arange(timesteps, 0, -1), wait=timesteps - 1 + longer)
    settled = neurons.fire(firing, lambda: arrivals.sum(axis=0), lambda phase: arrivals[phase].copy())
    sums, codes = neurons._fire_phase_by_phase(firing, lambda phase: arrivals[phase].copy())
    assert settled.codes is not None
    np.testing.assert_array_equal(sums, settled.sums)
    np.testing.assert_array_equal(codes, settled.codes.codes)
    assert not settled.noise_spikes.any()

"""The benchmark of what calibration can reach."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from rich.console import Console

from benchmarks.accuracy import bounds
from onespike_hw.convert import zoo
from onespike_hw.convert.base import Coding, Sample


def test_the_best_levels_leave_less_than_a_ladder_of_the_same_length() -> None:
    """Half-normal activations, T = 8: 0.0086 (Max, 1960, a Gaussian in 17 levels) against about 0.0105."""
    sample = Sample(np.abs(np.random.default_rng(0).standard_normal(20_000)) / 3.5)
    ladder = Coding(8, 1.36)
    assert sample.loss(ladder) > 0.0095
    assert bounds.least_error(sample, ladder) == pytest.approx(0.0086, rel=0.05)


def test_a_row_for_each_number_of_timesteps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "TIMESTEPS", (3, 12))
    monkeypatch.setattr(bounds, "COUNTS", (20,))
    images, labels = zoo.load_images("fashion-mnist")
    training = torch.from_numpy(zoo.load_calibration("fashion-mnist"))
    table = bounds.rows(zoo.load_model("fashion-mlp"), training, torch.from_numpy(images), labels, Console(quiet=True))
    assert [row[0] for row in table] == ["3", "12"]
    errors = [[float(error) for error in row[1:3]] for row in table]
    assert all(least <= ladder for ladder, least in errors)
    assert float(table[1][3].split(", ")[0]) < float(table[0][3].split(", ")[0])

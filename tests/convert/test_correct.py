"""Calibration without retraining: what the layers before leave, in the mean and the slope, is taken back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import onespike_hw as oh
from onespike_hw.convert import zoo
from onespike_hw.convert.correct import corrected, fit
from onespike_hw.convert.layers import apply_all
from tests.convert.cases import chain, float_layers, images, relative_difference, seeded


@given(st.floats(0.6, 1.8), st.floats(-1, 1), st.booleans(), st.integers(0, 9))
def test_a_line_is_found(slope: float, shift: float, relu: bool, seed: int) -> None:
    """To within the belief in slope 1 and shift 0, which weighs as much as 32 values."""
    found = np.random.default_rng(seed).normal(1.5, 1, (1, 100_000))
    line = fit(slope * found + shift, found, relu)
    assert line.slope[0] == pytest.approx(slope, abs=0.01)
    assert line.shift[0] == pytest.approx(shift, abs=0.02)


def test_few_active_values_move_little_and_slopes_stay_within_a_factor_of_two() -> None:
    found = np.array([[-1.0, 1.0, 2.0], [-3.0, -2.0, -1.5], [5.0, 5.0, 5.0]])
    line = fit(found + 1, found, relu=True)
    assert line.shift.tolist() == pytest.approx([2 / 34, 0, 3 / 35])
    assert line.slope.tolist() == [1, 1, 1]
    steep = np.random.default_rng(0).normal(0, 1, (2, 10_000))
    line = fit(steep * np.array([[9.0], [-3.0]]), steep, relu=False)
    assert line.slope.tolist() == pytest.approx([2, 0.5], abs=0.01)


def test_weights_that_were_scaled_and_biases_that_were_moved_are_put_right() -> None:
    model, x = seeded(chain(f=nn.Flatten(), a=nn.Linear(144, 6))), images(count=4000)
    trained = float_layers(model, x)
    spoiled = [
        replace(layer, weight=layer.weight * 0.7, bias=layer.bias + 0.3) if layer.kind == "linear" else layer
        for layer in trained
    ]
    right = corrected(trained, spoiled, {}, x, x)
    expected = apply_all(trained, x)
    assert relative_difference(apply_all(spoiled, x).double().numpy(), expected) > 0.2
    assert relative_difference(apply_all(right, x).double().numpy(), expected) < 0.01


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 50), st.integers(2, 8))
def test_integer_weights_do_not_change(seed: int, bits: int) -> None:
    model = seeded(
        chain(
            c=nn.Conv2d(2, 6, 3),
            r=nn.ReLU(),
            m=nn.MaxPool2d(2),
            f=nn.Flatten(),
            a=nn.Linear(54, 8),
            last=nn.Linear(8, 3),
        ),
        seed,
    )
    plain = oh.convert(model, images(), base=1.5, weight_bits=bits, calibrate=False, percentile=100)
    for layer in oh.convert(model, images(), base=1.5, weight_bits=bits).layers:
        if layer.name == "c":
            assert np.array_equal(layer.weight, plain.layer("c").weight)


@pytest.mark.parametrize("base", ["optimal", "root"])
def test_logits_come_nearer_to_the_trained_network(base: str) -> None:
    """On images that calibration has not seen, against full scales of the percentile and of least squares alone."""
    model, calibration = zoo.load_model("fashion-cnn"), zoo.load_calibration("fashion-mnist")
    test = zoo.load_images("fashion-mnist")[0]
    with torch.no_grad():
        expected = model(torch.from_numpy(test))

    def error(calibrate: bool) -> float:
        net = oh.convert(model, calibration[:200], timesteps=4, base=base, calibrate=calibrate, percentile=99)
        run = oh.golden.run(net, test, codes=False)
        return relative_difference(run.logits * run.scale, expected) ** 2

    assert error(calibrate=True) < 0.7 * error(calibrate=False)

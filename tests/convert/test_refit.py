"""Weights that are fitted to the codes that they read."""

from __future__ import annotations

import numpy as np
import torch

import onespike_hw as oh
from onespike_hw.convert import spiking, zoo
from onespike_hw.convert.pipeline import plan

MODEL, IMAGES = "fashion-cnn-small", "fashion-mnist"


def test_the_logits_of_other_images_come_closer_to_those_of_the_trained_network() -> None:
    model, calibration = zoo.load_model(MODEL), zoo.load_calibration(IMAGES)
    images = torch.from_numpy(zoo.load_images(IMAGES)[0])
    with torch.no_grad():
        expected = model(images)

    def error(*, refit: bool) -> float:
        planned = plan(model, calibration, timesteps=3, base="root", sparsity=0, refit=refit)
        found = spiking.logits(planned.chain, planned.neurons, planned.code.sent(images))
        return float((found - expected).square().mean())

    assert error(refit=True) < 0.9 * error(refit=False)


def test_layers_that_read_the_input_keep_their_weights() -> None:
    model, calibration = zoo.load_model(MODEL), zoo.load_calibration(IMAGES)[:60]
    fitted, trained = (oh.convert(model, calibration, refit=refit, sparsity=0) for refit in (True, False))
    same = {
        layer.name: np.array_equal(layer.weight, trained.layer(layer.name).weight)
        for layer in fitted.layers
        if layer.weight is not None
    }
    (first, *others) = same.values()
    assert first
    assert not all(others)


def test_a_few_images_leave_the_weights_as_they_are() -> None:
    """None is left that could judge a regression."""
    model, calibration = zoo.load_model("fashion-mlp"), zoo.load_calibration(IMAGES)[:4]
    fitted, trained = (oh.convert(model, calibration, refit=refit, sparsity=0) for refit in (True, False))
    assert all(np.array_equal(a.weight, b.weight) for a, b in zip(fitted.layers, trained.layers, strict=True))


def test_the_same_images_give_the_same_weights() -> None:
    model, calibration = zoo.load_model(MODEL), zoo.load_calibration(IMAGES)[:60]
    first, second = (oh.convert(model, calibration) for _ in range(2))
    assert all(
        np.array_equal(a.weight, b.weight)
        for a, b in zip(first.layers, second.layers, strict=True)
        if a.weight is not None
    )

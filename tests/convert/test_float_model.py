"""The spiking network with float weights: what the coding costs alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import onespike_hw as oh
from onespike_hw.convert import zoo
from onespike_hw.convert.float_model import float_accuracy, predict
from tests.convert.cases import chain, images, seeded


def test_many_phases_find_the_classes_of_the_model() -> None:
    model, calibration = zoo.load_model("fashion-cnn"), zoo.load_calibration("fashion-mnist")[:200]
    test, labels = zoo.load_images("fashion-mnist")
    test, labels = test[:100], labels[:100]
    with torch.no_grad():
        expected = model(torch.from_numpy(test)).argmax(1).numpy()
    options = {"timesteps": 20, "base": 1.16}
    found = predict(model, calibration, test, **options)
    assert found.dtype == np.int64
    assert (found == expected).mean() >= 0.97
    assert float_accuracy(model, calibration, test, labels, **options) == (found == labels).mean()


def test_one_phase_sends_full_scales_alone() -> None:
    """y = relu(x) with T = 1: x is sent as its full scale or not at all, so that two outputs tell it from 0.4."""
    model = chain(hidden=torch.nn.Linear(1, 1), relu=torch.nn.ReLU(), last=torch.nn.Linear(1, 2))
    with torch.no_grad():
        for name, values in {
            "hidden.weight": [[1.0]],
            "hidden.bias": [0.0],
            "last.weight": [[1.0], [0.0]],
            "last.bias": [0.0, 0.8],
        }.items():
            model.get_parameter(name).copy_(torch.tensor(values))
    calibration = torch.ones(4, 1)
    options = {"timesteps": 1, "base": 2.0, "calibrate": False, "percentile": 80}
    assert predict(model, calibration, [[0.49], [0.52]], **options).tolist() == [1, 0]
    assert predict(model, calibration, [[0.49], [0.52]], threshold_shift=False, **options).tolist() == [1, 1]


def test_it_is_the_integer_network_but_for_the_rounding_of_weights() -> None:
    model = seeded(
        chain(
            c=torch.nn.Conv2d(2, 6, 3, padding=1),
            r=torch.nn.ReLU(),
            m=torch.nn.MaxPool2d(2),
            d=torch.nn.Conv2d(6, 8, 3),
            s=torch.nn.ReLU(),
            a=torch.nn.AdaptiveAvgPool2d(1),
            f=torch.nn.Flatten(),
            last=torch.nn.Linear(8, 4),
        )
    )
    test = images(count=200, seed=5)
    run = oh.golden.run(oh.convert(model, images(), timesteps=5), test.numpy())
    assert (predict(model, images(), test.numpy(), timesteps=5) == run.predictions).mean() > 0.9


def test_images_that_the_network_cannot_take() -> None:
    model = seeded(chain(flatten=torch.nn.Flatten(), last=torch.nn.Linear(144, 3)))
    with pytest.raises(oh.OneSpikeError, match=r"images: shape \(2, 9, 8\) does not fit this network"):
        predict(model, images(), images()[0])
    with pytest.raises(oh.OneSpikeError, match="images: type uint8 is what hardware takes; give float images"):
        predict(model, images(), images().byte())
    with pytest.raises(
        oh.OneSpikeError,
        match=r"images: value 2 of image 0 is outside 0\.\.1, the range of channel 0; declare the range",
    ):
        predict(model, images(), np.full((1, 2, 9, 8), 2.0))

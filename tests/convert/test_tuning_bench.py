"""What the benchmark trains is the spiking network that convert plans; training brings it nearer to the trained one."""

from __future__ import annotations

import numpy as np
import torch

from benchmarks.accuracy.tuning import Code, Tuned, tune
from onespike_hw.convert import spiking
from onespike_hw.convert.base import Coding
from onespike_hw.convert.neurons import Neurons
from onespike_hw.convert.pipeline import plan
from tests.convert.cases import images, seeded
from tests.convert.residual import ResNet


def test_untuned_it_is_the_plan_and_tuning_lowers_the_error_of_the_logits() -> None:
    model, x = seeded(ResNet(blocks=1, width=4)), images((3, 12, 12))
    planned = plan(model, x, timesteps=3, sparsity=0, rounded_weights=False)
    network, sent = Tuned(planned), planned.code.sent(x)
    expected = spiking.logits(planned.chain, planned.neurons, sent)
    with torch.no_grad():
        torch.testing.assert_close(network(sent), expected, rtol=1e-4, atol=1e-4)
        before = (network(sent) - model(x)).square().mean()
        trained = [weight.clone() for weight in network.weights]
    tune(model, network, x, epochs=20)
    with torch.no_grad():
        assert (network(sent) - model(x)).square().mean() < before
    assert any(bool((old != new).any()) for old, new in zip(trained, network.weights, strict=True))


def test_the_gradient_passes_what_is_sent_and_stops_beyond_the_highest_level() -> None:
    neurons = Neurons(Coding(2, 2.0), np.ones(5))
    assert list(neurons.coding.levels) == [1.0, 0.5]
    assert list(neurons.coding.thresholds) == [0.75, 0.25]
    x = torch.tensor([-1.0, 0.1, 0.3, 0.9, 1.5], requires_grad=True)
    sent = Code.apply(x[None], neurons)[0]
    sent.sum().backward()
    assert sent.tolist() == [0, 0, 0.5, 1, 1]
    assert x.grad is not None
    assert x.grad.tolist() == [0, 1, 1, 1, 0]

"""What the benchmark gives to the libraries that code rates is the network that was trained."""

from __future__ import annotations

import torch

from benchmarks.accuracy.others import Chain
from onespike_hw.convert.pipeline import plan
from tests.convert.cases import images, seeded
from tests.convert.residual import ResNet


def test_the_folded_layers_are_the_network_and_each_firing_layer_has_a_probe() -> None:
    model, x = seeded(ResNet(blocks=1, width=4)), images((3, 12, 12))
    chain = plan(model, x, calibrate=False, rounded_weights=False, percentile=100).chain
    network = Chain(chain).eval()
    with torch.no_grad():
        torch.testing.assert_close(network(x), model(x), rtol=1e-4, atol=1e-4)
    assert list(network.fires.values()) == [layer.name for layer in chain if layer.relu]
    assert len(network.relus) == len(network.probes) == 7

"""What training through the codes would be worth: all weights, biases and full scales tuned on the calibration images.

    python -m benchmarks.accuracy.tuning mobilenet
    python -m benchmarks.accuracy.tuning mobilenet vgg11 --timesteps 4 --epochs 80

It is not what convert does, which trains nothing: it shows what is left to be had. The spiking network of convert, with
float weights and silence off, is trained to give the logits of the trained network, by Adam at a rate that falls to 0
along a cosine, on images between two of the calibration images; the gradient passes a code as if it were the
activation, up to the highest level. Before and after: squared error of the logits, in parts of their own square, on
calibration and on test images, divergence (Kullback-Leibler, nats) of the classes' probabilities, and loss in points.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track
from torch import Tensor, nn

from benchmarks.accuracy.bounds import divergence
from benchmarks.accuracy.subjects import first_images, parser, prepare, trained_logits
from benchmarks.accuracy.tables import markdown
from onespike_hw.convert import spiking, zoo
from onespike_hw.convert.layers import FloatLayer, apply, flow
from onespike_hw.convert.neurons import Neurons
from onespike_hw.convert.pipeline import Plan, plan

_BATCH = 50
_RATE = 3e-4
_RATE_OF_SCALES = 1e-3
"""Full scales are tuned as their logarithms."""


class Code(torch.autograd.Function):
    """Activations in full scales [N, C, ...] -> levels; the gradient is that of min(relu(x), highest level)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, neurons: Neurons) -> Tensor:
        ctx.save_for_backward((x > 0) & (x < neurons.coding.levels[0]))
        return neurons.sent(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (passes,) = ctx.saved_tensors
        return gradients[0] * passes, None


class Tuned(nn.Module):
    """The spiking network of a plan, its weights, biases and full scales parameters."""

    def __init__(self, planned: Plan) -> None:
        super().__init__()
        self.planned = planned
        affine = [layer for layer in planned.chain if layer.weight is not None]
        self.weights = nn.ParameterList([layer.affine[0].float() for layer in affine])
        self.biases = nn.ParameterList([layer.affine[1].float() for layer in affine])
        scales = [torch.from_numpy(own.full_scales).float().log() for own in planned.neurons.values()]
        self.logarithms = nn.ParameterList(scales)
        self.affine_index = {layer.name: index for index, layer in enumerate(affine)}
        self.firing_index = {name: index for index, name in enumerate(planned.neurons)}
        self.units = {
            name: replace(own, full_scales=np.ones_like(own.full_scales)) for name, own in planned.neurons.items()
        }

    def layer(self, layer: FloatLayer) -> FloatLayer:
        """The layer with its weights as they are now."""
        if layer.name not in self.affine_index:
            return layer
        index = self.affine_index[layer.name]
        return replace(layer, weight=self.weights[index], bias=self.biases[index])

    def forward(self, sent: Tensor) -> Tensor:
        def left(layer: FloatLayer, read: list[Tensor]) -> Tensor:
            y = apply(self.layer(layer), *read)
            if layer.name not in self.firing_index:
                return y
            scale = self.logarithms[self.firing_index[layer.name]].exp().view(1, -1, *[1] * (y.dim() - 2))
            return Code.apply(y / scale, self.units[layer.name]) * scale

        for _, y in flow(self.planned.chain, sent, left):
            sent = y
        return sent

    @property
    def neurons(self) -> Mapping[str, Neurons]:
        """With their full scales as they are now."""
        scales = [logarithm.detach().exp().double().numpy() for logarithm in self.logarithms]
        return {
            name: replace(own, full_scales=scale)
            for (name, own), scale in zip(self.planned.neurons.items(), scales, strict=True)
        }


def tune(model: nn.Module, network: Tuned, images: Tensor, epochs: int) -> None:
    """Trains the network, in place, to give the logits of the model; the images [N, ...] need no labels."""
    torch.manual_seed(0)
    code = network.planned.code
    square = trained_logits(model, images).square().mean()
    groups: list[dict[str, Any]] = [
        {"params": [*network.weights, *network.biases], "lr": _RATE},
        {"params": list(network.logarithms), "lr": _RATE_OF_SCALES},
    ]
    optimizer = torch.optim.Adam(groups)
    batches = len(torch.split(images, _BATCH))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * batches)
    for _ in track(range(epochs), "training through the codes"):
        for chosen in torch.randperm(len(images)).split(_BATCH):
            others = images[torch.randint(len(images), (len(chosen),))]
            share = torch.rand(len(chosen), *[1] * (images.dim() - 1))
            shown = share * images[chosen] + (1 - share) * others
            error = (network(code.sent(shown)) - trained_logits(model, shown)).square().mean() / square
            optimizer.zero_grad()
            error.backward()
            optimizer.step()
            schedule.step()


def row(
    what: str, model: nn.Module, network: Tuned, known: Tensor, images: Tensor, labels: NDArray[np.int64]
) -> list[str]:
    chain, code = [network.layer(layer) for layer in network.planned.chain], network.planned.code
    errors = []
    for shown in (known, images):
        expected = trained_logits(model, shown)
        found = spiking.logits(chain, network.neurons, code.sent(shown))
        errors.append(f"{float((found - expected).square().mean() / expected.square().mean()):.4f}")
    right = [float((logits.argmax(1).numpy() == labels).mean()) for logits in (expected, found)]
    return [what, *errors, f"{divergence(expected, found):.4f}", f"{100 * (right[0] - right[1]):.2f}"]


def main() -> None:
    own = parser(__doc__, images=10_000)
    own.add_argument("--timesteps", type=int, default=6, help="T (6)")
    own.add_argument("--epochs", type=int, default=40, help="passes over the calibration images (40)")
    own.add_argument("--calibration", type=int, default=500, help="training images, the first ones (500)")
    args = own.parse_args()
    prepare(args)
    head = ["", "error, calibration", "error, test", "divergence", "loss, points"]
    for name in args.models:
        model = zoo.load_model(name)
        known = torch.from_numpy(first_images(name, "train", args.calibration)[0])
        shown, labels = first_images(name, "test", args.images)
        network = Tuned(plan(model, known, timesteps=args.timesteps, sparsity=0, rounded_weights=False))
        rows = [row("calibrated", model, network, known, torch.from_numpy(shown), labels)]
        tune(model, network, known, args.epochs)
        rows.append(row("trained through the codes", model, network, known, torch.from_numpy(shown), labels))
        print("\n".join([f"{name}, T = {args.timesteps}", "", *markdown(head, rows), ""]))


if __name__ == "__main__":
    main()

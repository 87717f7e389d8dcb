"""How far calibration can go: the coding error that is left, and what more calibration images are worth.

    python -m benchmarks.accuracy.bounds
    python -m benchmarks.accuracy.bounds vgg11 --images 2000

Coding errors are E[(x - code(x))^2] / E[x^2] of the activations, in full scales, of the fewest calibration images, mean
over the layers: of the ladder that convert chooses, and of the T levels of a layer that leave least (Lloyd and Max).
Beside them, divergence (Kullback-Leibler, nats) of the classes' probabilities from those of the trained network, and
loss in points, on the test images, for networks calibrated on fewer and on more training images; INT8 weights, silence
off.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from torch import Tensor, nn

from benchmarks.accuracy.subjects import first_images, parser, prepare, trained_logits
from benchmarks.accuracy.tables import markdown
from onespike_hw.convert import spiking, zoo
from onespike_hw.convert.base import Coding, Sample
from onespike_hw.convert.distributions import best_levels, level_loss
from onespike_hw.convert.pipeline import Plan, plan

TIMESTEPS = (4, 6, 8)
COUNTS = (125, 500, 2000)


def least_error(sample: Sample, coding: Coding) -> float:
    """Normalised mean squared error of the best levels that lie near those of the ladder."""
    return level_loss(sample.values, best_levels(sample.values, coding.timesteps, start=coding.levels))


def coding_errors(planned: Plan) -> tuple[float, float]:
    """Of the ladder, and of the best levels."""
    ladder, least = [], []
    for layer in planned.observed:
        neurons = planned.neurons[layer.name]
        sample = layer.in_full_scales(neurons.full_scales)
        ladder.append(sample.loss(neurons.coding))
        least.append(least_error(sample, neurons.coding))
    return float(np.mean(ladder)), float(np.mean(least))


def divergence(trained: Tensor, found: Tensor) -> float:
    """Mean Kullback-Leibler divergence of the probabilities of the classes, in nats; logits are [N, classes]."""
    expected = trained.log_softmax(1)
    return float((expected.exp() * (expected - found.log_softmax(1))).sum(1).mean())


def rows(
    model: nn.Module, training: Tensor, images: Tensor, labels: NDArray[np.int64], console: Console
) -> list[list[str]]:
    """One row for each T: both coding errors, then divergence and loss for each number of calibration images."""
    expected = trained_logits(model, images)
    right = (expected.argmax(1).numpy() == labels).mean()
    table = []
    for steps in TIMESTEPS:
        row = [str(steps)]
        for count in COUNTS:
            with console.status(f"T = {steps}, {count} calibration images ..."):
                planned = plan(model, training[:count], timesteps=steps, sparsity=0)
                found = spiking.logits(planned.chain, planned.neurons, planned.code.sent(images))
            if count == COUNTS[0]:
                row += [f"{error:.4f}" for error in coding_errors(planned)]
            loss = right - (found.argmax(1).numpy() == labels).mean()
            row.append(f"{divergence(expected, found):.4f}, {100 * loss:.2f}")
        table.append(row)
    return table


def main() -> None:
    args = parser(__doc__, images=10_000).parse_args()
    prepare(args)
    console = Console()
    head = ["T", "error of the ladder", "of the best levels", *(f"{count:,} images" for count in COUNTS)]
    texts: list[str] = []
    for name in args.models:
        training, _ = first_images(name, "train", COUNTS[-1])
        shown, labels = first_images(name, "test", args.images)
        known = torch.from_numpy(training)
        table = rows(zoo.load_model(name), known, torch.from_numpy(shown), labels, console)
        texts.append("\n".join([f"{name}: divergence, loss in points", "", *markdown(head, table), ""]))
        console.print(texts[-1], markup=False, highlight=False, soft_wrap=True)
    (args.out / "bounds.md").write_text("\n".join(texts))


if __name__ == "__main__":
    main()

"""How far calibration can go: the coding error that is left, and what more calibration images are worth.

    python -m benchmarks.accuracy.bounds
    python -m benchmarks.accuracy.bounds vgg11 --images 2000

Coding errors are E[(x - code(x))^2] / E[x^2] of the calibration activations in full scales, mean over the layers: of
the ladder that convert chooses, and of the T levels of a layer that leave least (Lloyd and Max). Beside them,
divergence (Kullback-Leibler, nats) of the classes' probabilities from those of the trained network, and loss
in points, on the test images, for networks calibrated on fewer and on more training images; INT8 weights, silence off.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from torch import Tensor, nn

from benchmarks.accuracy.__main__ import NETWORKS
from benchmarks.accuracy.tables import markdown
from onespike_hw.convert import spiking, zoo
from onespike_hw.convert.base import Coding, Sample
from onespike_hw.convert.datasets import fashion_mnist, image_size, padded, to_unit
from onespike_hw.convert.pipeline import Plan, plan

TIMESTEPS = (4, 6, 8)
COUNTS = (125, 500, 2000)
_ROUNDS = 200
_BATCH = 250

Float64 = NDArray[np.float64]


def least_levels(values: Float64, levels: Float64) -> Float64:
    """Levels that leave less squared error than the given ones: each the mean of the values that it is nearest to.

    values  activations >= 0
    levels  rising, the first of them 0, which stays
    """
    for _ in range(_ROUNDS):
        cell = np.searchsorted((levels[1:] + levels[:-1]) / 2, values)
        counts, sums = (np.bincount(cell, weights, len(levels)) for weights in (None, values))
        levels = np.where(counts > 0, sums / np.maximum(counts, 1), levels)
        levels[0] = 0.0
    return levels


def least_error(sample: Sample, coding: Coding) -> float:
    """Normalised mean squared error of the best levels that lie near those of the ladder."""
    levels = least_levels(sample.values, np.append(0.0, coding.levels[::-1]))
    nearest = levels[np.searchsorted((levels[1:] + levels[:-1]) / 2, sample.values)]
    return float(np.square(sample.values - nearest).sum()) / sample.energy


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
    with torch.no_grad():
        expected = torch.cat([model(batch) for batch in images.split(_BATCH)])
    right = (expected.argmax(1).numpy() == labels).mean()
    table = []
    for steps in TIMESTEPS:
        row = [str(steps)]
        for count in COUNTS:
            with console.status(f"T = {steps}, {count} calibration images ..."):
                planned = plan(model, training[:count], timesteps=steps, sparsity=0)
                sent = planned.code.sent(images)
                found = torch.cat([spiking.logits(planned.chain, planned.neurons, b) for b in sent.split(_BATCH)])
            if count == COUNTS[0]:
                row += [f"{error:.4f}" for error in coding_errors(planned)]
            loss = right - (found.argmax(1).numpy() == labels).mean()
            row.append(f"{divergence(expected, found):.4f}, {100 * loss:.2f}")
        table.append(row)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=NETWORKS, metavar="MODEL", help=f"{', '.join(NETWORKS)} (all)")
    parser.add_argument("--images", type=int, default=10_000, help="test images, the first ones (10,000)")
    parser.add_argument("--out", type=Path, default=Path("build/bench-accuracy"), help="folder of the results")
    parser.add_argument("--threads", type=int, default=2, help="of torch (2)")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    console = Console()
    head = ["T", "error of the ladder", "of the best levels", *(f"{count:,} images" for count in COUNTS)]
    texts: list[str] = []
    for name in args.models:
        size = image_size(zoo.images_of(name))
        training, (pixels, labels) = fashion_mnist("train")[0][: COUNTS[-1]], fashion_mnist("test")
        shown, known = (torch.from_numpy(to_unit(padded(x, size))) for x in (pixels[: args.images], training))
        table = rows(zoo.load_model(name), known, shown, labels[: args.images], console)
        texts.append("\n".join([f"{name}: divergence, loss in points", "", *markdown(head, table), ""]))
        console.print(texts[-1], markup=False, highlight=False, soft_wrap=True)
    (args.out / "bounds.md").write_text("\n".join(texts))


if __name__ == "__main__":
    main()

"""The pictures of docs/conversion.md.

python -m benchmarks.accuracy.figures --out docs/figures --results benchmarks/accuracy/results

Loss against operations is drawn from the results that `python -m benchmarks.accuracy` wrote, for each network there.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt

from benchmarks.accuracy.cases import SWITCHED_AT
from benchmarks.accuracy.tables import TRAINED
from onespike_hw.convert.base import Coding, optimal_base, optimal_root
from onespike_hw.convert.distributions import Distribution, best_levels, exponential, half_normal, level_loss, uniform

TIMESTEPS = (2, 3, 4, 6, 8, 12, 16)
SPARSITIES = ("sparsity off", "sparsity 0.03", "INT8", "sparsity 0.3", "sparsity 1")
"""Titles of cases, from all spikes to fewest."""
BASES = np.linspace(1.05, 3.2, 300)


def loss_against_base(path: Path) -> None:
    """One curve a T; dots: the optimum; crosses: the best root base."""
    families = {"uniform": uniform(), "half-normal": half_normal(), "exponential": exponential()}
    figure, axes = plt.subplots(1, 3, figsize=(11, 3.6), sharey=True, layout="constrained")
    for axis, (name, activity) in zip(axes, families.items(), strict=True):
        for steps, color in zip(TIMESTEPS, plt.cm.viridis(np.linspace(0, 0.9, len(TIMESTEPS))), strict=True):
            axis.plot(BASES, [activity.loss(Coding(steps, base)) for base in BASES], color=color, label=f"T = {steps}")
            best, root = optimal_base([activity], steps), optimal_root([activity], steps)
            axis.plot(best, activity.loss(Coding(steps, best)), "o", color=color, markersize=4)
            axis.plot(root, activity.loss(Coding(steps, root)), "x", color=color, markersize=6)
        axis.set(title=name, xlabel="Q", yscale="log", xlim=(1, 3.2), ylim=(8e-4, 0.6))
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("normalised mean squared error")
    axes[2].legend(fontsize=8)
    figure.savefig(path, metadata={"Date": None})


def bases_against_bound(path: Path) -> None:
    """What the best base loses, against the best T levels of any kind, half-normal."""
    activity = half_normal()
    values = _drawn()
    steps = np.arange(1, 17)
    levels = [best_levels(values, int(count)) for count in steps]
    bound = [level_loss(values, each) for each in levels]
    best = [activity.loss(Coding(int(count), optimal_base([activity], int(count)))) for count in steps]
    root = [activity.loss(Coding(int(count), optimal_root([activity], int(count)))) for count in steps]
    two = [activity.loss(Coding(int(count), 2.0)) for count in steps]
    figure, axis = plt.subplots(figsize=(5.5, 3.6), layout="constrained")
    for losses, label in ((two, "Q = 2"), (root, "root base"), (best, "optimal Q"), (bound, "any T levels")):
        axis.plot(steps, losses, marker=".", label=label)
    axis.set(xlabel="T", ylabel="normalised mean squared error", yscale="log")
    axis.grid(alpha=0.3)
    axis.legend()
    figure.savefig(path, metadata={"Date": None})


def ladder(path: Path) -> None:
    """What an activation is sent as, with and without the threshold shift."""
    x = np.linspace(0, 1.15, 2000)
    figure, axis = plt.subplots(figsize=(5.5, 3.6), layout="constrained")
    axis.plot(x, x, color="0.8", label="activation")
    for shift, label in ((False, "no shift"), (True, "threshold shift")):
        coding = Coding(4, 1.8, threshold_shift=shift)
        levels = np.append(coding.levels, 0.0)
        axis.plot(x, levels[(x[:, None] < coding.thresholds).sum(axis=1)], label=label)
    axis.set(xlabel="activation / full scale", ylabel="what it is sent as", title="T = 4, Q = 1.8")
    axis.grid(alpha=0.3)
    axis.legend()
    figure.savefig(path, metadata={"Date": None})


def loss_against_operations(path: Path, journals: Sequence[Path]) -> None:
    """A panel a network, a curve a T, a dot a sparsity; the ring is what `sparsity="free"` chose."""
    curves = {journal.stem.rsplit("-", 1)[0]: _curves(journal) for journal in journals}
    shown = {name: found for name, found in curves.items() if found}
    figure, axes = plt.subplots(1, len(shown), figsize=(4.5 * len(shown), 3.4), layout="constrained", squeeze=False)
    for axis, (name, found) in zip(axes[0], shown.items(), strict=True):
        for steps, points in found.items():
            sops, losses = zip(*points, strict=True)
            (line,) = axis.plot(sops, losses, marker=".", label=f"T = {steps}")
            free = SPARSITIES.index("INT8")
            axis.plot(sops[free], losses[free], "o", color=line.get_color(), fillstyle="none", markersize=9)
        axis.set(title=name, xlabel="M SOPs an image")
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
    axes[0, 0].set_ylabel("loss, points of accuracy")
    figure.savefig(path, metadata={"Date": None})


def _curves(journal: Path) -> dict[int, list[tuple[float, float]]]:
    """T -> (M SOPs an image, loss in points) of each sparsity, where all of them were measured."""
    entries = [json.loads(line) for line in journal.read_text().splitlines()]
    results = {entry["case"]: entry for entry in entries}
    trained = results[TRAINED]["accuracy"]
    found = {steps: [results.get(f"T={steps}, {title}") for title in SPARSITIES] for steps in SWITCHED_AT}
    return {
        steps: [(result["sops"] / 1e6, 100 * (trained - result["accuracy"])) for result in row]
        for steps, row in found.items()
        if None not in row
    }


def _drawn(count: int = 200_000) -> np.ndarray:
    """The half-normal distribution at evenly spaced quantiles, in full scales, clipped."""
    activity: Distribution = half_normal()
    grid = np.linspace(0, 1, 20_001)
    mass = np.array([activity.below(float(x))[0] for x in grid])
    return np.interp((np.arange(count) + 0.5) / count, mass, grid)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("docs/figures"), help="folder of the pictures")
    parser.add_argument("--results", type=Path, default=Path("benchmarks/accuracy/results"), help="folder of *.jsonl")
    arguments = parser.parse_args()
    out = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    mpl.rcParams["svg.hashsalt"] = "onespike-hw"
    loss_against_base(out / "loss_against_base.svg")
    bases_against_bound(out / "bases_against_bound.svg")
    ladder(out / "ladder.svg")
    journals = sorted(arguments.results.glob("*.jsonl"))
    if journals:
        loss_against_operations(out / "loss_against_operations.svg", journals)


if __name__ == "__main__":
    main()

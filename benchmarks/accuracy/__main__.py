"""Accuracy, spikes and operations of the shipped networks for many conversions, on all 10,000 test images.

    python -m benchmarks.accuracy
    python -m benchmarks.accuracy fashion-cnn --weights build/seed2/fashion_cnn.npz --out build/bench-accuracy-seed2

Needs Debian's data set (apt-get install dataset-fashion-mnist). Every result is written as it comes; a second call goes
on where the first was stopped. The tables are printed, and written to tables.md in the folder of the results.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import nn

import onespike_hw as oh
from benchmarks.accuracy.cases import Case, cases
from benchmarks.accuracy.subjects import first_images, parser, prepare, trained_logits
from benchmarks.accuracy.tables import TRAINED, switches_together, tables
from onespike_hw.convert import zoo
from onespike_hw.convert.float_model import predict


@dataclass(frozen=True, eq=False)
class Subject:
    """A network, its calibration images, and the images and labels that it is measured on."""

    name: str
    model: nn.Module
    calibration: np.ndarray
    images: np.ndarray
    labels: np.ndarray


def parse_arguments() -> argparse.Namespace:
    asked = parser(__doc__, images=10_000)
    asked.add_argument("--weights", type=Path, help="npz that examples/fashion_mnist/train.py wrote (what ships)")
    arguments = asked.parse_args()
    if arguments.weights is not None and len(arguments.models) != 1:
        asked.error(f"--weights: belong to one network, not to {', '.join(arguments.models)}; name one")
    return arguments


def model_of(name: str, weights: Path | None) -> nn.Module:
    model = zoo.load_model(name)
    if weights is not None:
        with np.load(weights, allow_pickle=False) as archive:
            model.load_state_dict({name: torch.from_numpy(archive[name]) for name in archive.files})
    return model.eval()


def measure(case: Case, subject: Subject) -> dict[str, Any]:
    """Accuracy 0..1; for integer networks also the base, operations an image and spikes per neuron."""
    model, calibration, images, labels = subject.model, subject.calibration, subject.images, subject.labels
    options = {"timesteps": case.timesteps, **case.options}
    if case.float_weights:
        return {"accuracy": float((predict(model, calibration, images, **options) == labels).mean())}
    net = oh.convert(model, calibration, **options)
    run = oh.golden.run(net, images, codes=False)
    neurons = sum(int(np.prod(layer.shape)) for layer in net.layers if layer.fires)
    return {
        "accuracy": float((run.predictions == labels).mean()),
        "base": net.base,
        "sops": float(sum(count.mean() for count in run.sops.values())),
        "spikes": float(sum(count.mean() for count in run.spikes.values())) / neurons,
    }


def trained_accuracy(subject: Subject) -> float:
    """0..1, of the network as it was trained."""
    found = trained_logits(subject.model, torch.from_numpy(subject.images)).argmax(1).numpy()
    return float((found == subject.labels).mean())


def subject_of(name: str, weights: Path | None, count: int) -> Subject:
    calibration = zoo.load_calibration(zoo.images_of(name))
    return Subject(name, model_of(name, weights), calibration, *first_images(name, "test", count))


def measured(subject: Subject, folder: Path) -> dict[str, dict[str, Any]]:
    """All cases of one network and the trained one, those that the journal in the folder holds from there."""
    journal = folder / f"{subject.name}-{len(subject.images)}.jsonl"
    lines = journal.read_text().splitlines() if journal.exists() else []
    results = {entry.pop("case"): entry for entry in map(json.loads, lines)}
    wanted = cases(subject.name)
    missing = [case for case in wanted if case.key not in results]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress, journal.open("a") as stream:
        task = progress.add_task("", total=len(wanted), completed=len(wanted) - len(missing))
        if TRAINED not in results:
            results[TRAINED] = {"accuracy": trained_accuracy(subject)}
            stream.write(json.dumps({"case": TRAINED, **results[TRAINED]}) + "\n")
        for case in missing:
            progress.update(task, description=f"{subject.name} {case.key}")
            results[case.key] = measure(case, subject)
            stream.write(json.dumps({"case": case.key, **results[case.key]}) + "\n")
            stream.flush()
            progress.advance(task)
    return results


def main() -> None:
    arguments = parse_arguments()
    prepare(arguments)
    results = {}
    for name in arguments.models:
        results[name] = measured(subject_of(name, arguments.weights, arguments.images), arguments.out)
    parts = [tables(name, own, arguments.images) for name, own in results.items()]
    if len(results) > 1:
        parts.append(switches_together(results))
    text = "\n".join(parts)
    (arguments.out / "tables.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()

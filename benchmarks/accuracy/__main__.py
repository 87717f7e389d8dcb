"""Accuracy, spikes and operations of the shipped network for many conversions, on all 10,000 test images.

    python -m benchmarks.accuracy
    python -m benchmarks.accuracy --weights build/seed2/fashion_cnn.npz --out build/bench-accuracy-seed2

Needs Debian's data set (apt-get install dataset-fashion-mnist). Every result is written as it comes; a second call goes
on where the first was stopped. The tables are printed, and written to tables.md in the folder of the results.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import nn

import onespike_hw as oh
from benchmarks.accuracy.cases import Case, cases
from benchmarks.accuracy.tables import tables
from onespike_hw.convert import zoo
from onespike_hw.convert.datasets import fashion_mnist, to_unit
from onespike_hw.convert.float_model import predict

CALIBRATION = "fashion-mnist"


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("build/bench-accuracy"), help="folder of the results")
    parser.add_argument("--weights", type=Path, help="npz that examples/fashion_mnist/train.py wrote (the shipped one)")
    parser.add_argument("--images", type=int, default=10_000, help="test images, the first ones (10,000)")
    parser.add_argument("--threads", type=int, default=2, help="of torch (2)")
    return parser.parse_args()


def model_of(weights: Path | None) -> nn.Module:
    model = zoo.load_model("fashion-cnn")
    if weights is not None:
        with np.load(weights, allow_pickle=False) as archive:
            model.load_state_dict({name: torch.from_numpy(archive[name]) for name in archive.files})
    return model.eval()


def measure(case: Case, model: nn.Module, images: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Accuracy 0..1; for integer networks also the base, operations an image and spikes per neuron."""
    calibration = zoo.load_calibration(CALIBRATION)
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


def trained_accuracy(model: nn.Module, images: np.ndarray, labels: np.ndarray) -> float:
    with torch.inference_mode():
        found = [model(batch).argmax(1).numpy() for batch in torch.from_numpy(images).split(250)]
    return float((np.concatenate(found) == labels).mean())


def main() -> None:
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    arguments.out.mkdir(parents=True, exist_ok=True)
    journal = arguments.out / f"results-{arguments.images}.jsonl"
    lines = journal.read_text().splitlines() if journal.exists() else []
    results = {entry.pop("case"): entry for entry in map(json.loads, lines)}
    pixels, labels = fashion_mnist("test")
    images, labels = to_unit(pixels[: arguments.images]), labels[: arguments.images]
    model = model_of(arguments.weights)
    missing = [case for case in cases() if case.key not in results]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress, journal.open("a") as stream:
        task = progress.add_task("", total=len(cases()), completed=len(cases()) - len(missing))
        for case in missing:
            progress.update(task, description=case.key)
            results[case.key] = measure(case, model, images, labels)
            stream.write(json.dumps({"case": case.key, **results[case.key]}) + "\n")
            stream.flush()
            progress.advance(task)
    text = tables(results, trained_accuracy(model, images, labels), len(images))
    (arguments.out / "tables.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()

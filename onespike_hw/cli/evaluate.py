"""onespike-hw eval: accuracy of ANN, SNN and SNN INT8 on the same images, spikes and operations."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
from rich.console import Console

from onespike_hw import golden
from onespike_hw.cli import ann, wait_sweep
from onespike_hw.cli.console import progress_bar, step, summary
from onespike_hw.cli.sources import Data, Source, load_data, load_source
from onespike_hw.convert.explain import input_meaning
from onespike_hw.report.energy import Energy, energy, in_words
from onespike_hw.report.figures import Figures, accuracy, count, describe


@dataclass(frozen=True)
class Evaluation:
    """A network on some images.

    ann      accuracy of the trained module, 0..1; None where there is no module or there are no labels
    snn      of the spiking network with float weights, 0..1; None where the network was not converted here, too
    figures  of the golden model on the same images
    energy   of the same run
    """

    source: Source
    data: Data
    ann: float | None
    snn: float | None
    figures: Figures
    energy: Energy


def run(args: argparse.Namespace, console: Console) -> int:
    evaluation = prepare(args, console)
    console.print(summary(rows(evaluation)))
    if args.wait_sweep:
        console.print()
        wait_sweep.show(list(wait_sweep.sweep(evaluation.source.net, evaluation.data, console)), console)
    return 0


def prepare(args: argparse.Namespace, console: Console) -> Evaluation:
    """Load or convert the network, and run it on the images."""
    step(console, "loading the network" if args.network else "converting the network")
    source = load_source(args)
    data = load_data(args, source.net.sample_shape)
    step(console, f"evaluating it on {len(data.images):,} images")
    with progress_bar(console, "golden model") as progress:
        result = golden.run(source.net, data.images, codes=False, progress=progress)
    return Evaluation(
        source=source,
        data=data,
        ann=_ann(source, data, console),
        snn=_snn(source, data),
        figures=count(source.net, result, data.labels),
        energy=energy(source.net, result),
    )


def rows(evaluation: Evaluation) -> list[tuple[str, str]]:
    """Lines of the summary that do not depend on hardware."""
    figures, data = evaluation.figures, evaluation.data
    return [
        ("network", f"{evaluation.source.name}, {describe(evaluation.source.net)}"),
        ("input", "\n".join(input_meaning(evaluation.source.net))),
        ("images", f"{figures.images:,}: {data.name}"),
        ("accuracy", ", ".join(_accuracies(evaluation)) or "not known: the images have no labels"),
        ("spikes", f"{figures.spikes_per_neuron:.3f} per neuron"),
        (
            "operations",
            f"{figures.sops:,.0f} SOPs against {figures.multiplies:,} multiplies an image "
            f"({figures.sops / figures.multiplies:.2f})",
        ),
        ("energy", "\n".join(in_words(evaluation.energy))),
    ]


def _accuracies(evaluation: Evaluation) -> list[str]:
    shares = [("ANN", evaluation.ann), ("SNN", evaluation.snn), ("SNN INT8", evaluation.figures.accuracy)]
    return [f"{name} {100 * share:.2f} %" for name, share in shares if share is not None]


def _ann(source: Source, data: Data, console: Console) -> float | None:
    if source.model is None or data.labels is None:
        return None
    with progress_bar(console, "ANN") as progress:
        return accuracy(ann.predictions(source.model, data.images, progress), data.labels)


def _snn(source: Source, data: Data) -> float | None:
    if source.conversion is None or data.labels is None:
        return None
    from onespike_hw.convert import float_model

    origin = source.conversion
    if source.net.graph is None:
        return accuracy(
            float_model.predict(origin.model, origin.calibration, data.images, **origin.options), data.labels
        )
    items = [float_model.predict(origin.model, origin.calibration, item, **origin.options) for item in data.images]
    return accuracy(np.stack(items), data.labels)

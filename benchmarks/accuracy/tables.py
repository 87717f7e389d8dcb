"""The results as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.accuracy.cases import COMPARED_AT, SWITCHES, TIMESTEPS, switched_at

Results = Mapping[str, Mapping[str, Any]]
TRAINED = "trained"
"""Key of the network as it was trained, beside those of the cases."""
_SWITCHED = {"convert's defaults": "INT8", **{title: title for title in SWITCHES}}
"""Title of a row -> title of its case."""


def tables(model: str, results: Results, images: int) -> str:
    """Loss by T and weights, and by switch; results by Case.key and TRAINED, accuracies 0..1."""
    trained = results[TRAINED]["accuracy"]
    widths = [("float", "float"), *((f"INT{bits}", f"INT{bits}") for bits in (8, 6, 4))]
    rows = [[str(steps), *_width_row(results, trained, steps, widths)] for steps in TIMESTEPS]
    head = ["T", *(f"{title}: loss" for title, _ in widths), "INT8, root base: loss", "Q", "spikes a neuron", "M SOPs"]
    switched = [
        [title, *(_switch_cell(results, trained, steps, key) for steps in switched_at(model))]
        for title, key in _SWITCHED.items()
    ]
    return "\n".join(
        [
            f"{model}, trained: {100 * trained:.2f} % of {images:,} images. Loss in points of accuracy.",
            "",
            *markdown(head, rows),
            "",
            "One option changed, INT8 weights: loss in points, M SOPs an image",
            "",
            *markdown(["", *(f"T = {steps}" for steps in switched_at(model))], switched),
            "",
        ]
    )


def switches_together(results: Mapping[str, Results]) -> str:
    """Loss by switch of several networks, by name, and its mean."""
    rows = []
    for title, key in _SWITCHED.items():
        losses = [_points(own[TRAINED]["accuracy"], own[f"T={COMPARED_AT}, {key}"]) for own in results.values()]
        rows.append([title, *(f"{loss:.2f}" for loss in (*losses, sum(losses) / len(losses)))])
    heading = f"One option changed, INT8 weights, T = {COMPARED_AT}: loss in points"
    return "\n".join([heading, "", *markdown(["", *results, "mean"], rows), ""])


def _width_row(results: Results, trained: float, steps: int, widths: Sequence[tuple[str, str]]) -> list[str]:
    own = results[f"T={steps}, INT8"]
    root = results[f"T={steps}, base root"]
    losses = [_loss(trained, results[f"T={steps}, {key}"]) for _, key in widths]
    return [
        *losses,
        _loss(trained, root),
        f"{own['base']:.3f}, {root['base']:.3f}",
        f"{own['spikes']:.3f}, {root['spikes']:.3f}",
        f"{own['sops'] / 1e6:.2f}, {root['sops'] / 1e6:.2f}",
    ]


def _switch_cell(results: Results, trained: float, steps: int, key: str) -> str:
    result = results[f"T={steps}, {key}"]
    return f"{_loss(trained, result)}, {result['sops'] / 1e6:.2f}"


def _loss(trained: float, result: Mapping[str, Any]) -> str:
    return f"{_points(trained, result):.2f}"


def _points(trained: float, result: Mapping[str, Any]) -> float:
    return 100 * float(trained - result["accuracy"])


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table."""
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]

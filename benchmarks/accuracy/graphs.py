"""The graph convolutional network on Debian packages: five trainings, T = 3, 4, 6, 8, and what the graph is worth.

    python -m benchmarks.accuracy.graphs

Prints the tables of docs/graph.md, and writes them to graphs.md in the folder of the results. Half a minute.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

import onespike_hw as oh
from examples.debian_packages.train import accuracy, fit
from onespike_hw.convert.float_model import predict
from onespike_hw.convert.text_graph import TextGraph, load_text_graph
from onespike_hw.convert.zoo import gcn_text, mlp_text
from onespike_hw.report.energy import FLOAT32_ADD, FLOAT32_MULTIPLY, Energy, energy, in_words
from onespike_hw.report.figures import count

TIMESTEPS = (3, 4, 6, 8)
SEEDS = (1, 2, 3, 4, 5)
NODE_BITS = (12, 14, 16, 18, 20, 24, 48)
NODE_BITS_AT = 6
BASES = ("optimal", "root")


@dataclass(frozen=True)
class Result:
    """One conversion of one trained network.

    snn, int8  accuracy on the held-out nodes, 0..1: float weights, and integers
    agreeing   share of all nodes on which the integers and the trained network predict the same
    logits     integers, in real units: float64 [nodes, classes]
    """

    snn: float
    int8: float
    agreeing: float
    base: float
    sops: float
    spikes: float
    multiplies: int
    logits: np.ndarray
    energy: Energy


def trained(seed: int, graph: TextGraph, *, with_graph: bool) -> nn.Module:
    torch.manual_seed(seed)
    return fit(gcn_text() if with_graph else mlp_text(), graph)


def measure(model: nn.Module, graph: TextGraph, timesteps: int, base: str, node_bits: int = 18) -> Result:
    features = graph.dense
    options = {"timesteps": timesteps, "base": base, "input_bits": 1, "node_bits": node_bits}
    net = oh.convert(model, features, **options)
    run = oh.golden.run(net, features, codes=False)
    figures = count(net, run, None)
    found = run.predictions[0]
    with torch.inference_mode():
        expected = model(torch.from_numpy(features)).argmax(1).numpy()
    return Result(
        snn=_share(predict(model, features, features, **options), graph),
        int8=_share(found, graph),
        agreeing=float((found == expected).mean()),
        base=net.base,
        sops=figures.sops,
        spikes=figures.spikes_per_neuron,
        multiplies=figures.multiplies,
        logits=run.logits[0] * run.scale,
        energy=energy(net, run),
    )


def _share(found: np.ndarray, graph: TextGraph) -> float:
    return float((found == graph.labels)[graph.test].mean())


def tables(models: Sequence[nn.Module], without: Sequence[nn.Module], graph: TextGraph) -> str:
    """models: trained with the graph, one a seed; without: on the words alone."""
    ann = np.array([accuracy(model, graph, graph.test) for model in models])
    mlp = np.array([accuracy(model, graph, graph.test) for model in without])
    lines = [
        f"{len(models)} trainings, {int(graph.test.sum())} held-out nodes: ANN {_percent(ann)}, "
        f"without the graph {_percent(mlp)}. Mean, and standard deviation over the trainings.",
        "",
        "| T | base | Q | SNN | SNN INT8 | loss, points | loss of each | same class, all nodes | spikes | SOPs |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for timesteps in TIMESTEPS:
        for base in BASES:
            found = [measure(model, graph, timesteps, base) for model in models]
            loss = 100 * (ann - np.array([result.int8 for result in found]))
            each = ", ".join(f"{points:.2f}" for points in loss)
            cells = (
                str(timesteps),
                base,
                f"{np.mean([result.base for result in found]):.3f}",
                _percent([result.snn for result in found]),
                _percent([result.int8 for result in found]),
                f"{loss.mean():.2f} ± {loss.std(ddof=1):.2f}",
                each,
                _percent([result.agreeing for result in found]),
                f"{np.mean([result.spikes for result in found]):.3f}",
                f"{np.mean([result.sops for result in found]):,.0f}",
            )
            lines.append("| " + " | ".join(cells) + " |")
    words = graph.features.nnz
    shipped = measure(models[0], graph, NODE_BITS_AT, "root")
    dense = shipped.multiplies
    lines += ["", f"The same network takes {dense:,} multiplies, or, where absent words are passed over,"]
    lines += [f"{dense - 32 * (graph.features.shape[1] * graph.nodes - words):,}.", ""]
    skipping = (dense - 32 * (graph.features.shape[1] * graph.nodes - words)) * (FLOAT32_MULTIPLY + FLOAT32_ADD) / 1e6
    lines += [f"Energy of a graph, seed {SEEDS[0]}, T = {NODE_BITS_AT}, root base:", ""]
    lines += [f"- {line}" for line in in_words(shipped.energy)]
    less = skipping / shipped.energy.snn_float32
    lines += [
        f"- a float32 ANN that passes over absent words: {skipping:.3g} uJ; the float32 SNN {less:.1f} times less",
        "",
    ]
    return "\n".join([*lines, *_node_bits_table(models, ann, graph), ""])


def _node_bits_table(models: Sequence[nn.Module], ann: np.ndarray, graph: TextGraph) -> list[str]:
    lines = [
        f"What a node sends, in bits (T = {NODE_BITS_AT}, root base); 48 bits round nothing here.",
        "",
        "| node_bits | loss, points | error of the logits against exact |",
        "| --- | --- | --- |",
    ]
    exact = [measure(model, graph, NODE_BITS_AT, "root", NODE_BITS[-1]) for model in models]
    for bits in NODE_BITS:
        found = [measure(model, graph, NODE_BITS_AT, "root", bits) for model in models]
        loss = 100 * (ann - np.array([result.int8 for result in found]))
        errors = [_error(one.logits, other.logits) for one, other in zip(found, exact, strict=True)]
        lines.append(f"| {bits} | {loss.mean():.2f} ± {loss.std(ddof=1):.2f} | {np.mean(errors):.5f} |")
    return lines


def _error(found: np.ndarray, expected: np.ndarray) -> float:
    """Root mean square of the difference, in parts of the expected logits' own."""
    return float(np.sqrt(np.square(found - expected).mean() / np.square(expected).mean()))


def _percent(shares: Sequence[float] | np.ndarray) -> str:
    return f"{100 * np.mean(shares):.2f} ± {100 * np.std(shares, ddof=1):.2f} %"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("build/bench-accuracy"), help="folder of the results")
    out = parser.parse_args().out
    torch.set_num_threads(1)
    graph = load_text_graph("debian-packages")
    models = [trained(seed, graph, with_graph=True) for seed in SEEDS]
    text = tables(models, [trained(seed, graph, with_graph=False) for seed in SEEDS], graph)
    out.mkdir(parents=True, exist_ok=True)
    (out / "graphs.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()

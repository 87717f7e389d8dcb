"""onespike-hw eval --wait-sweep: what neurons lose that do not wait for all of their input."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from rich.console import Console

from onespike_hw import golden
from onespike_hw.cli.console import listing, progress_bar
from onespike_hw.cli.sources import Data
from onespike_hw.network import INPUT, Network
from onespike_hw.report.figures import accuracy


@dataclass(frozen=True)
class Wait:
    """A network where every layer lags `wait` phases behind the one before it.

    accuracy  0..1; None where there are no labels
    spikes    an image
    noise     noise spikes of each layer that fires, an image
    phases    from the first phase of the first layer's spikes to the last one that the logits take in
    """

    wait: int
    accuracy: float | None
    spikes: float
    noise: Mapping[str, float]
    phases: int


def sweep(net: Network, data: Data, console: Console) -> Iterator[Wait]:
    """The network with every wait, on the same images."""
    for wait in range(net.timesteps):
        waiting = replace(net, wait=wait)
        with progress_bar(console, f"wait {wait}") as progress:
            run = golden.run(waiting, data.images, codes=False, progress=progress)
        yield Wait(
            wait=wait,
            accuracy=accuracy(run.predictions, data.labels),
            spikes=sum(float(np.mean(counts)) for counts in run.spikes.values()),
            noise={name: float(np.mean(counts)) for name, counts in run.noise_spikes.items()},
            phases=net.timesteps + wait * max(lags(net) - 1, 0),
        )


def lags(net: Network) -> int:
    """Layers that fire, one behind the other, on the longest way through the network."""
    depth = {INPUT: 0}
    for layer in net.layers:
        depth[layer.name] = layer.fires + max(depth[name] for name in layer.inputs)
    return depth[net.layers[-1].name]


def show(waits: list[Wait], console: Console) -> None:
    """Two tables: of each wait, and the noise spikes of each layer."""
    console.print(listing(("wait", "accuracy", "noise spikes", "of all spikes", "phases"), map(_row, waits), _RIGHT))
    console.print()
    columns = ("noise spikes of", *(f"wait {each.wait}" for each in waits))
    rows = ((name, *(f"{each.noise[name]:,.1f}" for each in waits)) for name in waits[0].noise)
    console.print(listing(columns, rows, frozenset(columns[1:])))


_RIGHT = frozenset(("wait", "accuracy", "noise spikes", "of all spikes", "phases"))


def _row(each: Wait) -> tuple[str, ...]:
    noise = sum(each.noise.values())
    share = noise / each.spikes if each.spikes else 0.0
    right = "" if each.accuracy is None else f"{100 * each.accuracy:.2f} %"
    return str(each.wait), right, f"{noise:,.1f}", f"{100 * share:.2f} %", str(each.phases)

"""The dense twin, the same trained network as an INT8 design of hls4ml, beside the accelerator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onespike_hw.report.accelerator import ResourceFacts, Speed
from onespike_hw.report.figures import Figures

if TYPE_CHECKING:
    from onespike_hw.dense_twin import DenseTwin

NOT_STATED = "not stated without Vitis"
"""What only the vendor's synthesis tells: hls4ml reads its report files, and estimates nothing itself."""


@dataclass(frozen=True)
class Line:
    """One line of the comparison, in words: of what, of the accelerator, of the twin."""

    what: str
    ours: str
    twin: str


@dataclass(frozen=True)
class LayerFacts:
    """A conv or linear layer of the twin: hls4ml's types, and counts by its reuse factor."""

    name: str
    weight: str
    result: str
    reuse_factor: int
    multipliers: int
    cycles: int


@dataclass(frozen=True)
class TwinFacts:
    """Lines of the comparison, layers of the twin, and the images on which both were evaluated."""

    lines: list[Line]
    layers: list[LayerFacts]
    images: int


def twin_facts(
    twin: DenseTwin, figures: Figures, lanes: int, speed: Speed, resources: Sequence[ResourceFacts]
) -> TwinFacts:
    """The comparison; figures, lanes, speed and resources are those of the accelerator, on the same images."""
    at_most = speed.clock_mhz * 1e6 / twin.cycles
    lines = [
        Line("accuracy", _percent(figures.accuracy), _percent(twin.accuracy)),
        Line("accuracy of the trained network", *2 * [_percent(twin.float_accuracy)]),
        Line("operations an image", f"{figures.sops:,.0f} additions (SOPs)", f"{figures.multiplies:,} multiplies"),
        Line("cycles an image", f"{speed.cycles:,}, estimated", f"at least {twin.cycles:,}"),
        Line(
            f"images a second at {speed.clock_mhz:g} MHz",
            f"{speed.images_per_second:,.0f}, estimated",
            f"at most {at_most:,.0f}",
        ),
        Line("at work in a cycle", f"{lanes:,} synapse lanes", f"{twin.multipliers:,} multipliers"),
        *(Line(resource.name, f"{resource.needed:,.0f}, estimated", NOT_STATED) for resource in resources),
        Line("latency", "not estimated", NOT_STATED),
    ]
    layers = [
        LayerFacts(each.name, str(each.weight), str(each.result), each.reuse_factor, each.multipliers, each.cycles)
        for each in twin.layers
    ]
    return TwinFacts(lines, layers, len(twin.logits))


def _percent(share: float | None) -> str:
    return "not known" if share is None else f"{100 * share:.2f} %"

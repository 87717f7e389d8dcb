"""The report: one HTML file that needs nothing else."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from numpy.typing import NDArray

from onespike_hw import golden, measured, resources
from onespike_hw.codegen import Design
from onespike_hw.convert.explain import input_meaning
from onespike_hw.measured import Placed
from onespike_hw.network import Int64
from onespike_hw.paths import LongestPath
from onespike_hw.report import accelerator, interface, network, pictures
from onespike_hw.report.figures import Figures, count, describe
from onespike_hw.report.twin import TwinFacts, twin_facts

if TYPE_CHECKING:
    from onespike_hw.dense_twin import DenseTwin


@dataclass(frozen=True, eq=False)
class Report:
    """All that the page shows.

    title, coding      for people
    figures            of the whole network on the images
    layers             of the network
    phases, maps, curves, weights  what the pictures show; maps None where no convolution fires
    stages, speed, resources       of the accelerator
    lanes, memory_bits             of the accelerator: synapse lanes, bits of weights
    meaning            of an input value, in words: one line, or one a channel where they differ
    pixel, logit       the streams at both ends
    twin               the dense twin beside the accelerator; None where none was built
    placed             what place and route measured; None where no bitstream was made with open tools
    paths              longest paths of logic, the longest first; None where they were not estimated
    """

    title: str
    part: str
    coding: str
    settled: bool
    graph: bool
    figures: Figures
    layers: list[network.LayerFacts]
    phases: list[network.PhaseShares]
    maps: network.SpikeMaps | None
    curves: list[network.CodingCurve]
    weights: list[network.WeightCounts]
    stages: list[accelerator.StageFacts]
    speed: accelerator.Speed
    resources: list[accelerator.ResourceFacts]
    lanes: int
    memory_bits: int
    meaning: list[str]
    pixel: interface.PixelFacts
    logit: interface.LogitFacts
    twin: TwinFacts | None = None
    placed: Placed | None = None
    paths: list[LongestPath] | None = None


def gather(
    design: Design,
    run: golden.Run,
    images: NDArray[Any],
    labels: Int64 | None,
    twin: DenseTwin | None = None,
    paths: list[LongestPath] | None = None,
) -> Report:
    """The facts of a design.

    run     golden run, with codes, of design.net
    images  of that run: [N, *net.input_shape], as golden.run took them
    labels  int64 [N]; None where nobody knows them
    twin    the dense twin on the same images
    paths   of the design's modules
    """
    net, plan, board = design.net, design.plan, design.board
    figures = count(net, run, labels)
    speed, resources = accelerator.speed(plan, board), accelerator.resource_facts(plan, board)
    return Report(
        title=board.title,
        part=board.part,
        coding=describe(net),
        settled=net.settled,
        graph=net.graph is not None,
        figures=figures,
        layers=network.layer_facts(net, run),
        phases=network.phase_shares(net, run),
        maps=network.spike_maps(net, run, golden.quantize_input(net, images[:1])),
        curves=network.coding_curves(net),
        weights=network.weight_counts(net),
        stages=accelerator.stage_facts(plan),
        speed=speed,
        resources=resources,
        lanes=plan.lanes,
        memory_bits=plan.weight_memory_bits,
        meaning=input_meaning(net),
        pixel=interface.pixel_facts(plan),
        logit=interface.logit_facts(plan),
        twin=None if twin is None else twin_facts(twin, figures, plan.lanes, speed, resources),
        placed=measured.placed(design.path),
        paths=paths,
    )


def render(report: Report) -> str:
    """The page. The same report gives the same text; nothing of the time, the user or the path goes in."""
    jinja = Environment(
        loader=FileSystemLoader(resources.templates() / "report"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
    )
    jinja.filters["span"] = _span
    drawn = {
        "maps": None if report.maps is None else _embedded(pictures.spike_maps(report.maps)),
        "phases": _embedded(pictures.phase_shares(report.phases)) if report.phases else None,
        "curves": _embedded(pictures.coding_curves(report.curves)) if report.curves else None,
        "weights": _embedded(pictures.weight_counts(report.weights)),
    }
    return jinja.get_template("report.html.j2").render(report=report, pictures=drawn)


def _embedded(svg: str) -> str:
    """A picture as the address of an <img>."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def _span(run: interface.PixelCode | interface.LogitScale) -> str:
    """Channels of a run, in words."""
    return str(run.first) if run.first == run.last else f"{run.first} to {run.last}"

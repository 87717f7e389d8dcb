"""Growth: one family of networks from ten thousand to a hundred million multiplies, from planning to simulation.

The family is the shipped CNN's, conv-conv-pool-conv-conv-pool-fc-fc, at growing widths with random weights, each on the
first board of BOARDS that holds it. LUTs are the planner's; the section planner sets those against yosys.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from torch import nn

import onespike_hw as oh
from benchmarks.accelerator.cases import case_of, folder
from onespike_hw.codegen.activity import Activity
from onespike_hw.codegen.area import plan_resources
from onespike_hw.codegen.design import Design
from onespike_hw.convert.datasets import load_calibration
from onespike_hw.errors import BoardError
from onespike_hw.simulation import play

SIZES = ((16, 1), (16, 2), (28, 2), (28, 4), (28, 8), (28, 16), (28, 32), (28, 64), (28, 76))
"""Pixels a side, and channels of the first convolution."""
BOARDS = ("pynq", "zcu104", "alveo-u250")
MOST_LANES = 1200
"""Designs with more lanes are not simulated: building the simulator takes minutes and gigabytes."""
GENERATION_SECONDS = 30
GOLDEN_IMAGES = 64


@dataclass(frozen=True)
class Point:
    """What was measured of one network; simulation: (seconds to build, seconds an image, cycles), or None."""

    multiplies: int
    board: str
    lanes: int
    luts: float
    planned_cycles: int
    generation: float
    golden: float
    simulation: tuple[float, float, float] | None


def family(channels: int) -> nn.Module:
    """conv c, conv c, pool, conv 2c, conv 2c, pool, fc 64, fc 10."""
    torch.manual_seed(5)

    def conv(inputs: int, outputs: int) -> list[nn.Module]:
        return [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()]

    first, second = [conv(1, channels), conv(channels, channels)], [conv(channels, 2 * channels)]
    second.append(conv(2 * channels, 2 * channels))
    layers = [*first[0], *first[1], nn.MaxPool2d(2), *second[0], *second[1], nn.MaxPool2d(2), nn.Flatten()]
    return nn.Sequential(*layers, nn.LazyLinear(64), nn.ReLU(), nn.Linear(64, 10)).eval()


def multiplies(net: oh.Network) -> int:
    """Dense multiplies of an image."""
    weighted = [layer for layer in net.layers if layer.weight is not None]
    return sum(layer.weight.size * int(np.prod(layer.shape[1:])) for layer in weighted if layer.weight is not None)


def points(images: int) -> Iterator[Point]:
    calibration = load_calibration("fashion-mnist")
    for side, channels in SIZES:
        edge = (calibration.shape[-1] - side) // 2
        seen = calibration[:, :, edge : edge + side, edge : edge + side]
        model = family(channels)
        model(torch.from_numpy(seen[:1]))
        net = oh.convert(model, seen[:128], timesteps=8, base=2**0.5, sparsity=0.0, calibrate=False, percentile=100.0)
        yield measure(net, seen[128:], images)


def measure(net: oh.Network, images: NDArray[np.float32], played: int) -> Point:
    """Plan, emit, run the golden model and, where it is not too large, Verilator, whose every bit is compared."""
    case = case_of(net, images[:32], images)
    design, seconds = _generated(net, case.activity)
    oh.golden.run(net, images[:1])
    began = time.perf_counter()
    oh.golden.run(net, images[:GOLDEN_IMAGES], codes=False)
    golden_seconds = (time.perf_counter() - began) / GOLDEN_IMAGES
    plan = design.plan
    return Point(
        multiplies(net),
        design.board.name,
        plan.lanes,
        plan_resources(plan).luts,
        max(engine.estimated_cycles for engine in plan.engines),
        seconds,
        golden_seconds,
        _simulated(design, images[:played]) if plan.lanes <= MOST_LANES else None,
    )


def _generated(net: oh.Network, activity: dict[str, Activity]) -> tuple[Design, float]:
    """On the first board that holds it; how long planning and emitting took on that board."""
    for board in BOARDS[:-1]:
        began = time.perf_counter()
        try:
            design = oh.generate(net, board, folder("growth"), force=True, activity=activity)
        except BoardError:
            continue
        return design, time.perf_counter() - began
    began = time.perf_counter()
    design = oh.generate(net, BOARDS[-1], folder("growth"), force=True, activity=activity)
    return design, time.perf_counter() - began


def _simulated(design: Design, images: NDArray[np.float32]) -> tuple[float, float, float]:
    integers = oh.golden.quantize_input(design.net, images)
    began = time.perf_counter()
    built = design.simulator("verilator", folder("growth-work"))
    building = time.perf_counter() - began
    began = time.perf_counter()
    result = play(design.plan, built, integers)
    seconds = (time.perf_counter() - began) / len(images)
    expected = oh.golden.run(design.net, integers)
    difference = oh.golden.first_difference(design.net, expected, result.codes, result.logits)
    if difference is not None:
        raise ValueError(str(difference))
    return building, seconds, result.interval


def _table(measured: list[Point], images: int) -> Table:
    table = Table("multiplies", "board", "lanes", "LUTs, planned", "cycles, planned", "cycles", "generation")
    for head in ("golden, an image", "Verilator's build", "simulation, an image"):
        table.add_column(head)
    table.title = f"growth; {images} images on Verilator, bit-exact"
    for point in measured:
        build, image, cycles = point.simulation or (None, None, None)
        table.add_row(
            f"{point.multiplies:,}",
            point.board,
            f"{point.lanes:,}",
            f"{point.luts:,.0f}",
            f"{point.planned_cycles:,}",
            f"above {MOST_LANES:,} lanes" if cycles is None else f"{cycles:,.0f}",
            f"{point.generation:.2f} s",
            f"{point.golden * 1e3:.2f} ms",
            "" if build is None else f"{build:.0f} s",
            "" if image is None else f"{image:.3f} s",
        )
    return table


def plot(measured: list[Point], path: Path) -> None:
    """Cycles, LUTs, and seconds for generation, golden model and simulation, against multiplies, as a PNG."""
    mpl.use("Agg")
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    cycles, luts, seconds = figure.subplots(1, 3)
    sizes = [point.multiplies for point in measured]
    played = [point for point in measured if point.simulation is not None]
    played_sizes = [point.multiplies for point in played]
    cycles.plot(sizes, [point.planned_cycles for point in measured], "o-", label="planned")
    cycles.plot(played_sizes, [point.simulation[2] for point in played if point.simulation], "x--", label="simulated")
    cycles.set_ylabel("cycles an image")
    luts.plot(sizes, [point.luts for point in measured], "o-", label="planned")
    luts.set_ylabel("LUTs")
    seconds.plot(sizes, [point.generation for point in measured], "o-", label="generation")
    seconds.plot(sizes, [point.golden for point in measured], "s-", label="golden, an image")
    seconds.plot(played_sizes, [point.simulation[0] for point in played if point.simulation], "^-", label="build")
    seconds.plot(
        played_sizes, [point.simulation[1] for point in played if point.simulation], "x-", label="Verilator, an image"
    )
    seconds.axhline(GENERATION_SECONDS, color="grey", linestyle=":", label="30 s")
    seconds.set_ylabel("seconds")
    for axes in (cycles, luts, seconds):
        axes.set(xscale="log", yscale="log", xlabel="multiplies an image")
        axes.grid(alpha=0.3)
        axes.legend(fontsize=7)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def run(console: Console, images: int) -> None:
    measured = []
    for point in points(images):
        measured.append(point)
        console.print(f"[dim]{point.multiplies:,} multiplies: measured[/dim]")
    console.print(_table(measured, images))
    slowest = max(point.generation for point in measured)
    console.print(f"slowest generation {slowest:.2f} s, to compare with {GENERATION_SECONDS} s")
    path = folder("growth.png")
    plot(measured, path)
    console.print(f"plotted in {path}")

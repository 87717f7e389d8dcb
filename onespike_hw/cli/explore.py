"""onespike-hw explore: what phases, bases, weight bits and boards give, side by side."""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from itertools import product
from pathlib import Path

from rich.console import Console

import onespike_hw as oh
from onespike_hw import golden
from onespike_hw.cli.console import listing, progress_bar, step
from onespike_hw.cli.files import check_file, write_file
from onespike_hw.cli.sources import Conversion, Data, load_conversion, load_data
from onespike_hw.codegen.activity import Activity
from onespike_hw.codegen.board import Board, load_board
from onespike_hw.codegen.planner import plan_network
from onespike_hw.errors import BoardError, ConversionError
from onespike_hw.report.accelerator import resource_facts, speed
from onespike_hw.report.figures import count


@dataclass(frozen=True)
class Choice:
    """Options of a conversion."""

    timesteps: int
    base: str | float
    weight_bits: int


@dataclass(frozen=True)
class Point:
    """One combination, and what it gives; None for what was not reached.

    base      as it was asked for
    q         Q as it was chosen; None also where every layer has its own
    accuracy  of the SNN INT8 in the golden model, 0..1; None also where there are no labels
    spikes    per neuron, 0..1
    sops      synaptic operations an image
    lanes, cycles, images_per_second  of the planned accelerator, as the cost model sees it
    luts, brams, dsps                 it needs, estimated; brams in blocks of the board
    note      why there is no conversion, or no plan
    """

    timesteps: int
    base: str
    weight_bits: int
    board: str
    q: float | None = None
    accuracy: float | None = None
    spikes: float | None = None
    sops: float | None = None
    lanes: int | None = None
    cycles: int | None = None
    images_per_second: float | None = None
    luts: float | None = None
    brams: float | None = None
    dsps: float | None = None
    note: str = ""


def run(args: argparse.Namespace, console: Console) -> int:
    boards = [load_board(name) for name in args.board]
    if args.csv is not None:
        check_file(Path(args.csv), force=args.force)
    choices = [Choice(*each) for each in product(args.timesteps, args.base, args.weight_bits)]
    conversion = load_conversion(args)
    data = load_data(args, conversion.sample_shape).first(args.images)
    step(console, f"{len(choices)} networks on {len(data.images):,} images: {data.name}")
    points: list[Point] = []
    with progress_bar(console, "exploring") as progress:
        for done, choice in enumerate(choices, start=1):
            points += explore(conversion, choice, data, boards)
            progress(done, len(choices))
    if all(point.sops is None for point in points):
        raise ConversionError(points[0].note)
    console.print(listing(_COLUMNS, map(_row, points), _RIGHT))
    if args.csv is not None:
        write_file(Path(args.csv), table(points))
    return 0


def explore(conversion: Conversion, choice: Choice, data: Data, boards: Sequence[Board]) -> list[Point]:
    """One point a board. What cannot be converted, or does not fit a board, says so in `note`."""
    points = [Point(choice.timesteps, str(choice.base), choice.weight_bits, board.name) for board in boards]
    try:
        net = conversion.convert(timesteps=choice.timesteps, base=choice.base, weight_bits=choice.weight_bits)
    except ConversionError as error:
        return [replace(point, note=str(error)) for point in points]
    figures = count(net, golden.run(net, data.images, codes=False), data.labels)
    own_bases = any(layer.phase_constants is not None for layer in net.layers)
    counted = [
        replace(
            point,
            q=None if own_bases else net.base,
            accuracy=figures.accuracy,
            spikes=figures.spikes_per_neuron,
            sops=figures.sops,
        )
        for point in points
    ]
    return [_planned(point, net, board, figures.densities) for point, board in zip(counted, boards, strict=True)]


def _planned(point: Point, net: oh.Network, board: Board, densities: dict[str, float]) -> Point:
    try:
        plan = plan_network(net, board, {name: Activity(density) for name, density in densities.items()})
    except BoardError as error:
        return replace(point, note=str(error))
    pace = speed(plan, board)
    luts, brams, dsps = (resource.needed for resource in resource_facts(plan, board))
    return replace(
        point,
        lanes=plan.lanes,
        cycles=pace.cycles,
        images_per_second=pace.images_per_second,
        luts=luts,
        brams=brams,
        dsps=dsps,
    )


def table(points: Sequence[Point]) -> str:
    """The points as CSV with a head; what was not reached is empty."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, [field.name for field in fields(Point)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(point) for point in points)
    return stream.getvalue()


_COLUMNS = (
    *("T", "base", "Q", "bits", "board", "accuracy", "spikes", "SOPs"),
    *("lanes", "cycles", "images/s", "LUTs", "BRAMs", "DSPs", "note"),
)
_RIGHT = frozenset(_COLUMNS) - {"base", "board", "note"}


def _row(point: Point) -> tuple[str, ...]:
    return (
        str(point.timesteps),
        point.base,
        _say(point.q, "{:.4g}"),
        str(point.weight_bits),
        point.board,
        _say(None if point.accuracy is None else 100 * point.accuracy, "{:.2f} %"),
        _say(point.spikes, "{:.3f}"),
        _say(point.sops, "{:,.0f}"),
        _say(point.lanes, "{:,}"),
        _say(point.cycles, "{:,}"),
        _say(point.images_per_second, "{:,.0f}"),
        _say(point.luts, "{:,.0f}"),
        _say(point.brams, "{:,g}"),
        _say(point.dsps, "{:,.0f}"),
        point.note,
    )


def _say(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)

"""onespike-hw report: one HTML file that shows an emitted design to a person."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

import onespike_hw as oh
from onespike_hw import golden
from onespike_hw.cli.console import listing, progress_bar, step, summary
from onespike_hw.cli.files import check_file, write_file
from onespike_hw.cli.sources import Data, load_calibration, load_data, load_model, model_name
from onespike_hw.errors import InputError

if TYPE_CHECKING:
    from onespike_hw.dense_twin import DenseTwin
    from onespike_hw.paths import LongestPath
    from onespike_hw.report.twin import TwinFacts

REPORT = "report.html"


def run(args: argparse.Namespace, console: Console) -> int:
    from onespike_hw.report import page

    design = oh.load_design(args.folder)
    out = Path(args.out or design.path / REPORT)
    check_file(out, force=args.force)
    data = load_data(args, design.net.sample_shape).first(args.images)
    twin = _twin(args, design, data, console)
    paths = _paths(design, console) if args.paths else None
    step(console, f"counting on {len(data.images):,} images")
    with progress_bar(console, "golden model") as progress:
        result = golden.run(design.net, data.images, progress=progress)
    report = page.gather(design, result, data.images, data.labels, twin, paths)
    write_file(out, page.render(report))
    console.print(summary([("images", f"{len(data.images):,}: {data.name}"), ("report", str(out))]))
    if paths:
        console.print(
            f"{paths[0].nanoseconds:.2f} ns of logic in the longest path, of {paths[0].module}; routing is not in it"
        )
    if report.twin is not None:
        _print_comparison(report.twin, console)
    return 0


def _paths(design: oh.Design, console: Console) -> list[LongestPath]:
    from onespike_hw.paths import longest_paths

    step(console, "following the longest paths of logic with yosys")
    with progress_bar(console, "modules") as progress:
        return longest_paths(design, progress)


def _twin(args: argparse.Namespace, design: oh.Design, data: Data, console: Console) -> DenseTwin | None:
    """The dense twin on the images, where it is asked for; its hls4ml project is not kept."""
    if not args.dense_twin:
        if args.model is not None or args.calibration is not None:
            raise InputError("--model and --calibration: only the dense twin needs them; add --dense-twin")
        return None
    from onespike_hw import dense_twin

    name = model_name(args)
    if data.labels is None or data.images.dtype.kind != "f":
        raise InputError(
            f"{data.name}: the dense twin needs float images, as {name} takes them, and labels; "
            "give a .npz file with both, or leave out --dense-twin"
        )
    model, calibration = load_model(name), load_calibration(name, args)
    dense_twin.check_origin(design.net, model, calibration, name)
    step(console, "building the dense twin with hls4ml, and compiling its C model with g++")
    with progress_bar(console, "C model of hls4ml") as progress, tempfile.TemporaryDirectory() as folder:
        return dense_twin.build(
            model,
            calibration,
            data.images,
            data.labels,
            out=folder,
            multipliers=design.board.usable_dsps,
            progress=progress,
        )


def _print_comparison(twin: TwinFacts, console: Console) -> None:
    rows = ((line.what, line.ours, line.twin) for line in twin.lines)
    console.print(listing(("", "this design", "dense twin, INT8 by hls4ml"), rows))

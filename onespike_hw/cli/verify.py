"""onespike-hw verify: many images through an emitted Verilog design, in chunks that need no second run."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from rich.console import Console

import onespike_hw as oh
from onespike_hw.cli.check import Check, verdict
from onespike_hw.cli.console import progress_bar, step, summary
from onespike_hw.cli.sources import load_data
from onespike_hw.errors import SimulatorError
from onespike_hw.report.figures import describe


def run(args: argparse.Namespace, console: Console) -> int:
    from rtl_sim import campaign

    design = oh.load_design(args.folder)
    if design.backend != "verilog":
        raise SimulatorError(f"{design.path}: holds C++; play its images with onespike-hw sim")
    data = load_data(args, design.net.sample_shape).first(args.images)
    integers = oh.golden.quantize_input(design.net, data.images)
    work = Path(args.work or f"{design.path}-verify")
    step(console, f"comparing {len(integers):,} images in chunks of {args.chunk}, {args.jobs} side by side, in {work}")
    began = time.perf_counter()
    with progress_bar(console, "images compared") as progress:
        found = campaign.run(
            design,
            integers,
            work,
            simulator=args.simulator,
            chunk=args.chunk,
            jobs=args.jobs,
            progress=progress,
        )
    seconds = time.perf_counter() - began
    played = max(found.images - found.earlier, 0)
    rate = f", {played / seconds:.1f} images a second" if played else ""
    check = Check(
        f"{found.cycles:,.0f} an image",
        f"codes and logits of all layers, {found.images:,} images, on {args.simulator}",
        found.difference,
    )
    rows = [
        ("network", describe(design.net)),
        ("board", f"{design.board.title}, {design.board.part}"),
        ("images", f"{len(integers):,}: {data.name}"),
        ("cycles", check.cycles),
        ("check", check.compared),
        ("time", f"{seconds:.0f} s, build of the simulator included{rate}; {found.earlier:,} images in earlier runs"),
    ]
    console.print(summary(rows))
    return verdict(check, console)

"""onespike-hw report: one HTML file that shows an emitted design to a person."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

import onespike_hw as oh
from onespike_hw import golden
from onespike_hw.cli.console import progress_bar, step, summary
from onespike_hw.cli.files import check_file, write_file
from onespike_hw.cli.sources import load_data

REPORT = "report.html"


def run(args: argparse.Namespace, console: Console) -> int:
    from onespike_hw.report import page

    design = oh.load_design(args.folder)
    out = Path(args.out or design.path / REPORT)
    check_file(out, force=args.force)
    data = load_data(args, design.net.input_shape).first(args.images)
    step(console, f"counting on {len(data.images):,} images")
    with progress_bar(console, "golden model") as progress:
        result = golden.run(design.net, data.images, progress=progress)
    write_file(out, page.render(page.gather(design, result, data.images, data.labels)))
    console.print(summary([("images", f"{len(data.images):,}: {data.name}"), ("report", str(out))]))
    return 0

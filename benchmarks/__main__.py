"""The accelerator and its tools, measured in one run, each figure beside what it is compared with.

    python -m benchmarks                            all of it
    python -m benchmarks speed sparsity             some of it
    python -m benchmarks --sections speed,sparsity  the same

Everything is generated, simulated and synthesised in this run, except where a table says that it was kept. A section
that fails is named at the end and does not stop the others; the exit code is then 1. Needs Verilator and yosys; the
section peers needs the extra `bench`, clock the extra `open`.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from dataclasses import dataclass

from rich.console import Console


@dataclass(frozen=True)
class Section:
    """module: what has run(console, images); images: how many it plays unless told; about: what it prints."""

    module: str
    images: int
    about: str


SECTIONS = {
    "speed": Section("benchmarks.accelerator.speed", 100, "cycles, latency, utilisation and area of the shipped CNN"),
    "sparsity": Section("benchmarks.accelerator.sparsity", 20, "cycles against spikes, images thinned out"),
    "planner": Section("benchmarks.accelerator.planner", 12, "the planner against simulator and yosys"),
    "timing": Section("benchmarks.accelerator.timing", 0, "longest paths of logic as yosys estimates them for xc7"),
    "clock": Section("benchmarks.accelerator.clock", 0, "the clock on an ECP5, placed and routed"),
    "peers": Section("benchmarks.peers.table", 20, "nngen, da4ml and hls4ml on the CNN and an MLP"),
    "simulation": Section("benchmarks.simulation_speed", 200, "images a second on Verilator, all layers compared"),
    "golden": Section("benchmarks.golden_speed", 1000, "the golden model against the float network under torch"),
    "growth": Section("benchmarks.growth", 4, "from 10 thousand to 100 million multiplies"),
}


def _parser() -> argparse.ArgumentParser:
    sections = "\n".join(f"  {name:<12}{section.about}" for name, section in SECTIONS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        epilog=f"sections:\n{sections}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="SECTION", help="one of those below (all)")
    parser.add_argument("--sections", default="", metavar="NAME,..", help="the same as a list")
    parser.add_argument("--images", type=int, help="test images that are played")
    return parser


def main() -> int:
    parser = _parser()
    args = parser.parse_args()
    names = [*args.names, *filter(None, args.sections.split(","))] or list(SECTIONS)
    unknown = [name for name in names if name not in SECTIONS]
    if unknown:
        parser.error(f"no section {unknown[0]!r}; there are {', '.join(SECTIONS)}")
    if args.images is not None and args.images < 1:
        parser.error(f"{args.images} images are too few; play at least 1")
    console = Console(width=150, highlight=False)
    failed = [name for name in names if not _measured(name, console, args.images)]
    console.rule()
    console.print(f"failed: {', '.join(failed)}" if failed else f"measured: {', '.join(names)}")
    return 1 if failed else 0


def _measured(name: str, console: Console, images: int | None) -> bool:
    """Run one section; False, and why on the console, where it fails."""
    section = SECTIONS[name]
    console.rule(f"{name}: {section.about}")
    began = time.perf_counter()
    try:
        importlib.import_module(section.module).run(console, images or section.images)
    except Exception as error:  # whatever it is, the other sections are worth having
        way_out = "; pip install 'onespike-hw[bench]' brings it" if isinstance(error, ModuleNotFoundError) else ""
        console.print(f"{name} failed: {type(error).__name__}: {error}{way_out}", style="bold red", markup=False)
        return False
    console.print(f"[dim]{name}: {time.perf_counter() - began:.0f} s[/dim]")
    return True


if __name__ == "__main__":
    sys.exit(main())

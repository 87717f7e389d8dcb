"""The accelerator, measured: speed and utilisation, area, cycles against spikes, the planner against the truth.

    python -m benchmarks                  all of it
    python -m benchmarks speed sparsity   some of it

Everything is generated, simulated and synthesised in this run; needs Verilator and yosys.
"""

from __future__ import annotations

import argparse

from rich.console import Console

from benchmarks.accelerator import planner, sparsity, speed

SECTIONS = {"speed": (speed.run, 100), "sparsity": (sparsity.run, 20), "planner": (planner.run, 12)}
"""What there is, and how many images each plays unless told."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = ", ".join(SECTIONS)
    parser.add_argument("sections", nargs="*", metavar="SECTION", choices=[*SECTIONS, []], help=f"of {names} (all)")
    parser.add_argument("--images", type=int, help="test images that are played")
    args = parser.parse_args()
    console = Console(width=150)
    for name in args.sections or SECTIONS:
        section, images = SECTIONS[name]
        console.rule(name)
        section(console, args.images or images)


if __name__ == "__main__":
    main()

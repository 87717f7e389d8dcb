"""How fast Verilator plays the shipped CNN with all layers compared, and how long 1,000 images take (make verify)."""

from __future__ import annotations

import os
import shutil
import time

from rich.console import Console
from rich.table import Table

import onespike_hw as oh
from benchmarks.accelerator.cases import folder, shipped_cnn
from onespike_hw.errors import SimulatorError
from rtl_sim import campaign

VERIFIED = 1000
"""Images of make verify, and the minutes that they may take."""
MINUTES = 20


def run(console: Console, images: int) -> None:
    case = shipped_cnn(images)
    design = oh.generate(case.net, "pynq", folder("simulation"), force=True, activity=case.activity)
    integers = oh.golden.quantize_input(case.net, case.images)
    work = folder("simulation-work")
    shutil.rmtree(work, ignore_errors=True)
    began = time.perf_counter()
    design.simulator("verilator", work / "verilator")
    build = time.perf_counter() - began
    table = Table("chunks side by side", "images a second", f"{VERIFIED:,} images", "to compare with")
    table.title = f"{images} images, codes and logits of all layers compared; simulator built in {build:.0f} s"
    for jobs in sorted({1, os.cpu_count() or 1}):
        shutil.rmtree(work / "compared", ignore_errors=True)
        began = time.perf_counter()
        verdict = campaign.run(design, integers, work, chunk=max(1, images // 4), jobs=jobs)
        rate = images / (time.perf_counter() - began)
        if verdict.difference is not None:
            raise SimulatorError(str(verdict.difference))
        minutes = (build + VERIFIED / rate) / 60
        table.add_row(str(jobs), f"{rate:.1f}", f"{minutes:.1f} min, with the build", f"{MINUTES} min on 2 cores")
    console.print(table)

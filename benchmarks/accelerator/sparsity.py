"""Cycles against spikes: images that are thinned out take fewer of both."""

from __future__ import annotations

import numpy as np
from rich.console import Console
from rich.table import Table

import onespike_hw as oh
from benchmarks.accelerator.cases import folder, shipped_cnn
from benchmarks.accelerator.speed import play

DENSITIES = (1.0, 0.75, 0.5, 0.25, 0.1)


def run(console: Console, images: int) -> None:
    case = shipped_cnn(images)
    design = play(case, "speed").design
    rng = np.random.default_rng(1)
    table = Table("pixels kept", "SOPs/image", "cycles", "cycles needed", "ratio", title="cycles follow the spikes")
    full = None
    for density in DENSITIES:
        thinned = (case.images * (rng.random(case.images.shape) < density)).astype(np.float32)
        golden = oh.golden.run(case.net, thinned)
        result = oh.simulate(design, thinned, work=folder("speed-work"))
        sops = sum(float(golden.sops[e.layer.name].mean()) for e in design.plan.counted)
        needed = max(float(golden.sops[e.layer.name].mean()) / e.weights_per_cycle for e in design.plan.counted)
        full = full or result.interval / needed
        table.add_row(
            f"{density:.0%}",
            f"{sops:,.0f}",
            f"{result.interval:,.0f}",
            f"{full * needed:,.0f}",
            f"{result.interval / (full * needed):.2f}",
        )
    console.print(table)

"""Cycles, latency and utilisation of the shipped CNN, with what every engine does with its clocks."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

import onespike_hw as oh
from benchmarks.accelerator.area import Area, synthesise
from benchmarks.accelerator.cases import Case, folder, shipped_cnn
from onespike_hw.codegen.board import load_board
from onespike_hw.codegen.design import Design
from onespike_hw.errors import SimulatorError
from onespike_hw.simulation import SimulationResult

ALONE = 10
"""Images that are played one by one, each into an empty pipeline, at most."""

DENSE_CYCLES = 10_700
"""A dense INT8 design that keeps all 220 DSP slices of the xc7z020 busy with two multiplies each."""


@dataclass(frozen=True)
class Measured:
    """A design, what it did, and whether it was right."""

    case: Case
    design: Design
    run: oh.golden.Run
    result: SimulationResult


def play(case: Case, name: str, board: str = "pynq") -> Measured:
    """Generate with counters, play the images on Verilator, and compare every bit."""
    design = oh.generate(case.net, board, folder(name), force=True, activity=case.activity, counters=True)
    run = oh.golden.run(case.net, case.images)
    result = oh.simulate(design, case.images, work=folder(f"{name}-work"))
    difference = oh.golden.first_difference(case.net, run, result.codes, result.logits)
    if difference is not None:
        raise SimulatorError(str(difference))
    return Measured(case, design, run, result)


def layer_utilisation(measured: Measured, name: str) -> float:
    """Weights added / (clocks * weights that could have been added), in steady state."""
    engine = next(e for e in measured.design.plan.engines if e.layer.name == name)
    return float(measured.run.sops[name].mean()) / (measured.result.interval * engine.weights_per_cycle)


def utilisation(measured: Measured) -> float:
    """The same over all lanes."""
    plan = measured.design.plan
    sops = sum(float(measured.run.sops[engine.layer.name].mean()) for engine in plan.counted)
    return sops / (measured.result.interval * plan.weights_per_cycle)


def _area_table(measured: Measured, area: Area) -> Table:
    plan, board = measured.design.plan, load_board("pynq")
    table = Table("resource", "yosys", "share", "budget", title=f"{board.title}, counted by yosys synth_xilinx")
    table.add_row("LUTs", f"{area.luts:,}", f"{area.luts / board.luts:.1%}", f"{board.lut_budget:.0%}")
    table.add_row("block RAM", f"{area.brams:g}", f"{area.brams / board.bram_blocks:.1%}", f"{board.bram_budget:.0%}")
    table.add_row("DSP slices", f"{area.dsps}", f"{area.dsps / board.dsps:.1%}", f"{board.dsp_budget:.0%}")
    table.add_row("LUTs a weight a cycle", f"{area.luts / plan.weights_per_cycle:.1f}", "", "45")
    return table


def _layer_table(measured: Measured) -> Table:
    kinds = {
        "pairs": "two",
        "singles": "one (odd)",
        "empty": "none",
        "drain_waits": "drain",
        "room_waits": "back-pressure",
        "starved": "starved",
    }
    table = Table("layer", "engines x lanes", "weights/cycle", "SOPs/image", "utilisation", *kinds.values())
    table.title = "clocks of the engines, filling and emptying of the pipeline included"
    for engine in measured.design.plan.counted:
        name = engine.layer.name
        counts = measured.result.counts[name]
        total = sum(counts.values())
        table.add_row(
            name,
            f"{engine.engines} x {engine.lanes}",
            str(engine.weights_per_cycle),
            f"{measured.run.sops[name].mean():,.0f}",
            f"{layer_utilisation(measured, name):.3f}",
            *(f"{counts[kind] / total:.1%}" for kind in kinds),
        )
    return table


def run(console: Console, images: int) -> None:
    case = shipped_cnn(images)
    measured = play(case, "speed")
    plain = oh.generate(case.net, "pynq", folder("area"), force=True, activity=case.activity)
    area = synthesise(plain)
    result, plan = measured.result, measured.design.plan
    slowest = max(plan.counted, key=lambda e: measured.run.sops[e.layer.name].mean() / e.weights_per_cycle)
    console.print(_layer_table(measured))
    console.print(_area_table(measured, area))
    clock = measured.design.board.clock_mhz * 1e6
    table = Table("shipped CNN, T = 8", "measured", "to compare with", title=f"{images} test images, bit-exact")
    table.add_row("cycles an image", f"{result.interval:,.0f}", f"{DENSE_CYCLES:,} dense, all DSP slices busy")
    table.add_row("images a second", f"{clock / result.interval:,.0f}", f"at {clock / 1e6:g} MHz")
    alone = [
        oh.simulate(measured.design, image[None], work=folder("speed-work")).latency for image in case.images[:ALONE]
    ]
    table.add_row(
        f"latency of one image, mean of {len(alone)} (worst)",
        f"{sum(alone) / len(alone):,.0f} ({max(alone):,})",
        f"{2 * result.interval:,.0f} = two intervals",
    )
    table.add_row(
        f"utilisation, slowest layer ({slowest.layer.name})",
        f"{layer_utilisation(measured, slowest.layer.name):.3f}",
        "0.85",
    )
    table.add_row("utilisation, all lanes", f"{utilisation(measured):.3f}", "0.75")
    table.add_row("cycles, planned", f"{max(e.estimated_cycles for e in plan.engines):,}", "")
    console.print(table)

"""The accelerator beside nngen, da4ml and hls4ml: cycles on the same simulator, counts by the same yosys command.

What is measured in this run: all of the accelerator's; nngen's cycles at the options of MEASURED, of which the logits
are compared with its own model; all of da4ml's. nngen's counts, and its cycles at other options, take hours and are
kept in benchmarks/data/peers.toml. hls4ml's figures are counted from the loops of its C model.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from rich.console import Console
from rich.table import Table
from torch import nn

import onespike_hw as oh
from benchmarks.accelerator.area import Area, synthesise
from benchmarks.accelerator.cases import (
    VECTOR_IMAGES,
    Case,
    case_of,
    folder,
    random_mlp,
    random_net,
    root_net,
    shipped_cnn,
    test_images,
)
from benchmarks.peers import da4ml_peer, kept, nngen_peer
from benchmarks.peers.shapes import CNN, MLP
from onespike_hw import dense_twin
from onespike_hw.codegen.board import load_board
from onespike_hw.convert import zoo
from onespike_hw.convert.datasets import load_calibration, load_images
from onespike_hw.errors import SimulatorError

MEASURED = {CNN.name: nngen_peer.Options(4, 4), MLP.name: nngen_peer.Options(8, 8)}
AIM = 15
"""Times fewer cycles than nngen, at no more LUTs and DSP slices."""
TWIN_IMAGES = 20


@dataclass(frozen=True)
class Row:
    """cycles of an image in steady state; area None where nobody states it; source: where the figures come from."""

    network: str
    generator: str
    cycles: float
    area: Area | None
    source: str


def ours(name: str, case: Case, dsps: int | None = None) -> Row:
    """Generated, compared bit by bit, and synthesised in this run; with so many DSP slices at most."""
    board, about = load_board("pynq"), f"onespike-hw, {case.net.timesteps} phases"
    if dsps is not None:
        board = replace(board, dsp_budget=min(board.dsp_budget, dsps / board.dsps))
        about = f"{about}, at most {dsps} DSP"
    design = oh.generate(case.net, board, folder("peer-ours"), force=True, activity=case.activity)
    result = oh.simulate(design, case.images)
    expected = oh.golden.run(case.net, case.images)
    difference = oh.golden.first_difference(case.net, expected, result.codes, result.logits)
    if difference is not None:
        raise SimulatorError(str(difference))
    return Row(name, about, result.interval, synthesise(design), "this run")


def nngen_rows(name: str, key: str) -> Iterator[Row]:
    """The options of MEASURED, simulated in this run, and what was kept of others."""
    options, shape = MEASURED[name], kept.NAMES[key]
    cycles = nngen_peer.cycles(nngen_peer.emit(shape, options, folder(f"peer-nngen-{key}")))
    earlier = [entry for entry in kept.read() if entry.network == key]
    same = [entry for entry in earlier if entry.options == str(options)]
    for entry in same:
        if entry.cycles != cycles:
            raise SimulatorError(f"nngen: {cycles} cycles, {entry.cycles} were kept; run {entry.command} again")
    area = next((_area(entry) for entry in same), None)
    date = "" if area is None else f"; counts kept {same[0].date}"
    yield Row(name, f"nngen, {options}", cycles, area, f"cycles this run{date}")
    for entry in earlier:
        if entry not in same:
            yield Row(name, f"nngen, {entry.options}", entry.cycles, _area(entry), f"kept {entry.date}")


def beside_nngen(name: str, key: str, case: Case) -> Iterator[Row]:
    """Ours as fast as the board allows, nngen's, and ours at no more DSP slices than those."""
    yield ours(name, case)
    for row in nngen_rows(name, key):
        yield row
        if row.area is not None:
            yield ours(name, case, row.area.dsps)


def _area(entry: kept.Kept) -> Area | None:
    return Area(entry.luts, 0, entry.brams, entry.dsps) if entry.counted else None


def hls4ml_row(name: str) -> Row:
    """What its loops take at the least, with the DSP slices of the chip as multipliers; its C model runs."""
    calibration = load_calibration("fashion-mnist")
    images, labels = load_images("fashion-mnist")
    model = zoo.load_model("fashion-cnn")
    few = images[:TWIN_IMAGES], labels[:TWIN_IMAGES]
    twin = dense_twin.build(model, calibration, *few, out=folder("peer-hls4ml"))
    return Row(
        name,
        f"hls4ml 1.3.0, {twin.multipliers} multipliers",
        twin.cycles,
        None,
        "cycles at the least, counted from its loops in this run; it states no counts without Vitis",
    )


def small_mlp(images: int) -> Case:
    """49-32-10 on every fourth pixel."""
    few, tests = load_calibration("fashion-mnist")[:, :, ::4, ::4], test_images(images)[:, :, ::4, ::4]
    model = random_net(nn.Flatten(), nn.Linear(49, 32), nn.ReLU(), nn.Linear(32, 10))
    return case_of(oh.convert(model, few, timesteps=8, base="root"), few, tests)


def rows(images: int) -> Iterator[Row]:
    cnn = shipped_cnn(images)
    yield from beside_nngen(CNN.name, "cnn", cnn)
    yield hls4ml_row(CNN.name)
    calibration, tests = load_calibration("fashion-mnist"), test_images(max(images, VECTOR_IMAGES))
    yield from beside_nngen(MLP.name, "mlp", case_of(root_net(random_mlp()), calibration, tests))
    small = "MLP 49-32-10"
    yield ours(small, small_mlp(images))
    unrolled = da4ml_peer.measure(folder("peer-da4ml"))
    about = f"da4ml 0.6.0, {unrolled.latency} clocks latency, {unrolled.estimate:,.0f} LUTs by its own estimate"
    yield Row(small, about, 1, unrolled.area, "this run")


def run(console: Console, images: int) -> None:
    table = Table("network", "generator", "cycles", "times ours", "LUTs", "DSP", "BRAM", "source")
    table.title = (
        f"other generators; cycles by Verilator, counts by yosys synth_xilinx -family xc7; aim: {AIM} times nngen"
    )
    base: Row | None = None
    for row in rows(images):
        base = row if base is None or base.network != row.network else base
        area = row.area
        table.add_row(
            row.network,
            row.generator,
            f"{row.cycles:,.0f}",
            f"{row.cycles / base.cycles:.2f}",
            "" if area is None else f"{area.luts:,}",
            "" if area is None else str(area.dsps),
            "" if area is None else f"{area.brams:g}",
            row.source,
        )
        console.print(f"[dim]{row.network}, {row.generator}: there[/dim]")
    console.print(table)
    pynq = load_board("pynq")
    for entry in kept.read():
        if entry.multipliers > pynq.dsps:
            console.print(f"nngen, {entry.network}, {entry.options}: {entry.multipliers} multipliers, {pynq.dsps} DSPs")
    large = kept.estimate()
    console.print(
        f"da4ml, MLP {large.network}: {large.estimated_luts:,} LUTs by its own estimate, kept {large.date}; "
        f"{pynq.luts:,} on {pynq.part}, so 784-128-10 does not fit"
    )

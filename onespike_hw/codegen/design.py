"""An emitted design: the folder, and what was planned for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from onespike_hw.codegen import axi, driver, hls, uart, verilog, vivado
from onespike_hw.codegen.activity import Activity
from onespike_hw.codegen.area import plan_resources
from onespike_hw.codegen.board import Board, load_board
from onespike_hw.codegen.engine_plan import EnginePlan
from onespike_hw.codegen.folder import check_target, read_marker, write_folder
from onespike_hw.codegen.layout import Parallel, lay_out
from onespike_hw.codegen.plan import Plan
from onespike_hw.codegen.planner import Goal, plan_network
from onespike_hw.errors import OutputError
from onespike_hw.network import Int64, Network, load, to_bytes

if TYPE_CHECKING:
    from onespike_hw.hls_model import CModel, Prediction
    from rtl_sim.runner import Executable

BACKENDS = ("verilog", "hls")
_PARALLEL = ("tiles", "engines", "pairs", "group_lanes", "loaded", "word_channels", "folded", "sliced", "in_luts")
"""What plan.json says of a layer, in the order of the fields of Parallel."""


@dataclass(frozen=True)
class Design:
    """What `generate` made.

    path     the output folder: network.onespike, plan.json, and
             for Verilog rtl/ (modules and memory files), sim/ (test bench) and synth/ (a yosys script, and modules made
             of the board's primitives), for HLS hls/ (a Vitis HLS project);
             for a board with a bus also axi/ (registers, DMA streams) and vivado/ (Tcl);
             for one with a UART uart/ (the chip around it) and pnr/ (script of yosys, pins);
             driver/ (Python) for a board with processors, for PYNQ, and for one with a UART, for the host
    net      the network
    plan     streams, engines, widths
    board    the board it was made for
    backend  one of BACKENDS
    """

    path: Path
    net: Network
    plan: Plan
    board: Board
    backend: str = "verilog"

    def simulator(self, name: str, work: Path) -> Executable:
        """The built test bench on "verilator" or "icarus", in the folder `work`."""
        from rtl_sim import runner

        return runner.build(self.path, name, work)

    @cached_property
    def model(self) -> CModel:
        """The HLS C++, compiled with g++ at the first use. Raises OutputError for a design of another backend."""
        from onespike_hw import hls_model

        if self.backend != "hls":
            raise OutputError(f"{self.path}: a {self.backend} design has no C model; generate it with backend='hls'")
        return hls_model.build(self.path)

    def predict(self, x: NDArray[Any]) -> Prediction:
        """Run a batch through the HLS C++ on this machine (onespike_hw.hls_model.CModel.predict)."""
        return self.model.predict(x)


def load_design(folder: str | Path) -> Design:
    """Reopen a folder that `generate` wrote. Raises OutputError where it is not one, or is damaged."""
    path = Path(folder)
    marker = read_marker(path)
    if marker is None:
        raise OutputError(f"{path}: holds no design; make one with onespike-hw gen")
    net = load(path / "network.onespike")
    try:
        facts = json.loads((path / "plan.json").read_text())
        board = Board(**facts["board"])
        layers = {layer["name"]: layer for layer in facts["layers"]}
        parallel = {name: Parallel(*(layer[key] for key in _PARALLEL)) for name, layer in layers.items()}
        plan = lay_out(net, board.input_bus_bits, parallel)
        plan = plan.with_cycles({name: layer["estimated_cycles"] for name, layer in layers.items()})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OutputError(f"{path / 'plan.json'}: missing or damaged ({error}); generate the design again") from error
    return Design(path, net, replace(plan, counters=facts["counters"]), board, str(marker.get("backend")))


def generate(
    net: Network,
    board: str | Path | Board = "pynq",
    out: str | Path = "build/pynq",
    *,
    backend: str = "verilog",
    force: bool = False,
    activity: Mapping[str, Activity] | None = None,
    counters: bool = False,
    goal: Goal | None = None,
    vectors: tuple[Int64, Int64] | None = None,
) -> Design:
    """Emit the accelerator of a network for a board.

    net      the network
    board    name of a shipped board, path of a board's TOML file, or a Board
    out      folder to write; it must not exist, or be ours and `force`
    backend  "verilog", or "hls": a Vitis HLS project
    vectors  input integers [N, *net.input_shape] and their golden logits, for the C++ test bench of an HLS project
             and the notebook of a driver
    activity layer name -> what it reads (onespike_hw.codegen.activity.measure); steers the lanes
    counters the engines count what they do with their clocks (SimulationResult.counts); Verilog only
    goal     images a second, lanes or share of the board to plan for (onespike_hw.codegen.planner.Goal)

    The same network, board and options give the same bytes. Raises BoardError where the network does not fit the board,
    OutputError where the folder cannot be written.
    """
    if backend not in BACKENDS:
        raise OutputError(f"backend {backend!r} is unknown; use {' or '.join(map(repr, BACKENDS))}")
    check_target(Path(out), force=force)
    target = board if isinstance(board, Board) else load_board(board)
    plan = plan_network(net, target, activity, pairs=backend == "verilog", goal=goal)
    plan = replace(plan, counters=counters)
    path = write_folder(
        out, render(plan, target, backend, vectors), force=force, marker={"backend": backend, "board": target.name}
    )
    return Design(path, net, plan, target, backend)


def render(
    plan: Plan, board: Board, backend: str = "verilog", vectors: tuple[Int64, Int64] | None = None
) -> dict[str, bytes | str]:
    """Relative path -> content of the whole output folder."""
    files: dict[str, bytes | str]
    if backend == "hls":
        files = {f"hls/{name}": content for name, content in hls.render(plan, board, vectors).items()}
    else:
        files = {f"rtl/{name}": text for name, text in verilog.render(plan, board).items()}
        files |= {f"sim/{name}": text for name, text in verilog.render_simulation(plan).items()}
        files |= {f"synth/{name}": text for name, text in verilog.render_synthesis(board, list(files)).items()}
        if board.system == "uart":
            files |= {f"uart/{name}": text for name, text in uart.render_chip(plan, board).items()}
            files |= {f"pnr/{name}": text for name, text in uart.render_build(plan, board, list(files)).items()}
        if board.has_bus:
            files |= {f"axi/{name}": text for name, text in axi.render(plan).items()}
            files |= {f"vivado/{name}": text for name, text in vivado.render(plan, board).items()}
        if board.has_driver:
            files |= {f"driver/{name}": content for name, content in driver.render(plan, board, vectors).items()}
    files["network.onespike"] = to_bytes(plan.net)
    files["plan.json"] = json.dumps(summary(plan, board), indent=2) + "\n"
    return files


def summary(plan: Plan, board: Board) -> dict[str, object]:
    """The plan in figures, for people and scripts."""
    needed = plan_resources(plan).on(board)
    return {
        "board": asdict(board),
        "timesteps": plan.net.timesteps,
        "counters": plan.counters,
        "lanes": plan.lanes,
        "weights_per_cycle": plan.weights_per_cycle,
        "weight_memory_bits": plan.weight_memory_bits,
        "estimated_luts": round(needed.luts),
        "estimated_brams": needed.brams,
        "estimated_dsps": round(needed.dsps),
        "layers": [_engine_summary(stage) for stage in plan.stages if isinstance(stage, EnginePlan)],
    }


def _engine_summary(engine: EnginePlan) -> dict[str, object]:
    return {
        "name": engine.layer.name,
        "engines": engine.engines,
        "lanes": engine.lanes,
        "pairs": engine.pairs,
        "group_lanes": engine.group_lanes,
        "loaded": engine.loaded,
        "word_channels": engine.out.n,
        "folded": engine.folded,
        "sliced": engine.sliced,
        "in_luts": engine.in_luts,
        "tiles": engine.tiles,
        "passes": engine.passes,
        "windows": engine.windows,
        "weight_bits": engine.weight_bits,
        "lane_bits": engine.acc_bits,
        "potential_bits": engine.potential_bits,
        "estimated_cycles": engine.estimated_cycles,
    }

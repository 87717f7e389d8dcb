"""Bitstreams of the boards with open toolchains: yosys, nextpnr and a packer, one behind the other."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from onespike_hw import measured
from onespike_hw.codegen.board import Board
from onespike_hw.codegen.design import Design
from onespike_hw.codegen.parts import gowin_family, nextpnr_arguments
from onespike_hw.codegen.uart import PINS, request_bytes
from onespike_hw.errors import ToolError
from onespike_hw.measured import Cells, Placed
from onespike_hw.tools import find_tool

SEEDS = (1, 2, 3)
"""Placements that are tried, until one meets the clock: each begins with another random one."""
BITS_A_BYTE = 10
"""On a UART: start, eight of data, stop."""


@dataclass(frozen=True)
class Flow:
    """How a family's chip is placed, routed and packed. Paths are from the folder pnr.

    router    program, and its arguments but those of the device
    packer    program, and its arguments
    bitstream file that it makes
    """

    router: tuple[str, ...]
    packer: tuple[str, ...]
    bitstream: str


def flow(board: Board) -> Flow:
    """The flow of a board's family."""
    family = board.yosys_family
    pins = PINS[family]
    if family == "ecp5":
        return Flow(
            ("nextpnr-ecp5", "--lpf", pins, "--textcfg", "build/design.config"),
            ("ecppack", "--compress", "build/design.config", "design.bit"),
            "design.bit",
        )
    if family == "ice40":
        return Flow(
            ("nextpnr-ice40", "--pcf", pins, "--asc", "build/design.asc"),
            ("icepack", "build/design.asc", "design.bin"),
            "design.bin",
        )
    return Flow(
        ("nextpnr-himbaechel", "--vopt", f"cst={pins}", "--write", "build/routed.json"),
        ("gowin_pack", "-d", gowin_family(board), "-o", "design.fs", "build/routed.json"),
        "design.fs",
    )


def synthesize(design: Design) -> Path:
    """Run yosys; returns pnr/build, which then holds netlist.json and netlist.v."""
    build = design.path / "pnr" / "build"
    build.mkdir(exist_ok=True)
    run_tool(["yosys", "-q", "-s", "../pnr/synth.ys"], design.path / "rtl", build / "yosys.log")
    return build


def place_and_route(design: Design) -> Placed:
    """From the Verilog to the bitstream, in the folder pnr; the measurement is kept there too.

    Raises ToolError, with the way out, where a tool fails or the clock is missed.
    """
    board, folder = design.board, design.path / "pnr"
    build = synthesize(design)
    reached = []
    for seed in SEEDS:
        placed = _route(design, build, seed)
        if placed.fmax_mhz >= board.clock_mhz:
            run_tool(flow(board).packer, folder, build / "pack.log")
            measured.save(design.path, placed)
            return placed
        reached.append(placed.fmax_mhz)
    raise ToolError(
        f"nextpnr: {board.clock_mhz:g} MHz are missed, {max(reached):.1f} MHz are reached in {len(SEEDS)} placements; "
        f"lower clock_mhz or lut_budget of {board.name} and generate again; the logs are {build}/nextpnr_*.log"
    )


def _route(design: Design, build: Path, seed: int) -> Placed:
    """One run of nextpnr."""
    steps, board = flow(design.board), design.board
    report = build / "report.json"
    router = [
        *steps.router,
        *nextpnr_arguments(board),
        *("--json", "build/netlist.json", "--report", "build/report.json", "--seed", str(seed)),
        *("--freq", f"{board.clock_mhz:g}", "--timing-allow-fail"),
    ]
    run_tool(router, design.path / "pnr", build / f"nextpnr_{seed}.log")
    return _placed(design, steps.bitstream, json.loads(report.read_text()), seed)


def _placed(design: Design, bitstream: str, report: dict[str, dict[str, dict[str, float]]], seed: int) -> Placed:
    board, played = design.board, measured.simulated(design.path)
    line = board.uart_facts
    assert line is not None
    cells = sorted(report["utilization"].items())
    return Placed(
        bitstream,
        board.clock_mhz,
        round(min(clock["achieved"] for clock in report["fmax"].values()), 2),
        tuple(Cells(name, int(of["used"]), int(of["available"])) for name, of in cells if of["used"]),
        {name: _version(name) for name in ("yosys", flow(board).router[0])},
        None if played is None else played.cycles,
        line.baud / BITS_A_BYTE / request_bytes(design.plan),
        seed,
    )


def _version(name: str) -> str:
    done = subprocess.run([_program(name), "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"\d+\.\d[\w.+-]*", done.stdout + done.stderr)
    return found[0] if found else "unknown"


def _program(name: str) -> str:
    program = find_tool(name)
    if program is None:
        raise ToolError(f"{name}: not on this machine; run make bitstream, which installs PyPI's build of it")
    return program


def run_tool(command: Sequence[str], folder: Path, log: Path) -> None:
    """Run a program, by its name without yowasp-, in a folder; ToolError repeats what it says where it fails."""
    program = _program(command[0])
    with log.open("w") as stream:
        stream.write(f"# in {folder.name}/: {' '.join([Path(program).name, *command[1:]])}\n")
        stream.flush()
        done = subprocess.run([program, *command[1:]], cwd=folder, stdout=stream, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        lines = log.read_text(errors="replace").splitlines()
        errors = [line for line in lines if "ERROR" in line] or lines[-3:]
        raise ToolError(f"{command[0]}: failed: {' | '.join(errors[:3])}; the log is {log}")

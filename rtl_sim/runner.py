"""Builds and runs the emitted test bench (sim/tb.sv) on one simulator."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from onespike_hw.errors import SimulatorError
from rtl_sim import tools

OPTIMIZE = "-O1"
"""The fastest build and run taken together, for the few hundred images of a check."""


@dataclass(frozen=True)
class Executable:
    """A built test bench: the command that runs it, in the folder of the memory files."""

    command: tuple[str, ...]
    folder: Path
    environment: dict[str, str]


def build(design: Path, simulator: str, work: Path, optimize: str = OPTIMIZE) -> Executable:
    """Compile rtl/ and sim/ of a design folder into `work`. Raises SimulatorError with the tool's own words.

    optimize  optimization of the C++ that Verilator writes
    """
    if simulator not in tools.SIMULATORS:
        raise SimulatorError(f"{simulator}: no such simulator; use one of {', '.join(tools.SIMULATORS)}")
    design, work = design.resolve(), work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    sources = [str(path) for path in sorted((design / "rtl").glob("*.sv"))]
    if not sources:
        raise SimulatorError(f"{design}: holds no Verilog under rtl/; generate it with backend='verilog'")
    if simulator == "icarus":
        return _build_icarus(design, sources, work)
    return _build_verilator(design, sources, work, optimize)


def run(executable: Executable, plusargs: Sequence[str]) -> None:
    """Run to the end; SimulatorError where the test bench does not say that it is done."""
    command = [*executable.command, *(f"+{arg}" for arg in plusargs)]
    done = subprocess.run(
        command, cwd=executable.folder, env=executable.environment, capture_output=True, text=True, check=False
    )
    if "ONESPIKE DONE" not in done.stdout:
        raise SimulatorError(f"the simulation did not end as it should: {_tail(done.stdout + done.stderr)}")


def _tail(text: str) -> str:
    return " | ".join(text.strip().splitlines()[-8:]) or "no output"


def _compile(command: Sequence[str], cwd: Path, env: dict[str, str], tool: str) -> None:
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SimulatorError(f"{tool} failed: {_tail(done.stdout + done.stderr)}")


def _build_icarus(design: Path, sources: list[str], work: Path) -> Executable:
    icarus = tools.find_icarus()
    program = work / "tb.vvp"
    bench = [str(design / "sim" / name) for name in ("tb.sv", "tb_clock.sv")]
    _compile(
        [str(icarus), "-g2012", "-Wall", "-s", "tb_clock", "-o", str(program), *sources, *bench],
        work,
        dict(os.environ),
        "icarus",
    )
    return Executable(("vvp", "-n", str(program)), design / "rtl", dict(os.environ))


def _build_verilator(design: Path, sources: list[str], work: Path, optimize: str) -> Executable:
    verilator = tools.find_verilator()
    tools.find_compiler()
    env = verilator.environment()
    jobs = str(os.cpu_count() or 1)
    command = [str(verilator.program), "--cc", "--exe", "--build", "-j", jobs, "--output-split", "20000", "--quiet"]
    command += ["-O3", "--x-initial", "unique", "--top-module", "tb", "--prefix", "Vtb", "-Mdir", str(work)]
    for flag in tools.make_variables(optimize):
        command += ["-MAKEFLAGS", flag]
    command += [*sources, str(design / "sim" / "tb.sv"), str(design / "sim" / "main.cpp")]
    _compile(command, work, env, "verilator")
    return Executable((str(work / "Vtb"),), design / "rtl", env)

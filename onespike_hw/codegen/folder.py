"""The output folder: written aside and renamed, so that there is never half of one; replaced only where it is ours."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from onespike_hw.errors import OutputError

MARKER = "onespike.json"
FORMAT = "onespike-hw design"
FORMAT_VERSION = 1


def write_folder(
    out: str | Path, files: Mapping[str, bytes | str], *, force: bool = False, marker: Mapping[str, Any] | None = None
) -> Path:
    """Write a whole folder or nothing; returns its path.

    files   relative path with forward slashes -> content (text as UTF-8, line ends as given)
    force   replace the folder where it is ours: where it holds our marker file
    marker  what onespike.json says beside format and version; JSON values

    Equal arguments give equal bytes: nothing of the time, the user or the path goes in.
    Raises OutputError where the folder exists and is not ours, or is ours and force is off; where a path leaves the
    folder; and where the disk refuses. Then everything is as it was before.
    """
    target = Path(out)
    check_target(target, force=force)
    contents = {MARKER: _marker_file(marker or {}), **_checked(files)}
    try:
        with _parents_of(target), _aside(target) as aside:
            for name, content in contents.items():
                path = aside / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content if isinstance(content, bytes) else content.encode())
            _put_in_place(aside, target)
    except OSError as error:
        raise OutputError(
            f"{target}: cannot be written ({error.strerror}: {error.filename}); choose another"
        ) from error
    return target


def check_target(out: str | Path, *, force: bool) -> None:
    """Raise OutputError, with the way out, where `write_folder` would refuse this folder."""
    target = Path(out)
    if not os.path.lexists(target):
        return
    if target.is_symlink() or not target.is_dir():
        raise OutputError(f"{target}: exists and is not a folder; choose another")
    if read_marker(target) is None:
        raise OutputError(f"{target}: exists and was not made by onespike-hw; choose another, or remove it yourself")
    if not force:
        raise OutputError(f"{target}: holds an earlier design; use --force to replace it, or choose another folder")


def read_marker(folder: str | Path) -> dict[str, Any] | None:
    """What onespike.json in a folder says; None where the folder is not ours."""
    try:
        marker = json.loads((Path(folder) / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return marker if isinstance(marker, dict) and marker.get("format") == FORMAT else None


def _marker_file(marker: Mapping[str, Any]) -> str:
    return json.dumps({"format": FORMAT, "version": FORMAT_VERSION, **marker}, indent=2, ensure_ascii=False) + "\n"


def _checked(files: Mapping[str, bytes | str]) -> Mapping[str, bytes | str]:
    for name in files:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or str(path) != name or name == ".":
            raise OutputError(f"{name!r}: not a plain path inside the output folder; use one such as rtl/top.sv")
        if name == MARKER:
            raise OutputError(f"{name!r}: is the folder's marker; put what it should say into `marker`")
    return files


@contextlib.contextmanager
def _parents_of(target: Path) -> Iterator[None]:
    """The folders above the target; those that had to be made are gone again after a failure."""
    missing = [parent for parent in target.absolute().parents if not parent.exists()]
    try:
        target.absolute().parent.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for parent in missing:
            with contextlib.suppress(OSError):
                parent.rmdir()
        raise


@contextlib.contextmanager
def _aside(target: Path) -> Iterator[Path]:
    """An empty folder beside the target, gone afterwards unless it was renamed."""
    parent = target.absolute().parent
    holder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=parent))
    try:
        new = holder / "new"
        new.mkdir()
        yield new
    finally:
        shutil.rmtree(holder, ignore_errors=True)


def _put_in_place(aside: Path, target: Path) -> None:
    """Rename aside to target; what was there moves into aside's parent first, and back where the rename fails."""
    old = aside.parent / "old"
    if not target.exists():
        os.rename(aside, target)
        return
    os.rename(target, old)
    try:
        os.rename(aside, target)
    except BaseException:
        os.rename(old, target)
        raise

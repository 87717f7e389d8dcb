"""Single files that the user asked for."""

from __future__ import annotations

from pathlib import Path

from onespike_hw.errors import OutputError


def check_file(out: Path, *, force: bool) -> None:
    """Raise OutputError, with the way out, where the file must not be written."""
    if out.is_dir():
        raise OutputError(f"{out}: is a folder; give the name of a file")
    if out.exists() and not force:
        raise OutputError(f"{out}: exists; use --force to replace it, or choose another file")


def write_file(out: Path, text: str) -> None:
    """Write text as UTF-8, line ends as given. Raises OutputError where the disk refuses."""
    try:
        out.write_bytes(text.encode())
    except OSError as error:
        raise OutputError(f"{out}: cannot be written ({error.strerror}); choose another file") from error

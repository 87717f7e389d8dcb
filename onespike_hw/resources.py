"""Where templates/ and boards/ lie: at the top of a checkout, inside the package of an installed wheel."""

from __future__ import annotations

from pathlib import Path

from onespike_hw.errors import OneSpikeError

_PACKAGE = Path(__file__).resolve().parent
_PLACES = (_PACKAGE / "_data", _PACKAGE.parent)


def templates() -> Path:
    """Folder of the Jinja templates."""
    return _find("templates")


def boards() -> Path:
    """Folder of the board files that come with onespike-hw, one TOML a board."""
    return _find("boards")


def _find(name: str) -> Path:
    for place in _PLACES:
        if (place / name).is_dir():
            return place / name
    looked = " or ".join(str(place) for place in _PLACES)
    raise OneSpikeError(f"{name}/ is not in {looked}; this installation is incomplete, install onespike-hw again")

"""What was measured of a design, kept in its folder: clocks in simulation, clock and cells after place and route."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from onespike_hw.errors import OutputError

SIMULATED, PLACED = Path("simulated.json"), Path("pnr") / "placed.json"


@dataclass(frozen=True)
class Simulated:
    """Of a run of the Verilog: images, clocks from image to image, and from the first pixel to the last logit."""

    images: int
    cycles: float
    latency: int


@dataclass(frozen=True)
class Cells:
    """Cells of one kind, of a chip: used, and there."""

    name: str
    used: int
    available: int


@dataclass(frozen=True)
class Placed:
    """What place and route says of a chip with its UART.

    bitstream  file name, in the folder pnr
    clock_mhz  asked for; fmax_mhz: reached
    cells      of the kinds that are used
    tools      program -> version
    cycles     clocks from image to image, simulated; None where the design was not played
    line       images a second that the UART brings
    seed       of nextpnr's first placement
    """

    bitstream: str
    clock_mhz: float
    fmax_mhz: float
    cells: tuple[Cells, ...]
    tools: dict[str, str]
    cycles: float | None
    line: float
    seed: int = 1

    @property
    def images_per_second(self) -> float | None:
        """Of the accelerator at its clock."""
        return None if self.cycles is None else self.clock_mhz * 1e6 / self.cycles


def save(folder: Path, what: Simulated | Placed) -> None:
    """Put a measurement into the folder of a design."""
    name = SIMULATED if isinstance(what, Simulated) else PLACED
    (folder / name).write_text(json.dumps(asdict(what), indent=2) + "\n")


def simulated(folder: Path) -> Simulated | None:
    """None where the design was not played since it was made."""
    facts = _read(folder / SIMULATED)
    return None if facts is None else Simulated(**facts)


def placed(folder: Path) -> Placed | None:
    """None where no bitstream was made."""
    facts = _read(folder / PLACED)
    if facts is None:
        return None
    return Placed(**facts | {"cells": tuple(Cells(**cell) for cell in facts["cells"])})


def _read(path: Path) -> dict[str, Any] | None:
    try:
        facts: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise OutputError(f"{path}: cannot be read ({error}); remove it, and measure again") from error
    return facts

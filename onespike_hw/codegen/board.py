"""Boards as data: one flat TOML file a board, checked against the fields of `Board`."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from onespike_hw import resources
from onespike_hw.errors import BoardError
from onespike_hw.tools import find_tool

URAM_KBITS = 288
SPRAM_KBITS = 256

TOOLS = {
    "vivado": ("vivado",),
    "yosys-ecp5": ("yosys", "nextpnr-ecp5", "ecppack"),
    "yosys-ice40": ("yosys", "nextpnr-ice40", "icepack"),
    "yosys-gowin": ("yosys", "nextpnr-himbaechel", "gowin_pack"),
}
"""Programs that make a bitstream, by toolchain (onespike_hw.tools)."""

SYNTHESIS = {
    "xc7": "synth_xilinx -family xc7",
    "xcup": "synth_xilinx -family xcup",
    "ecp5": "synth_ecp5",
    "ice40": "synth_ice40 -device u -dsp",
    "gowin": "synth_gowin",
}
"""The synthesis command of yosys, by family."""

SYSTEMS = ("zynq7", "zynqmp", "jtag", "ip", "uart", "none")
"""What is built around the accelerator (docs/boards.md)."""

PRIMITIVES = ("xilinx7", "portable")

SLOW_FAMILY = "ecp5"
"""Multipliers take 3.9 ns, block RAM 5.8 ns from its clock to its output (speed grade 6), both lie in few rows, and
yosys uses none of their registers: with the wires, over 10 ns."""

SCARCE_DSPS = 16
"""On a board with no more multipliers than this, a first layer uses few of them."""

LEAST_DIVISOR = 4
"""Clocks in a bit of a UART, at least."""
BAUD_TOLERANCE = 0.02
"""By this share the baud rate of a UART may miss what was asked for."""


@dataclass(frozen=True)
class Oscillator:
    """A clock on a pin."""

    pin: str
    standard: str
    mhz: float


@dataclass(frozen=True)
class Uart:
    """The pins of a UART, as the FPGA sees them, and its rate in bits a second."""

    rx: str
    tx: str
    baud: int


@dataclass(frozen=True)
class Board:
    """A board; every field is a key of its TOML file.

    name            what --board takes; the name of the file
    title           for people
    vendor, family, part  of the FPGA; the part number as its toolchain takes it
    source          where the numbers come from
    luts            look-up tables, of lut_inputs inputs each
    ffs             flip-flops
    bram_blocks     block RAMs with two ports, of bram_kbits (1,024 bits) each
    uram_blocks     UltraRAMs of 288 kbit
    spram_blocks    single-port RAMs of 256 kbit, which hold nothing at power-up
    dsps            multipliers of 16 x 16 bits or more
    clock_mhz       clock that the accelerator is built for
    input_bus_bits  width of the stream that brings the pixels
    toolchain       one of TOOLS
    yosys_family    one of SYNTHESIS
    system          one of SYSTEMS; "none" where it is no bus that feeds the accelerator
    board_part      how Vivado calls the board, "vendor:name", or "none"
    oscillator      "pin standard MHz" of the clock of a "jtag" or "uart" system, or "none"
    uart            "rx tx baud" of a "uart" system: the pins as the FPGA sees them, or "none"
    held_high       pins that must be high while the board runs, with spaces between them, or "none"
    pin_source      where the pins come from, or "none"
    model           the shipped network that `gen` takes for it where none is named
    primitives      "xilinx7": cells of the 7 series may be instantiated; "portable": plain Verilog only
    lut_budget, bram_budget, dsp_budget  share, above 0 and up to 1, of each that the accelerator may take
    """

    name: str
    title: str
    vendor: str
    family: str
    part: str
    source: str
    luts: int
    lut_inputs: int
    ffs: int
    bram_blocks: int
    bram_kbits: int
    uram_blocks: int
    spram_blocks: int
    dsps: int
    clock_mhz: float
    input_bus_bits: int
    toolchain: str
    yosys_family: str
    system: str
    board_part: str
    oscillator: str
    uart: str
    held_high: str
    pin_source: str
    model: str
    primitives: str
    lut_budget: float
    bram_budget: float
    dsp_budget: float

    @property
    def slices_add(self) -> bool:
        """Lanes may lie in its DSP slices: these have the adder that slice_lanes.sv is made for."""
        return self.primitives == "xilinx7"

    @property
    def usable_luts(self) -> int:
        """Look-up tables that the accelerator may take."""
        return math.floor(self.luts * self.lut_budget)

    @property
    def usable_brams(self) -> int:
        """Block RAMs that the accelerator may take."""
        return math.floor(self.bram_blocks * self.bram_budget)

    @property
    def usable_dsps(self) -> int:
        """Multipliers that the accelerator may take."""
        return math.floor(self.dsps * self.dsp_budget)

    @property
    def memory_kbits(self) -> int:
        """All on-chip RAM blocks, in kbit."""
        large = self.uram_blocks * URAM_KBITS + self.spram_blocks * SPRAM_KBITS
        return self.bram_blocks * self.bram_kbits + large

    @property
    def word_channels(self) -> int:
        """Channels in a word of codes, at most: a first layer multiplies as many at a time, or more."""
        return 32 if self.dsps > SCARCE_DSPS else 4

    @property
    def lane_dsps(self) -> bool:
        """Whether lanes of the first layer multiply in DSP slices; else in LUTs."""
        return self.yosys_family != SLOW_FAMILY

    @property
    def slow_blocks(self) -> bool:
        """Whether what block RAM gives needs a clock of its own to get anywhere."""
        return self.yosys_family == SLOW_FAMILY

    @property
    def oscillator_facts(self) -> Oscillator | None:
        """The clock on the board, where the accelerator needs one."""
        if self.oscillator == "none":
            return None
        pin, standard, mhz = self.oscillator.split()
        return Oscillator(pin, standard, float(mhz))

    @property
    def uart_facts(self) -> Uart | None:
        """The UART, where it is one that feeds the accelerator."""
        if self.uart == "none":
            return None
        rx, tx, baud = self.uart.split()
        return Uart(rx, tx, int(baud))

    @property
    def uart_divisor(self) -> int:
        """Clocks in a bit of the UART."""
        facts = self.uart_facts
        assert facts is not None
        return round(self.clock_mhz * 1e6 / facts.baud)

    @property
    def pins_held_high(self) -> tuple[str, ...]:
        return () if self.held_high == "none" else tuple(self.held_high.split())

    @property
    def has_bus(self) -> bool:
        """The accelerator lies on AXI."""
        return self.system not in ("uart", "none")

    @property
    def has_processors(self) -> bool:
        """Processors beside the accelerator run PYNQ, and with it the driver."""
        return self.system in ("zynq7", "zynqmp")

    @property
    def has_driver(self) -> bool:
        """There is a driver in Python: on the board's processors, or on a host at the UART."""
        return self.has_processors or self.system == "uart"

    @property
    def synthesis_command(self) -> str:
        """What yosys runs to map a design onto this family."""
        return SYNTHESIS[self.yosys_family]

    def missing_tools(self) -> tuple[str, ...]:
        """Programs of the toolchain that are not on this machine; empty where a bitstream can be made here."""
        return tuple(tool for tool in TOOLS[self.toolchain] if find_tool(tool) is None)


class _Check(Protocol):
    def problem(self, value: Any) -> str | None:
        """What is wrong with a value, with the way out; None where it is right."""


@dataclass(frozen=True)
class _Text:
    choices: tuple[str, ...] = ()

    def problem(self, value: Any) -> str | None:
        if not isinstance(value, str) or not value.strip():
            return "must be text; put it between quotes"
        if self.choices and value not in self.choices:
            return f"is unknown; use one of {', '.join(self.choices)}"
        return None


@dataclass(frozen=True)
class _Count:
    least: int = 0
    most: int | None = None
    step: int = 1

    def problem(self, value: Any) -> str | None:
        if not isinstance(value, int) or isinstance(value, bool):
            return "must be a whole number"
        if value < self.least:
            return f"is too small; it must be at least {self.least}"
        if self.most is not None and value > self.most:
            return f"is too large; it must be at most {self.most}"
        if value % self.step:
            return f"is no multiple of {self.step}"
        return None


@dataclass(frozen=True)
class _Number:
    """A number above 0."""

    most: float

    def problem(self, value: Any) -> str | None:
        if not isinstance(value, int | float) or isinstance(value, bool):
            return "must be a number"
        if not 0 < value <= self.most:
            return f"is out of range; it must be above 0 and at most {self.most:g}"
        return None


@dataclass(frozen=True)
class _PatternOrNone:
    """ "none", or text of a pattern, which `says` describes."""

    pattern: str
    says: str

    def problem(self, value: Any) -> str | None:
        if isinstance(value, str) and (value == "none" or re.fullmatch(self.pattern, value)):
            return None
        return f'is neither "none" nor {self.says}'


_CHECKS: Mapping[str, _Check] = {
    "name": _Text(),
    "title": _Text(),
    "vendor": _Text(),
    "family": _Text(),
    "part": _Text(),
    "source": _Text(),
    "luts": _Count(least=1),
    "lut_inputs": _Count(least=4, most=6),
    "ffs": _Count(least=1),
    "bram_blocks": _Count(),
    "bram_kbits": _Count(least=1),
    "uram_blocks": _Count(),
    "spram_blocks": _Count(),
    "dsps": _Count(),
    "clock_mhz": _Number(most=1000),
    "input_bus_bits": _Count(least=8, most=1024, step=8),
    "toolchain": _Text(tuple(TOOLS)),
    "yosys_family": _Text(tuple(SYNTHESIS)),
    "system": _Text(SYSTEMS),
    "board_part": _Text(),
    "oscillator": _PatternOrNone(r"\w+ \w+ 0*[1-9]\d*(\.\d+)?", 'pin, I/O standard and MHz, such as "E3 LVCMOS33 100"'),
    "uart": _PatternOrNone(r"\w+ \w+ [1-9]\d*", 'the pins rx and tx and the baud rate, such as "M1 L4 2000000"'),
    "held_high": _PatternOrNone(r"\w+( \w+)*", 'pins with spaces between them, such as "L2"'),
    "pin_source": _Text(),
    "model": _Text(),
    "primitives": _Text(PRIMITIVES),
    "lut_budget": _Number(most=1),
    "bram_budget": _Number(most=1),
    "dsp_budget": _Number(most=1),
}


def load_board(name_or_path: str | Path) -> Board:
    """A board by the name of a shipped one, or by the path of a .toml file.

    Raises BoardError, listing the boards there are, where the name is unknown, and BoardError, naming file, field,
    value and way out, where the file is wrong.
    """
    text = str(name_or_path)
    if isinstance(name_or_path, Path) or text.endswith(".toml") or "/" in text:
        return _read(Path(name_or_path))
    path = resources.boards() / f"{text}.toml"
    if not path.is_file():
        raise BoardError(
            f"board {text!r} is unknown; there are {', '.join(board_names())}; "
            "or give the path of a .toml file of your own (docs/boards.md)"
        )
    return _read(path)


def board_names() -> list[str]:
    """Names of the shipped boards, in alphabetical order."""
    return sorted(path.stem for path in resources.boards().glob("*.toml"))


def list_boards() -> list[Board]:
    """The shipped boards, in the order of board_names."""
    return [load_board(name) for name in board_names()]


def _read(path: Path) -> Board:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BoardError(f"{path}: cannot be read ({error.strerror}); give the path of a board file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BoardError(f"{path}: not a TOML file ({error}); see docs/boards.md") from error
    for key, value in table.items():
        if key not in _CHECKS:
            raise BoardError(f"{path}: {key}: {value!r} is an unknown field; the fields are {', '.join(_CHECKS)}")
    for key, check in _CHECKS.items():
        if key not in table:
            raise BoardError(f"{path}: {key}: is missing; add it (docs/boards.md says what it means)")
        problem = check.problem(table[key])
        if problem is not None:
            raise BoardError(f"{path}: {key}: {table[key]!r} {problem}")
    _check_system(path, table)
    if table["name"] != path.stem:
        raise BoardError(f"{path}: name: {table['name']!r} is not the file's name; use {path.stem!r}")
    return Board(**table)


def _check_system(path: Path, table: Mapping[str, Any]) -> None:
    system = table["system"]
    if table["toolchain"] == "vivado" and system in ("uart", "none"):
        others = ", ".join(name for name in SYSTEMS if name not in ("uart", "none"))
        raise BoardError(f"{path}: system: {system!r} leaves Vivado nothing to build; use one of {others}")
    if system in ("jtag", "uart") and table["oscillator"] == "none":
        raise BoardError(f'{path}: oscillator: {table["oscillator"]!r} leaves the system "{system}" without a clock')
    if table["toolchain"] != "vivado" and system not in ("uart", "none"):
        raise BoardError(f'{path}: system: {system!r} needs toolchain = "vivado"; use "uart" or "none"')
    if system == "uart":
        _check_uart(path, table)


def _check_uart(path: Path, table: Mapping[str, Any]) -> None:
    if table["uart"] == "none":
        raise BoardError(f"{path}: uart: 'none' leaves the system \"uart\" without pins; give rx, tx and the baud rate")
    baud, clock = int(table["uart"].split()[-1]), table["clock_mhz"] * 1e6
    divisor = max(round(clock / baud), 1)
    if divisor < LEAST_DIVISOR or abs(clock / divisor / baud - 1) > BAUD_TOLERANCE:
        raise BoardError(
            f"{path}: uart: {table['uart']!r} asks for {baud} baud, which a clock of {table['clock_mhz']:g} MHz does "
            f"not give; use a rate that divides it, of {clock / LEAST_DIVISOR:.0f} baud at most"
        )

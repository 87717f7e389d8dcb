"""Modules made of a vendor's primitives against the portable ones: yosys proves that they are equal."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from onespike_hw import resources

VERILOG = resources.templates() / "verilog"

PROOF = """
read_verilog -sv {portable}
hierarchy -top {name} {parameters}
prep -flatten
rename -top gold
design -stash gold
read_verilog -sv {own}
read_verilog -lib +/xilinx/cells_sim.v
hierarchy -top {name} {parameters}
read_verilog -overwrite +/xilinx/cells_sim.v
hierarchy -auto-top
prep -flatten
rename -top gate
design -stash gate
design -copy-from gold gold
design -copy-from gate gate
equiv_make gold gate equiv
prep -flatten -top equiv
equiv_simple -undef
equiv_induct -undef
equiv_status -assert
"""


def prove(own: Path, tmp_path: Path, **parameters: int) -> subprocess.CompletedProcess[str]:
    """Is the module of primitives equal to the portable one of the same name, in every output and every clock?"""
    flags = " ".join(f"-chparam {name} {value}" for name, value in parameters.items())
    script = tmp_path / "proof.ys"
    script.write_text(PROOF.format(portable=VERILOG / own.name, own=own, name=own.stem, parameters=flags))
    return subprocess.run(["yosys", "-q", "-s", str(script)], capture_output=True, text=True)


@pytest.mark.parametrize("parameters", [{"WB": 8, "A": 16}, {"WB": 8, "A": 20}, {"WB": 4, "A": 11}, {"WB": 2, "A": 5}])
def test_the_lane_of_luts_and_carries_is_the_portable_lane(parameters: dict[str, int], tmp_path: Path) -> None:
    done = prove(VERILOG / "xilinx7" / "pair_lane.sv", tmp_path, **parameters)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("lanes", "bits"), [(1, 1), (3, 2), (8, 3), (12, 4), (16, 4), (32, 5), (40, 6)])
def test_the_multiplexer_of_slices_is_the_portable_one(lanes: int, bits: int, tmp_path: Path) -> None:
    done = prove(VERILOG / "xilinx7" / "lane_mux.sv", tmp_path, LANES=lanes, LANE_W=bits, WIDTH=3)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("parameters", [{"WB": 8, "A": 16}, {"WB": 9, "A": 14}, {"WB": 10, "A": 24}, {"WB": 2, "A": 5}])
def test_the_lanes_of_a_slice_are_the_portable_lanes(parameters: dict[str, int], tmp_path: Path) -> None:
    done = prove(VERILOG / "xilinx7" / "slice_lanes.sv", tmp_path, **parameters)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("right", "wrong"), [("X_IS_P = 2'b10", "X_IS_P = 2'b00"), ('"TWO24"', '"ONE48"')])
def test_a_wrong_slice_is_found(right: str, wrong: str, tmp_path: Path) -> None:
    text = (VERILOG / "xilinx7" / "slice_lanes.sv").read_text()
    changed = tmp_path / "slice_lanes.sv"
    changed.write_text(text.replace(right, wrong))
    assert changed.read_text() != text
    assert prove(changed, tmp_path, WB=8, A=16).returncode != 0


def test_a_lane_with_one_wrong_bit_is_found(tmp_path: Path) -> None:
    text = (VERILOG / "xilinx7" / "pair_lane.sv").read_text()
    wrong = tmp_path / "pair_lane.sv"
    wrong.write_text(text.replace("64'h3369cc96aae8aae8", "64'h3369cc96aae8aae9"))
    assert prove(wrong, tmp_path, WB=8, A=16).returncode != 0


def test_every_module_of_primitives_has_a_portable_twin() -> None:
    own = [path.name for path in (VERILOG / "xilinx7").glob("*.sv")]
    assert sorted(own) == ["lane_mux.sv", "pair_lane.sv", "slice_lanes.sv"]
    assert all((VERILOG / name).exists() for name in own)

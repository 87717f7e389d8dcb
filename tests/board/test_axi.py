"""The accelerator on its bus, and the driver in front of it: every bit, every fault, no warning."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

import onespike_hw as oh
from onespike_hw.codegen import axi
from onespike_hw.network import Network
from rtl_sim import tools
from rtl_sim.cocotb_runner import BOARD, FAULTS, run_bench
from tests.cases import GRAPH_CASES
from tests.networks import build, conv, flatten, linear, random_inputs
from tests.rtl.designs import emit


def classifier() -> Network:
    """Three channels, so that a beat has a byte to spare; all logits leave behind the last pixel."""
    return build(np.random.default_rng(1), (3, 5, 5), [conv(4, 3), flatten(), linear(3)])


def segmenter() -> Network:
    """A map of logits, whose last one may leave before the last pixel, which nobody reads, has come."""
    return build(np.random.default_rng(2), (2, 4, 5), [conv(3, 1, stride=2)])


def signed_words() -> Network:
    """Input integers of 12 bits, signed, in beats of 16; a vector."""
    return build(np.random.default_rng(3), (6,), [linear(4), linear(2)], input_bits=12, input_signed=True)


def graph() -> Network:
    """Six features of one bit a node, packed into a byte; logits of each node."""
    return GRAPH_CASES["ring"]()


NETWORKS = {"classifier": classifier, "segmenter": segmenter, "signed_words": signed_words, "graph": graph}


SOONEST = {("classifier", "verilator"), ("segmenter", "icarus"), ("signed_words", "icarus"), ("graph", "icarus")}
"""Each network on one simulator, since every fault takes its time: on the other one in `make verify`."""
RUNS = [
    pytest.param(name, simulator, marks=() if (name, simulator) in SOONEST else pytest.mark.verify)
    for name in NETWORKS
    for simulator in ("icarus", "verilator")
]


@pytest.mark.parametrize(("name", "simulator"), RUNS)
def test_faults_lose_no_later_image_and_the_driver_sees_every_bit(
    name: str, simulator: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    net = NETWORKS[name]()
    x = random_inputs(np.random.default_rng(4), net, 4)
    vectors = x[:2], oh.golden.run(net, x[:2]).logits
    design = oh.generate(net, board="pynq", out=tmp_path / "design", vectors=vectors)
    objects = tmp_path_factory.getbasetemp() / f"objects_{simulator}"
    run_bench(design, x, simulator, tmp_path / "work", bench=BOARD, objects=objects)


def test_more_images_in_flight_than_marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(axi, "MARKS", 2)
    net = signed_words()
    x = random_inputs(np.random.default_rng(5), net, 4)
    run_bench(emit(net, tmp_path / "design"), x, "icarus", tmp_path / "work", bench=FAULTS)


@pytest.mark.parametrize("name", NETWORKS)
def test_no_warnings(name: str, tmp_path: Path) -> None:
    folder = emit(NETWORKS[name](), tmp_path / "design").path / "axi"
    names = sorted(str(path) for part in (folder.parent / "rtl", folder) for path in part.glob("*.*v"))
    verilator = tools.find_verilator()
    lint = [str(verilator.program), "--lint-only", "-Wall", "--quiet", "--top-module", "onespike_axi", *names]
    assert _complaints(lint, folder, verilator.environment()) == ""
    assert _complaints(["iverilog", "-g2012", "-Wall", "-s", "onespike_axi", "-t", "null", *names], folder) == ""
    # the memory files of rtl/ are read from the working folder
    script = f"read_verilog -sv {' '.join(names)}; hierarchy -check -top onespike_axi; proc; opt_clean; check -assert"
    assert _complaints(["yosys", "-q", "-p", script], folder.parent / "rtl") == ""


def _complaints(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip() + ("" if done.returncode == 0 else f" (exit {done.returncode})")


def test_only_a_board_with_a_bus_has_it(tmp_path: Path) -> None:
    net = classifier()
    assert (oh.generate(net, board="pynq", out=tmp_path / "pynq").path / "axi" / "onespike_axi.v").exists()
    assert not (oh.generate(net, board="ulx3s-85f", out=tmp_path / "ulx3s").path / "axi").exists()

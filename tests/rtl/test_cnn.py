"""The shipped CNN, from its trained weights to the emitted Verilog on Verilator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import onespike_hw as oh
from onespike_hw.convert import zoo
from rtl_sim.cocotb_runner import run_bench
from tests.rtl.designs import emit
from tests.rtl.test_lint import check_without_warnings


@pytest.fixture(scope="module")
def net() -> oh.Network:
    """At T = 8 with the root base that loses least, as `make gen` converts it."""
    calibration = zoo.load_calibration("fashion-mnist")
    return oh.convert(zoo.load_model("fashion-cnn"), calibration, timesteps=8, base="root")


def test_planned_for_pynq_and_bit_exact(net: oh.Network, tmp_path: Path) -> None:
    design = oh.generate(net, board="pynq", out=tmp_path / "pynq")
    check_without_warnings(design.path / "rtl")
    images, _ = zoo.load_images("fashion-mnist")
    result = oh.simulate(design, images[:4], pause_in=0.1, pause_out=0.1)
    run = oh.golden.run(net, images[:4])
    difference = oh.golden.first_difference(net, run, result.codes, result.logits)
    assert difference is None, str(difference)
    assert all(codes.max() == net.timesteps for codes in run.codes.values())


def test_generating_twice_gives_the_same_bytes(net: oh.Network, tmp_path: Path) -> None:
    first, second = (oh.generate(net, board="pynq", out=tmp_path / name).path for name in ("a", "b"))
    names = sorted(str(path.relative_to(first)) for path in first.rglob("*") if path.is_file())
    assert names == sorted(str(path.relative_to(second)) for path in second.rglob("*") if path.is_file())
    assert all((first / name).read_bytes() == (second / name).read_bytes() for name in names)


@pytest.mark.verify
def test_under_cocotb_with_pauses_and_a_reset(net: oh.Network, tmp_path: Path) -> None:
    images, _ = zoo.load_images("fashion-mnist")
    design = emit(net, tmp_path / "design", engines=4)
    integers = oh.golden.quantize_input(net, images[:1])
    run_bench(design, integers, "verilator", tmp_path / "work", pause_in=0.2, pause_out=0.3)


def test_at_most_one_spike_leaves_a_hidden_neuron(net: oh.Network) -> None:
    """A code holds one phase or none; the spikes counted are exactly the codes below T."""
    images, _ = zoo.load_images("fashion-mnist")
    run = oh.golden.run(net, images[:50])
    for layer in net.layers:
        if layer.fires:
            fired = (run.codes[layer.name] < net.timesteps).reshape(50, -1).sum(1)
            assert np.array_equal(run.spikes[layer.name], fired)

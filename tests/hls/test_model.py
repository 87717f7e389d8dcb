"""The C model from Python: what it counts, what it keeps, and what it says where a tool is missing."""

from __future__ import annotations

import importlib.util
import stat
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from onespike_hw import golden, hls_model
from onespike_hw.codegen.engine_plan import EnginePlan
from onespike_hw.codegen.layout import lay_out
from onespike_hw.errors import InputError, SimulatorError
from onespike_hw.network import Network, to_bytes
from tests.hls.projects import QUICK, emit
from tests.networks import build, conv, flatten, linear, random_inputs


@pytest.fixture(scope="module")
def net() -> Network:
    layers = (conv(12, 3, padding=1), conv(4, 3), flatten(), linear(3))
    return build(np.random.default_rng(4), (1, 6, 6), layers)


@pytest.fixture(scope="module")
def folder(net: Network, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return emit(net, lay_out(net, 64, {}), tmp_path_factory.mktemp("model") / "design")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module")
def model(folder: Path, kept: Path) -> hls_model.CModel:
    return hls_model.build(folder, kept, optimize=QUICK)


def _clocks_of_adding(engine: EnginePlan, codes: NDArray[np.uint8]) -> int:
    """One clock a spike, and one for each step that shifts or drains where there is no spike to do it with."""
    assert engine.schedule is not None
    height, width = engine.layer.shape[1:]
    clocks = 0
    for y in range(height):
        for x in range(width):
            window = codes[:, y : y + engine.rows, x : x + engine.cols]
            for step, phase in enumerate(engine.schedule.order):
                spikes = window == phase
                shift_alone = engine.schedule.shifts[step] and not spikes.any()
                drain_alone = engine.schedule.drains[step] and not spikes[:, :, -1].any()
                clocks += int(spikes.sum()) + int(shift_alone or drain_alone)
    return clocks


def test_counts_the_clocks_of_the_busiest_process(net: Network, model: hls_model.CModel) -> None:
    x = random_inputs(np.random.default_rng(1), net, 4)
    result = model.predict(x)
    engine = lay_out(net, 64, {}).engines[1]
    codes = golden.run(net, x).codes["conv1"]
    assert result.iterations["conv2"].tolist() == [_clocks_of_adding(engine, image) for image in codes]
    assert result.iterations["input"].tolist() == [36] * 4
    assert list(result.iterations) == ["input", "conv1", "conv2", "linear4"]
    assert np.array_equal(result.estimated_cycles, np.max(list(result.iterations.values()), axis=0))


def test_takes_what_the_torch_module_takes(net: Network, model: hls_model.CModel) -> None:
    x = np.random.default_rng(1).uniform(0, 0.2, (3, 1, 6, 6))
    assert np.array_equal(model.predict(x).logits, golden.run(net, x).logits)


def test_a_batch_is_one_image_behind_the_other(net: Network, model: hls_model.CModel) -> None:
    x = random_inputs(np.random.default_rng(1), net, 70)
    together, alone = model.predict(x), model.predict(x[-1:])
    assert np.array_equal(together.logits[-1:], alone.logits)
    assert np.array_equal(together.codes["conv1"][-1:], alone.codes["conv1"])
    assert np.array_equal(together.estimated_cycles[-1:], alone.estimated_cycles)
    assert together.codes["flatten3"].shape == (70, 64)


def test_refuses_no_images(model: hls_model.CModel) -> None:
    with pytest.raises(SimulatorError, match="no images; give at least one"):
        model.predict(np.zeros((0, 1, 6, 6), np.int64))


def test_refuses_images_of_another_shape(model: hls_model.CModel) -> None:
    with pytest.raises(InputError, match="does not fit this network"):
        model.predict(np.zeros((1, 1, 5, 5)))


@pytest.mark.usefixtures("model")
def test_compiles_once_for_the_same_sources(folder: Path, kept: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in kept.iterdir()}
    hls_model.build(folder, kept, optimize=QUICK)
    assert {path: path.stat().st_mtime_ns for path in kept.iterdir()} == before


def test_tells_where_the_streams_do_not_fit(net: Network, folder: Path, tmp_path: Path) -> None:
    broken = emit(net, lay_out(net, 64, {}), tmp_path / "design")
    layer = broken / "hls" / "src" / "layers" / "linear4.h"
    layer.write_text(layer.read_text().replace("int windows = 1;", "int windows = 0;"))
    with pytest.raises(SimulatorError, match="the C model is broken"):
        hls_model.build(broken, optimize="-O0").predict(np.zeros((1, 1, 6, 6), np.int64))


def test_refuses_a_folder_without_cpp(net: Network, tmp_path: Path) -> None:
    (tmp_path / "network.onespike").write_bytes(to_bytes(net))
    with pytest.raises(SimulatorError, match=r"holds no C\+\+ under hls/; generate it with backend='hls'"):
        hls_model.build(tmp_path)


def test_a_missing_compiler_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(SimulatorError, match=r"no-such-compiler: no such compiler on PATH; `apt-get install g\+\+`"):
        hls_model.build(folder)


def test_an_old_compiler_is_told_from_a_missing_one(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "g++-4"
    old.write_text("#!/bin/sh\necho \"error: unrecognized command line option '-std=c++14'\" >&2\nexit 1\n")
    old.chmod(old.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("CXX", str(old))
    with pytest.raises(SimulatorError, match=r"g\+\+-4: too old, it does not take -std=c\+\+14; use g\+\+ 5 or newer"):
        hls_model.build(folder)


def test_a_missing_hls4ml_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SimulatorError, match=r"hls4ml: not installed.*pip install 'onespike-hw\[hls\]'"):
        hls_model.build(folder)


def test_what_the_compiler_says_is_passed_on(net: Network, tmp_path: Path) -> None:
    broken = emit(net, lay_out(net, 64, {}), tmp_path / "design")
    (broken / "hls" / "src" / "layers" / "conv2.h").write_text("#error this layer is broken\n")
    with pytest.raises(SimulatorError, match=r"failed: .*this layer is broken"):
        hls_model.build(broken)

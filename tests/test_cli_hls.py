"""The command line with an HLS project, and with the dense twin that hls4ml makes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import onespike_hw as oh
from onespike_hw import cli
from onespike_hw.cli.sources import load_model
from tests.networks import build, flatten, linear, random_inputs
from tests.test_cli import refused

MODEL = """
import torch

def trained():
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 6), torch.nn.ReLU(), torch.nn.Linear(6, 3))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, its calibration images, images with labels, and a design of the converted network."""
    folder = tmp_path_factory.mktemp("twin")
    (folder / "tiny.py").write_text(MODEL)
    rng = np.random.default_rng(2)
    np.save(folder / "calibration.npy", rng.random((64, 1, 4, 4), np.float32))
    np.savez(folder / "data.npz", images=rng.random((30, 1, 4, 4), np.float32), labels=rng.integers(0, 3, 30))
    net = oh.convert(load_model(f"{folder / 'tiny.py'}:trained"), np.load(folder / "calibration.npy"), timesteps=6)
    oh.generate(net, out=folder / "design")
    return folder


def twin_of(folder: Path, out: Path) -> list[str]:
    """The command that makes a report with the dense twin."""
    model = ["--model", f"{folder / 'tiny.py'}:trained", "--calibration", str(folder / "calibration.npy")]
    data = ["--data", str(folder / "data.npz")]
    return ["report", str(folder / "design"), "--out", str(out), "--dense-twin", *model, *data]


def test_gen_and_sim_of_an_hls_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net = build(np.random.default_rng(7), (1, 3, 3), [flatten(), linear(4), linear(3)])
    net.save(tmp_path / "net.onespike")
    np.save(tmp_path / "images.npy", random_inputs(np.random.default_rng(1), net, 5))
    data = ["--data", str(tmp_path / "images.npy"), "--images", "4"]
    out = str(tmp_path / "design")
    gen = ["gen", "--network", str(tmp_path / "net.onespike"), *data, "--backend", "hls", "--out", out]
    assert cli.main(gen) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "bit-exact"

    tables = tmp_path / "design" / "hls" / "src" / "tables" / "linear3.h"
    tables.write_text(re.sub(r"(_weights\[.*\n +\{)(-?\d+)", lambda m: f"{m[1]}{int(m[2]) ^ 1}", tables.read_text()))
    assert cli.main(["sim", out, *data]) == 1
    text = capsys.readouterr().out
    assert "codes and logits of 2 layers, 4 images, on the C++ compiled with g++" in text
    assert re.search(r"^cycles +[1-9]\d* an image \(estimate", text, re.MULTILINE)
    assert re.match(r"first difference: linear3, image \d, channel 0", text.splitlines()[-1])

    for option in (["--simulator", "icarus"], ["--pause-in", "0.5"], ["--work", str(tmp_path)]):
        assert "holds C++, which runs without a simulator; leave out" in refused(capsys, "sim", out, *data, *option)


def test_report_with_the_dense_twin(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(twin_of(folder, tmp_path / "report.html")) == 0
    text = capsys.readouterr().out
    assert re.search(r"^accuracy +\d+\.\d\d % +\d+\.\d\d %", text, re.MULTILINE)
    assert re.search(r"^cycles an image +\d+, estimated +at least \d+", text, re.MULTILINE)
    assert re.search(r"^LUTs +[\d,]+, estimated +not stated without Vitis", text, re.MULTILINE)
    page = (tmp_path / "report.html").read_text()
    assert "Beside the dense twin" in page
    assert "of the same 30 images" in page
    assert "at least" in page


def test_the_twin_is_of_the_network_of_the_design(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "other.py").write_text(MODEL.replace("6", "5").replace("15", "16"))
    command = [word.replace("tiny.py", "other.py") for word in twin_of(folder, tmp_path / "report.html")]
    line = refused(capsys, *command)
    assert "other.py:trained: its layers are 1 5x16, 3 3x5, those of the network are 1 6x16, 3 3x6; give the" in line
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize("arrays", [{"labels": None}, {"images": np.zeros((30, 1, 4, 4), np.int64)}])
def test_the_twin_needs_float_images_and_labels(
    arrays: dict[str, NDArray[Any] | None], folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {**np.load(folder / "data.npz"), **arrays}
    np.savez(tmp_path / "other.npz", **{name: array for name, array in given.items() if array is not None})
    command = [*twin_of(folder, tmp_path / "report.html")[:-1], str(tmp_path / "other.npz")]
    assert "the dense twin needs float images" in refused(capsys, *command)


def test_a_model_without_a_twin_is_refused(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = [word for word in twin_of(folder, tmp_path / "report.html") if word != "--dense-twin"]
    assert "only the dense twin needs them; add --dense-twin" in refused(capsys, *command)

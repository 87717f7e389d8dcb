"""Folders of images on the command line: CIFAR's batches, and photographs with a folder for each class."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import onespike_hw as oh
from onespike_hw import cli

MODEL = """
import torch

def of(size):
    torch.manual_seed(1)
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3, stride=2), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(4 * size * size, 10)
    )

def cifar():
    return of(15)

def photographs():
    return of(13)
"""
NORMALISED = ("--input-mean", "0.4914,0.4822,0.4465", "--input-std", "0.247,0.2435,0.2616")


def model(folder: Path, name: str) -> str:
    (folder / "mine.py").write_text(MODEL)
    return f"{folder / 'mine.py'}:{name}"


def cifar_folder(folder: Path) -> Path:
    folder.mkdir()
    for seed, name in enumerate(["test_batch", *(f"data_batch_{number}" for number in range(1, 6))]):
        data = np.random.default_rng(seed).integers(0, 256, (20, 3072), np.uint8)
        (folder / name).write_bytes(pickle.dumps({b"data": data, b"labels": [i % 10 for i in range(20)]}, protocol=2))
    return folder


def test_cifar_calibrates_with_its_training_images_and_is_judged_on_its_test_images(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = str(cifar_folder(tmp_path / "cifar-10-batches-py"))
    mine = model(tmp_path, "cifar")
    command = ["eval", "--model", mine, "--calibration", data, "--data", data]
    assert cli.main([*command, *NORMALISED]) == 0
    text = capsys.readouterr().out
    assert f"20: {data}" in " ".join(text.split())
    assert "integers 0..255; integer i stands for (i - 125.307) * 0.0158768" in text
    assert cli.main([*command, "--limit", "5"]) == 0
    text = capsys.readouterr().out
    assert f"5: {data}" in " ".join(text.split())
    assert "integer i stands for i * 0.00392157" in text


def test_photographs_have_the_size_that_the_network_takes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "val" / name).mkdir(parents=True)
        for number in range(4):
            Image.fromarray(rng.integers(0, 256, (40, 50, 3), np.uint8)).save(tmp_path / "val" / name / f"{number}.png")
    data, out = str(tmp_path / "val"), tmp_path / "net.onespike"
    command = ["convert", "--model", model(tmp_path, "photographs"), "--calibration", data, "--image-size", "28"]
    assert cli.main([*command, "-o", str(out)]) == 0
    assert oh.load(out).input_shape == (3, 28, 28)
    assert cli.main(["eval", "--network", str(out), "--data", data]) == 0
    assert f"8: {data}" in " ".join(capsys.readouterr().out.split())


def test_a_folder_of_something_else_and_a_normalisation_that_does_not_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = model(tmp_path, "cifar")
    assert cli.main(["eval", "--model", mine, "--calibration", str(tmp_path)]) == 2
    assert f"{tmp_path}: no folder with a folder for each class" in capsys.readouterr().err
    data = str(cifar_folder(tmp_path / "cifar"))
    assert cli.main(["eval", "--model", mine, "--calibration", data, "--input-mean", "0.5,0.5"]) == 2
    assert "--input-mean: 2 numbers for images of 3 channels; give 3" in capsys.readouterr().err

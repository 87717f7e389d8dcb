"""CIFAR's batches and folders of images, on small files of the same format."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from onespike_hw.convert.datasets import DatasetError
from onespike_hw.convert.image_files import cifar, image_folder


def batch(path: Path, first: int, names: str = "labels", classes: int = 10, **others: Any) -> np.ndarray:
    """Four images, as CIFAR's authors pickle them: by Python 2, whose strings are bytes."""
    data = np.random.default_rng(first).integers(0, 256, (4, 3072), np.uint8)
    content = {b"data": data, names.encode(): [(first + i) % classes for i in range(4)], b"batch_label": b"some"}
    path.write_bytes(pickle.dumps({**content, **others}, protocol=2))
    return data.reshape(4, 3, 32, 32)


def test_cifar_10(tmp_path: Path) -> None:
    trained = [batch(tmp_path / f"data_batch_{number}", number) for number in range(1, 6)]
    tested = batch(tmp_path / "test_batch", 7)
    images, labels = cifar(tmp_path, "train")
    assert np.array_equal(images, np.concatenate(trained))
    assert labels.tolist() == [number + i for number in range(1, 6) for i in range(4)]
    images, labels = cifar(tmp_path, "test")
    assert np.array_equal(images, tested)
    assert labels.tolist() == [7, 8, 9, 0]
    assert images.dtype == np.uint8


def test_cifar_100_takes_the_fine_labels(tmp_path: Path) -> None:
    batch(tmp_path / "train", 90, "fine_labels", 100, coarse_labels=[0, 1, 2, 3])
    batch(tmp_path / "test", 3, "fine_labels", 100)
    assert cifar(tmp_path, "train")[1].tolist() == [90, 91, 92, 93]
    assert cifar(tmp_path, "test")[1].tolist() == [3, 4, 5, 6]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"data": np.zeros((2, 3072), np.uint8)}, r"no batch of cifar-10 with data and labels"),
        ({"data": np.zeros((2, 5), np.uint8), "labels": [0, 1]}, r"shape \(2, 5\), not uint8 \(N, 3072\)"),
        ({"data": np.zeros((2, 3072), np.uint8), "labels": [0]}, r"shape \(1,\) for 2 images"),
        ({"data": np.zeros((2, 3072), np.uint8), "labels": [0, 10]}, r"image 1 has label 10, outside 0\.\.9"),
        (print, r"builtins?\w*\.print"),
    ],
)
def test_what_is_not_cifar_is_refused_with_the_file(content: Any, message: str, tmp_path: Path) -> None:
    (tmp_path / "test_batch").write_bytes(pickle.dumps(content, protocol=2))
    with pytest.raises(DatasetError, match=rf"test_batch: .*{message}"):
        cifar(tmp_path, "test")


def test_absent_files_and_splits(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"train: cannot be read"):
        cifar(tmp_path, "train")
    with pytest.raises(DatasetError, match=r"split 'all' is unknown"):
        cifar(tmp_path, "all")


def test_a_folder_a_class(tmp_path: Path) -> None:
    for name, colour in (("b", (0, 255, 0)), ("a", (255, 0, 0))):
        (tmp_path / name).mkdir()
        for number, size in enumerate(((40, 64), (80, 30))):
            Image.new("RGB", size, colour).save(tmp_path / name / f"{number}.png")
    (tmp_path / "a" / "notes.txt").write_text("no image")
    images, labels = image_folder(tmp_path, 28)
    assert images.shape == (4, 3, 28, 28)
    assert labels.tolist() == [0, 0, 1, 1]
    assert (images[0] == np.array([255, 0, 0])[:, None, None]).all()
    assert image_folder(tmp_path, 28, limit=2)[1].tolist() == [0, 1]


def test_the_middle_is_cut_out(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    picture = np.zeros((32, 96, 3), np.uint8)
    picture[:, 32:64] = 200
    Image.fromarray(picture).save(tmp_path / "a" / "wide.png")
    images, _ = image_folder(tmp_path, 28)
    assert images[0].min() == 200


def test_folders_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no folder with a folder for each class"):
        image_folder(tmp_path / "absent", 28)
    (tmp_path / "a").mkdir()
    with pytest.raises(DatasetError, match=r"its 1 classes hold no \.jpeg"):
        image_folder(tmp_path, 28)
    (tmp_path / "a" / "broken.png").write_bytes(b"no image")
    with pytest.raises(DatasetError, match=r"broken\.png: not an image that Pillow reads"):
        image_folder(tmp_path, 28)

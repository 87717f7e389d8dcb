"""The shipped network and images, the loader of Debian's data set, and the training script."""

from __future__ import annotations

import gzip
import re
import runpy
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import onespike_hw as oh
from onespike_hw.convert import datasets, zoo

ROOT = Path(__file__).parents[2]


def write_idx(path: Path, array: np.ndarray) -> None:
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    path.write_bytes(gzip.compress(header + array.astype(np.uint8).tobytes(), mtime=0))


@pytest.fixture
def tiny_set(tmp_path: Path) -> Path:
    """A folder with the four files of a Fashion-MNIST of 600 training and 320 test images."""
    generator = np.random.default_rng(0)
    for prefix, count in (("train", 600), ("t10k", 320)):
        write_idx(tmp_path / f"{prefix}-images-idx3-ubyte.gz", generator.integers(0, 256, (count, 28, 28)))
        write_idx(tmp_path / f"{prefix}-labels-idx1-ubyte.gz", np.arange(count) % 10)
    return tmp_path


def test_the_shipped_network_converts_and_keeps_its_accuracy() -> None:
    """INT8 at T = 8: at most 6 of the 300 shipped images are lost against the float network."""
    model = zoo.load_model("fashion-cnn")
    images, labels = zoo.load_images("fashion-mnist")
    assert (images.shape, images.dtype, labels.dtype) == ((300, 1, 28, 28), np.float32, np.int64)
    with torch.inference_mode():
        correct = int((model(torch.from_numpy(images)).argmax(1).numpy() == labels).sum())
    net = oh.convert(model, zoo.load_calibration("fashion-mnist"), base="root")
    assert net.base == 2**0.5
    assert [layer.name for layer in net.layers if layer.weight is not None] == [
        "conv1",
        "conv2",
        "conv3",
        "conv4",
        "fc1",
        "fc2",
    ]
    predictions = oh.golden.run(net, images, codes=False).predictions
    assert int((predictions == labels).sum()) >= correct - 6


def test_the_shipped_network_reaches_its_accuracy_on_the_whole_test_set() -> None:
    if not datasets.FASHION_MNIST_FOLDER.exists():
        # make setup installs it where apt may; elsewhere the 300 shipped images are tested above
        pytest.skip("needs the data set: apt-get install dataset-fashion-mnist")
    images, labels = datasets.fashion_mnist("test")
    model = zoo.load_model("fashion-cnn")
    assert not model.training
    with torch.inference_mode():
        batches = torch.from_numpy(datasets.to_unit(images)).split(500)
        predictions = torch.cat([model(batch).argmax(1) for batch in batches]).numpy()
    assert (predictions == labels).mean() >= 0.925


def test_what_ships_is_small_and_from_the_right_sets() -> None:
    files = sorted((ROOT / "onespike_hw" / "models").glob("*.npz"))
    assert sum(path.stat().st_size for path in files) < 8 << 20
    if datasets.FASHION_MNIST_FOLDER.exists():
        test, labels = datasets.fashion_mnist("test")
        np.testing.assert_array_equal(zoo.load_images("fashion-mnist")[0], datasets.to_unit(test[:300]))
        np.testing.assert_array_equal(zoo.load_images("fashion-mnist")[1], labels[:300])
        train, _ = datasets.fashion_mnist("train")
        np.testing.assert_array_equal(zoo.load_calibration("fashion-mnist"), datasets.to_unit(train[:500]))


def test_the_data_set_is_read_from_a_folder(tiny_set: Path) -> None:
    images, labels = datasets.fashion_mnist("train", tiny_set)
    assert (images.shape, images.dtype) == ((600, 1, 28, 28), np.uint8)
    assert labels[:12].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    assert datasets.to_unit(np.array([0, 255], np.uint8)).tolist() == [0, 1]


def test_training_is_reproducible_and_writes_what_ships(
    tiny_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = str(ROOT / "examples" / "fashion_mnist" / "train.py")
    threads = torch.get_num_threads()
    for name in ("first", "second"):
        arguments = ["--data", str(tiny_set), "--epochs", "1", "--seed", "3", "--out", str(tmp_path / name)]
        monkeypatch.setattr(sys, "argv", [script, *arguments])
        runpy.run_path(script, run_name="__main__")
    torch.set_num_threads(threads)
    assert "accuracy on 320 test images" in capsys.readouterr().out
    written = {path.name for path in (tmp_path / "first").iterdir()}
    assert written == {"fashion_cnn.npz", "fashion_mnist_test.npz", "fashion_mnist_calibration.npz"}
    assert written <= {path.name for path in (ROOT / "onespike_hw" / "models").iterdir()}
    for name in written:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()
    with np.load(tmp_path / "first" / "fashion_cnn.npz", allow_pickle=False) as weights:
        assert set(weights.files) == set(zoo.fashion_cnn().state_dict())
        assert np.abs(weights["fc2.weight"]).max() > 0


def test_unknown_names_list_what_there_is(tiny_set: Path) -> None:
    with pytest.raises(oh.OneSpikeError, match="no model called 'resnet' is shipped; there are fashion-cnn"):
        zoo.load_model("resnet")
    with pytest.raises(oh.OneSpikeError, match="no images called 'cifar' are shipped; there are fashion-mnist"):
        zoo.load_images("cifar")
    with pytest.raises(oh.OneSpikeError, match="split 'dev' is unknown; there are train, test"):
        datasets.fashion_mnist("dev", tiny_set)


def test_a_data_set_that_is_not_installed_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(datasets.DatasetError, match="apt-get install dataset-fashion-mnist"):
        datasets.fashion_mnist("test", tmp_path)


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"images", "cannot be read as a gzip file"),
        (gzip.compress(bytes(100), mtime=0)[:-9], "cannot be read as a gzip file"),
        (gzip.compress(b"P5 28 28", mtime=0), "not an IDX file of unsigned bytes (starts with 50352032)"),
        (gzip.compress(struct.pack(">HBBI", 0, 8, 3, 320), mtime=0), "cut off in its header"),
        (
            gzip.compress(struct.pack(">HBB3I", 0, 8, 3, 2, 28, 28) + bytes(28 * 28), mtime=0),
            "1568 bytes of data, it holds 784",
        ),
        (
            gzip.compress(struct.pack(">HBBI", 0, 8, 1, 3) + bytes(3), mtime=0),
            "holds (3,), Fashion-MNIST images are 28 x 28",
        ),
    ],
)
def test_a_damaged_file_is_named(tiny_set: Path, payload: bytes, message: str) -> None:
    (tiny_set / "t10k-images-idx3-ubyte.gz").write_bytes(payload)
    with pytest.raises(datasets.DatasetError, match=re.escape(message)) as refusal:
        datasets.fashion_mnist("test", tiny_set)
    assert "t10k-images-idx3-ubyte.gz" in str(refusal.value)


def test_labels_of_another_set_are_named(tiny_set: Path) -> None:
    (tiny_set / "train-labels-idx1-ubyte.gz").write_bytes((tiny_set / "t10k-labels-idx1-ubyte.gz").read_bytes())
    with pytest.raises(datasets.DatasetError, match=r"train-labels-idx1-ubyte\.gz: 320 labels for 600 images"):
        datasets.fashion_mnist("train", tiny_set)

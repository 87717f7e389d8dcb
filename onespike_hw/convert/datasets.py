"""Fashion-MNIST as numpy arrays: Debian's package of the whole set, and the images that ship with onespike-hw.

Source: Xiao, Rasul, Vollgraf, "Fashion-MNIST", arXiv 1708.07747 (MIT licence). No torch here.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onespike_hw.errors import OneSpikeError

FASHION_MNIST_FOLDER = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package dataset-fashion-mnist puts its files."""

CLASSES = ("T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")

IMAGES = {"fashion-mnist": 28, "fashion-mnist-32": 32}
"""Names that load_images and load_calibration know, and the images' size; what is larger than 28 has a black border."""

_PREFIX = {"train": "train", "test": "t10k"}
_IDX_UINT8 = 0x08


class DatasetError(OneSpikeError):
    """A data set is not installed, unknown, or its file is not what it claims to be."""


def read_idx(path: Path) -> NDArray[np.uint8]:
    """One gzipped IDX file of unsigned bytes, in the shape that its header states.

    Raises DatasetError where the file is absent, is no gzipped IDX file, or is shorter or longer than its header says.
    """
    try:
        payload = gzip.decompress(path.read_bytes())
    except FileNotFoundError as error:
        way_out = "install it (apt-get install dataset-fashion-mnist) or name the folder that holds the four .gz files"
        raise DatasetError(f"{path}: the data set is not here; {way_out}") from error
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{path}: cannot be read as a gzip file ({error}); fetch it again") from error
    if len(payload) < 4 or payload[:2] != b"\0\0" or payload[2] != _IDX_UINT8:
        raise DatasetError(f"{path}: not an IDX file of unsigned bytes (starts with {payload[:4].hex()})")
    header = 4 + 4 * payload[3]
    if len(payload) < header:
        raise DatasetError(f"{path}: cut off in its header; fetch it again")
    shape = struct.unpack(f">{payload[3]}I", payload[4:header])
    expected = int(np.prod(shape, dtype=np.int64))
    if len(payload) - header != expected:
        found = len(payload) - header
        raise DatasetError(f"{path}: its header says {expected} bytes of data, it holds {found}; fetch it again")
    return np.frombuffer(payload, np.uint8, offset=header).reshape(shape)


def fashion_mnist(split: str, folder: str | Path = FASHION_MNIST_FOLDER) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The whole Fashion-MNIST: ("train" or "test") -> uint8 images [N, 1, 28, 28] in 0..255 and int64 labels [N].

    Raises DatasetError where the split is unknown, the package is not installed, or a file is damaged.
    """
    if split not in _PREFIX:
        raise DatasetError(f"split {split!r} is unknown; there are {', '.join(_PREFIX)}")
    images_path = Path(folder) / f"{_PREFIX[split]}-images-idx3-ubyte.gz"
    labels_path = Path(folder) / f"{_PREFIX[split]}-labels-idx1-ubyte.gz"
    images, labels = read_idx(images_path), read_idx(labels_path)
    if images.ndim != 3 or images.shape[1:] != (28, 28):
        raise DatasetError(f"{images_path}: holds {images.shape}, Fashion-MNIST images are 28 x 28")
    if labels.shape != images.shape[:1]:
        raise DatasetError(f"{labels_path}: {labels.size} labels for {len(images)} images")
    return images[:, None], labels.astype(np.int64)


def to_unit(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Pixels 0..255 as floats in [0, 1], what the shipped networks take."""
    return images.astype(np.float32) / np.float32(255)


def padded(images: NDArray[Any], size: int) -> NDArray[Any]:
    """Images [N, C, H, W] in the middle of black ones, [N, C, size, size]."""
    rows, columns = ((size - length) for length in images.shape[2:])
    border = ((0, 0), (0, 0), (rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2))
    return np.pad(images, border)


def shipped(name: str) -> dict[str, NDArray[Any]]:
    """The arrays of one npz file of onespike_hw/models, read without pickle."""
    source = resources.files("onespike_hw") / "models" / name
    with source.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}


def image_size(name: str) -> int:
    """Rows and columns of the images of that name. Raises DatasetError where it is unknown."""
    if name not in IMAGES:
        raise DatasetError(f"no images called {name!r} are shipped; there are {', '.join(IMAGES)}")
    return IMAGES[name]


def load_images(name: str) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The first few hundred test images, shipped: float32 [N, 1, S, S] in [0, 1] and int64 labels [N]."""
    size, arrays = image_size(name), shipped("fashion_mnist_test.npz")
    return to_unit(padded(arrays["images"], size)), arrays["labels"].astype(np.int64)


def load_calibration(name: str) -> NDArray[np.float32]:
    """The first few hundred training images, shipped: float32 [N, 1, S, S] in [0, 1]."""
    size = image_size(name)
    return to_unit(padded(shipped("fashion_mnist_calibration.npz")["images"], size))

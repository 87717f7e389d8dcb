"""Images as others publish them: CIFAR-10, CIFAR-100, and folders of one folder a class, as ImageNet has them.

    images, labels = cifar("data/cifar-10-batches-py", "test")
    images, labels = image_folder("data/imagenet/val", size=224)

CIFAR's batches are pickles; safe_pickle reads them without running any. Source: A. Krizhevsky, "Learning multiple
layers of features from tiny images", 2009. The files are not part of onespike-hw.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onespike_hw.convert.datasets import DatasetError
from onespike_hw.convert.safe_pickle import read_pickle

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]

SIDE = 32
_BATCHES = {
    ("cifar-10", "train"): tuple(f"data_batch_{number}" for number in range(1, 6)),
    ("cifar-10", "test"): ("test_batch",),
    ("cifar-100", "train"): ("train",),
    ("cifar-100", "test"): ("test",),
}
_LABELS = {"cifar-10": "labels", "cifar-100": "fine_labels"}
CLASSES = {"cifar-10": 10, "cifar-100": 100}

SUFFIXES = (".jpeg", ".jpg", ".png", ".bmp")
RESIZE = 256 / 224
"""The shorter side becomes this many times the cut, as ImageNet networks are tested."""


def cifar(folder: str | Path, split: str) -> tuple[Images, Labels]:
    """The Python batches of CIFAR-10 or CIFAR-100, whichever the folder holds.

    split   "train" or "test"
    Returns uint8 images [N, 3, 32, 32] in 0..255 and int64 labels [N]; the fine ones of CIFAR-100.
    Raises DatasetError where a file is absent, damaged, names what no array needs, or is not what CIFAR is.
    """
    base = Path(folder)
    if split not in ("train", "test"):
        raise DatasetError(f"split {split!r} is unknown; there are train, test")
    name = "cifar-10" if (base / "test_batch").is_file() else "cifar-100"
    parts = [_batch(base / file, name) for file in _BATCHES[name, split]]
    return np.concatenate([images for images, _ in parts]), np.concatenate([labels for _, labels in parts])


def _batch(path: Path, name: str) -> tuple[Images, Labels]:
    content: Any = read_pickle(path)
    wanted = _LABELS[name]
    batch = {_text(key): value for key, value in content.items()} if isinstance(content, dict) else {}
    if not {"data", wanted} <= set(batch):
        raise DatasetError(f"{path}: no batch of {name} with data and {wanted}; name the folder of its Python version")
    data, labels = np.asarray(batch["data"]), np.asarray(batch[wanted])
    if data.dtype != np.uint8 or data.ndim != 2 or data.shape[1] != 3 * SIDE * SIDE:
        raise DatasetError(
            f"{path}: data of type {data.dtype} and shape {data.shape}, not uint8 (N, {3 * SIDE * SIDE})"
        )
    if labels.shape != data.shape[:1] or labels.dtype.kind not in "iu":
        raise DatasetError(f"{path}: labels of type {labels.dtype} and shape {labels.shape} for {len(data)} images")
    outside = (labels < 0) | (labels >= CLASSES[name])
    if outside.any():
        image = int(np.flatnonzero(outside)[0])
        raise DatasetError(f"{path}: image {image} has label {labels[image]}, outside 0..{CLASSES[name] - 1}")
    return data.reshape(-1, 3, SIDE, SIDE), labels.astype(np.int64)


def _text(key: Any) -> str:
    """Names come as text from a pickle of Python 2, as bytes from one of Python 3."""
    return key.decode("latin1") if isinstance(key, bytes) else str(key)


def evenly(count: int, limit: int | None) -> Labels:
    """Places of `limit` of so many images, taken evenly from all of them; of all where that is None, or more."""
    taken = count if limit is None else min(limit, count)
    return np.arange(taken) * count // max(taken, 1)


def image_folder(folder: str | Path, size: int, limit: int | None = None) -> tuple[Images, Labels]:
    """Images of one folder a class; a class's label is the place of its name in their sorted order.

    size   rows and columns: the shorter side is resized to 256/224 of it, and the middle is cut out
    limit  images at most, taken evenly from all of them; None: all
    Returns uint8 images [N, 3, size, size] in 0..255 and int64 labels [N]. Needs Pillow.
    Raises DatasetError where there are no classes or no images, or a file is no image.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise DatasetError(f"{folder}: images need Pillow; pip install pillow") from error
    base = Path(folder)
    classes = sorted(path for path in base.iterdir() if path.is_dir()) if base.is_dir() else []
    if not classes:
        raise DatasetError(f"{base}: no folder with a folder for each class; give that of the classes")
    files = [
        (path, label)
        for label, of_class in enumerate(classes)
        for path in sorted(of_class.iterdir())
        if path.suffix.lower() in SUFFIXES
    ]
    if not files:
        raise DatasetError(f"{base}: its {len(classes)} classes hold no {', '.join(SUFFIXES)} files")
    files = [files[place] for place in evenly(len(files), limit)]
    images = np.empty((len(files), 3, size, size), np.uint8)
    for number, (path, _) in enumerate(files):
        try:
            with Image.open(path) as image:
                images[number] = _cut(image.convert("RGB"), size)
        except (OSError, ValueError) as error:
            raise DatasetError(
                f"{path}: not an image that Pillow reads ({error}); remove it or fetch it again"
            ) from error
    return images, np.array([label for _, label in files], np.int64)


def _cut(image: Any, size: int) -> Images:
    """[3, size, size] from the middle of the resized image."""
    from PIL import Image

    shorter = round(size * RESIZE)
    scale = shorter / min(image.size)
    width, height = (max(shorter, round(side * scale)) for side in image.size)
    left, top = (width - size) // 2, (height - size) // 2
    resized = image.resize((width, height), Image.Resampling.BILINEAR).crop((left, top, left + size, top + size))
    return np.asarray(resized, np.uint8).transpose(2, 0, 1)

"""Folders of images on the command line: CIFAR's Python batches, and photographs with a folder for each class."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onespike_hw.errors import InputError

CALIBRATION_IMAGES = 500

_CIFAR_FILES = (("test_batch",), ("test", "train"))


def load_folder(
    path: Path, split: str, size: int, limit: int | None, args: argparse.Namespace
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Images as a model takes them, float32 [N, 3, H, W], and labels [N].

    split  "train" or "test", of CIFAR; other folders are one split
    size   rows and columns of photographs; CIFAR's are 32
    limit  images at most, taken evenly; None: all
    args   with --input-mean and --input-std the images are (pixel - mean) / std, else pixels; 0..1 either way

    Raises DatasetError where the folder is not what it should be, InputError where the normalisation does not fit.
    """
    from onespike_hw.convert import datasets, image_files

    if any(all((path / name).is_file() for name in names) for names in _CIFAR_FILES):
        pixels, labels = image_files.cifar(path, split)
        taken = image_files.evenly(len(pixels), limit)
        pixels, labels = pixels[taken], labels[taken]
    else:
        pixels, labels = image_files.image_folder(path, size, limit)
    mean, std = (_of_channels(args, name, unused) for name, unused in (("input_mean", 0.0), ("input_std", 1.0)))
    return (datasets.to_unit(pixels) - mean) / std, labels


def _of_channels(args: argparse.Namespace, name: str, unused: float) -> NDArray[np.float32]:
    """Of --input-mean or --input-std, where the command has it: float32 [C, 1, 1]."""
    given: Any = getattr(args, name, None)
    values = np.array([unused] if given is None else given, np.float32)
    if len(values) not in (1, 3):
        option = name.replace("_", "-")
        raise InputError(f"--{option}: {len(values)} numbers for images of 3 channels; give 3")
    return values.reshape(-1, 1, 1)

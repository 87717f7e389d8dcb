"""What the accuracy benchmarks share: which networks, on which images, and how they are asked for."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from onespike_hw.convert import zoo
from onespike_hw.convert.datasets import fashion_mnist, image_size, padded, to_unit

NETWORKS = ("fashion-cnn", "resnet20", "vgg11", "mobilenet")
_BATCH = 250


def parser(description: str | None, images: int) -> argparse.ArgumentParser:
    """Networks, folder of the results, test images (`images` unless told) and torch's threads."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("models", nargs="*", default=NETWORKS, metavar="MODEL", help=f"{', '.join(NETWORKS)} (all)")
    made.add_argument("--out", type=Path, default=Path("build/bench-accuracy"), help="folder of the results")
    made.add_argument("--images", type=int, default=images, help=f"test images, the first ones ({images:,})")
    made.add_argument("--threads", type=int, default=2, help="of torch (2)")
    return made


def prepare(arguments: argparse.Namespace) -> None:
    """Torch's threads, and the folder of the results."""
    torch.set_num_threads(arguments.threads)
    arguments.out.mkdir(parents=True, exist_ok=True)


def first_images(name: str, split: str, count: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The first images of Fashion-MNIST, "train" or "test", as the named network takes them, and their labels."""
    pixels, labels = fashion_mnist(split)
    return to_unit(padded(pixels[:count], image_size(zoo.images_of(name)))), labels[:count]


def trained_logits(model: nn.Module, images: Tensor) -> Tensor:
    """[N, classes], of the network as it was trained."""
    with torch.inference_mode():
        return torch.cat([model(batch) for batch in images.split(_BATCH)])

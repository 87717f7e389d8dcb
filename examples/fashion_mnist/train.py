"""Train a Fashion-MNIST network that ships with onespike-hw, and write what the package ships.

    python examples/fashion_mnist/train.py --model fashion-cnn --out build/fashion_mnist

Needs Debian's data set (apt-get install dataset-fashion-mnist). The same seed and number of threads on the same
machine give the same weights. Writes the weights under the name of the model (fashion_cnn.npz), fashion_mnist_test.npz
(the first test images with labels) and fashion_mnist_calibration.npz (the first training images);
`--out onespike_hw/models` renews what ships. Trained for that: fashion-cnn as the defaults say, fashion-cnn-small with
--threads 1, fashion-mlp with --threads 1 --epochs 20.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn

from onespike_hw.convert.datasets import FASHION_MNIST_FOLDER, fashion_mnist, to_unit
from onespike_hw.convert.zoo import MODELS, build_model

BATCH = 128
TEST_IMAGES = 300
CALIBRATION_IMAGES = 500


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=MODELS, default=MODELS[0])
    parser.add_argument("--out", type=Path, default=Path("build/fashion_mnist"), help="folder to write to")
    parser.add_argument("--data", type=Path, default=FASHION_MNIST_FOLDER, help="folder of the four .gz IDX files")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def load(split: str, folder: Path) -> tuple[Tensor, Tensor]:
    images, labels = fashion_mnist(split, folder)
    return torch.from_numpy(to_unit(images)), torch.from_numpy(labels)


def flip_half(images: Tensor) -> Tensor:
    """Mirror each image left to right with probability one half."""
    mirrored = torch.rand(len(images), 1, 1, 1) < 0.5
    return torch.where(mirrored, images.flip(3), images)


def accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Share of images whose largest logit is the label's, 0..1."""
    model.eval()
    with torch.inference_mode():
        predictions = torch.cat([model(batch).argmax(1) for batch in images.split(500)])
    return float((predictions == labels).float().mean())


def train(model: nn.Module, images: Tensor, labels: Tensor, epochs: int, progress: Progress) -> None:
    """AdamW, one learning rate cycle, label smoothing, random mirroring."""
    steps = len(images) // BATCH
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=6e-3, total_steps=epochs * steps)
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.05)
    task = progress.add_task("training", total=epochs * steps, loss=float("nan"))
    for _ in range(epochs):
        model.train()
        for chosen in torch.randperm(len(images))[: steps * BATCH].view(steps, BATCH):
            optimizer.zero_grad()
            loss = loss_of(model(flip_half(images[chosen])), labels[chosen])
            loss.backward()
            optimizer.step()
            schedule.step()
            progress.update(task, advance=1, loss=loss.item())


def write(model: nn.Module, name: str, folder: Path, data: Path) -> None:
    """The three files that the package ships, without pickle."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {key: value.numpy() for key, value in model.state_dict().items()}
    np.savez_compressed(folder / f"{name.replace('-', '_')}.npz", allow_pickle=False, **state)
    images, labels = fashion_mnist("test", data)
    test = {"images": images[:TEST_IMAGES], "labels": labels[:TEST_IMAGES].astype(np.uint8)}
    np.savez_compressed(folder / "fashion_mnist_test.npz", allow_pickle=False, **test)
    images, _ = fashion_mnist("train", data)
    calibration = folder / "fashion_mnist_calibration.npz"
    np.savez_compressed(calibration, allow_pickle=False, images=images[:CALIBRATION_IMAGES])


def main() -> None:
    arguments = parse_arguments()
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    images, labels = load("train", arguments.data)
    test_images, test_labels = load("test", arguments.data)
    model = build_model(arguments.model)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("loss {task.fields[loss]:.3f}")) as progress:
        train(model, images, labels, arguments.epochs, progress)
    print(f"accuracy on {len(test_images):,} test images: {accuracy(model, test_images, test_labels):.2%}")
    write(model, arguments.model, arguments.out, arguments.data)
    print(f"written to {arguments.out}")


if __name__ == "__main__":
    main()

"""Train a network that ships with onespike-hw on Fashion-MNIST, and write what the package ships.

    python examples/fashion_mnist/train.py --out build/fashion_mnist
    python examples/fashion_mnist/train.py --model resnet20

Needs Debian's data set (apt-get install dataset-fashion-mnist). The same seed and number of threads on the same
machine give the same weights. Writes the weights (fashion_cnn.npz, resnet20.npz, ...), fashion_mnist_test.npz (the
first test images with labels) and fashion_mnist_calibration.npz (the first training images);
`--out onespike_hw/models` renews what ships, trained with --threads 1, fashion-cnn with 2. A training that was stopped
goes on behind its last whole epoch.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn

from onespike_hw.convert import zoo
from onespike_hw.convert.datasets import FASHION_MNIST_FOLDER, fashion_mnist, image_size, padded, to_unit

BATCH = 128
TEST_IMAGES = 300
CALIBRATION_IMAGES = 500


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    epochs         through all 60,000 images
    learning_rate  the highest of the cycle
    shifts         images are moved by up to two pixels, too
    """

    epochs: int
    learning_rate: float
    shifts: bool = True


RECIPES = {
    "fashion-cnn": Recipe(8, 6e-3, shifts=False),
    "fashion-cnn-small": Recipe(8, 6e-3, shifts=False),
    "fashion-mlp": Recipe(20, 6e-3, shifts=False),
    "vgg11": Recipe(16, 4e-3),
    "resnet20": Recipe(8, 6e-3),
    "mobilenet": Recipe(12, 6e-3),
}


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=zoo.MODELS, default="fashion-cnn", help="architecture (fashion-cnn)")
    parser.add_argument("--out", type=Path, default=Path("build/fashion_mnist"), help="folder to write to")
    parser.add_argument("--data", type=Path, default=FASHION_MNIST_FOLDER, help="folder of the four .gz IDX files")
    parser.add_argument("--epochs", type=int, help="in place of the recipe's")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def load(split: str, folder: Path, size: int) -> tuple[Tensor, Tensor]:
    images, labels = fashion_mnist(split, folder)
    return torch.from_numpy(to_unit(padded(images, size))), torch.from_numpy(labels)


def flip_half(images: Tensor) -> Tensor:
    """Mirror each image left to right with probability one half."""
    mirrored = torch.rand(len(images), 1, 1, 1) < 0.5
    return torch.where(mirrored, images.flip(3), images)


def shifted(images: Tensor, most: int = 2) -> Tensor:
    """Move each image by up to `most` pixels both ways; what comes in is black, as the border is."""
    count, _, height, width = images.shape
    down, right = torch.randint(2 * most + 1, (2, count, 1, 1))
    rows, columns = down + torch.arange(height).view(1, -1, 1), right + torch.arange(width).view(1, 1, -1)
    around = nn.functional.pad(images, (most, most, most, most))
    return around[torch.arange(count).view(-1, 1, 1), :, rows, columns].permute(0, 3, 1, 2)


def accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Share of images whose largest logit is the label's, 0..1."""
    model.eval()
    with torch.inference_mode():
        predictions = torch.cat([model(batch).argmax(1) for batch in images.split(500)])
    return float((predictions == labels).float().mean())


def train(model: nn.Module, images: Tensor, labels: Tensor, recipe: Recipe, saved: Path, progress: Progress) -> None:
    """AdamW, one learning rate cycle, label smoothing, random mirroring; the state is saved behind each epoch."""
    steps = len(images) // BATCH
    total = recipe.epochs * steps
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=recipe.learning_rate, total_steps=total)
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.05)
    stateful = {"model": model, "optimizer": optimizer, "schedule": schedule}
    done = 0
    if saved.exists():
        state = torch.load(saved, weights_only=True)
        for name, part in stateful.items():
            part.load_state_dict(state[name])
        torch.set_rng_state(state["random"])
        done = state["epochs"]
    task = progress.add_task("training", total=total, completed=done * steps, loss=float("nan"))
    for epoch in range(done, recipe.epochs):
        model.train()
        for chosen in torch.randperm(len(images))[: steps * BATCH].view(steps, BATCH):
            optimizer.zero_grad()
            batch = flip_half(images[chosen])
            batch = shifted(batch) if recipe.shifts else batch
            loss = loss_of(model(batch), labels[chosen])
            loss.backward()
            optimizer.step()
            schedule.step()
            progress.update(task, advance=1, loss=loss.item())
        state = {name: part.state_dict() for name, part in stateful.items()}
        torch.save({**state, "random": torch.get_rng_state(), "epochs": epoch + 1}, saved)


def weights_of(model: nn.Module) -> dict[str, np.ndarray]:
    """The state as arrays."""
    return {name: value.contiguous().numpy() for name, value in model.state_dict().items()}


def write(name: str, model: nn.Module, folder: Path, data: Path) -> None:
    """The weights and images that the package ships, without pickle."""
    np.savez_compressed(folder / zoo.weights_file(name), allow_pickle=False, **weights_of(model))
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
    name, recipe = arguments.model, RECIPES[arguments.model]
    recipe = Recipe(arguments.epochs or recipe.epochs, recipe.learning_rate, recipe.shifts)
    model, size = zoo.build_model(name), image_size(zoo.images_of(name))
    images, labels = load("train", arguments.data, size)
    test_images, test_labels = load("test", arguments.data, size)
    if name != "fashion-cnn":
        model = model.to(memory_format=torch.channels_last)
    arguments.out.mkdir(parents=True, exist_ok=True)
    saved = arguments.out / f"{name}-seed{arguments.seed}-epochs{recipe.epochs}.ckpt"
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("loss {task.fields[loss]:.3f}")) as progress:
        train(model, images, labels, recipe, saved, progress)
    print(f"accuracy on {len(test_images):,} test images: {accuracy(model, test_images, test_labels):.2%}")
    write(name, model, arguments.out, arguments.data)
    saved.unlink()
    print(f"written to {arguments.out}")


if __name__ == "__main__":
    main()

"""Train the graph convolutional network on Debian packages that ships with onespike-hw.

    python examples/debian_packages/train.py --out build/debian_packages
    python examples/debian_packages/train.py --mlp       the same words without the graph

Two layers of width 32 (Kipf and Welling, arXiv 1609.02907). The same seed on the same machine gives the same weights.
Writes gcn_text.npz; `--out onespike_hw/models` renews what ships.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from onespike_hw.convert.text_graph import TextGraph, load_text_graph
from onespike_hw.convert.zoo import gcn_text, mlp_text

EPOCHS = 150
LEARNING_RATE = 0.01
WEIGHT_DECAY = 5e-4


def fit(model: nn.Module, graph: TextGraph, epochs: int = EPOCHS) -> nn.Module:
    """Adam, the learning rate falling as a cosine, all training nodes in every step; the model in eval mode."""
    features, labels = torch.from_numpy(graph.dense), torch.from_numpy(graph.labels)
    train = torch.from_numpy(graph.train)
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    model.train()
    for _ in range(epochs):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(features)[train], labels[train]).backward()
        optimizer.step()
        schedule.step()
    return model.eval()


def accuracy(model: nn.Module, graph: TextGraph, nodes: np.ndarray) -> float:
    """Share of these nodes whose largest logit is the label's, 0..1."""
    with torch.inference_mode():
        found = model(torch.from_numpy(graph.dense)).argmax(1)
    return float((found.numpy() == graph.labels)[nodes].mean())


def state_of(model: nn.Module) -> dict[str, np.ndarray]:
    state: dict[str, Tensor] = model.state_dict()
    return {name: value.numpy() for name, value in state.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("build/debian_packages"), help="folder to write to")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--mlp", action="store_true", help="without the graph; nothing is written")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    graph = load_text_graph("debian-packages")
    model = fit(mlp_text() if arguments.mlp else gcn_text(), graph, arguments.epochs)
    for purpose, nodes in (("training", graph.train), ("validation", graph.validation), ("test", graph.test)):
        print(f"accuracy on {nodes.sum():,} {purpose} nodes: {accuracy(model, graph, nodes):.2%}")
    if not arguments.mlp:
        arguments.out.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(arguments.out / "gcn_text.npz", allow_pickle=False, **state_of(model))
        print(f"written to {arguments.out}")


if __name__ == "__main__":
    main()

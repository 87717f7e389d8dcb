"""Classifies the images that were emitted with the network, compares every bit, and measures: demo.py PORT."""

from __future__ import annotations

import sys

import numpy as np
from onespike import OneSpike


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python demo.py PORT, such as /dev/ttyUSB0 or COM3")
    net = OneSpike(sys.argv[1])
    samples = np.load("samples.npz")
    images = samples["images"]
    logits = net.logits(images)
    classes = logits.reshape(len(logits), logits.shape[1], -1).max(axis=2).argmax(axis=1)
    print("classes", " ".join(str(number) for number in classes))
    if "logits" in samples:
        differ = int((logits != samples["logits"]).sum())
        print(f"{logits.size - differ} of {logits.size} logits are those of the golden model, bit for bit")
    print(f"{net.benchmark(images)['images_per_second']:.1f} images a second")


if __name__ == "__main__":
    main()

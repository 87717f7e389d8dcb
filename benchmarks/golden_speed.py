"""The golden model beside the float network under torch: images a second and memory, on the same cores.

Each run is a process of its own, so that its memory is its own: what it takes beyond its libraries and images. Both
take the same images, torch 64 at a time (faster than all at once) and in inference mode, on the same number of
threads.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

import onespike_hw as oh
from benchmarks.accelerator.cases import folder, random_mlp, root_net, shipped_net, test_images
from onespike_hw.convert import zoo

AIM = 0.5
"""Of the float network's images a second."""
BATCH = 64
ROUNDS = 7
PROCESSES = 3
"""Of each, in turn; the fastest counts, so that what else runs on the machine for a while hits neither."""
GROWTH = 8
"""Times as many images, for what memory grows with."""

Answer = Callable[[NDArray[np.float32]], object]


@dataclass(frozen=True)
class Speed:
    """Images a second, the median of ROUNDS; MiB by which the peak of the process exceeds what was there before."""

    rate: float
    mebibytes: float


def run(console: Console, images: int) -> None:
    table = Table("network", "model", "images", "images a second", "to compare with", "memory")
    table.add_column(f"at {GROWTH} times as many images")
    table.title = f"golden model (settled) and torch (float32, {BATCH} at a time), {os.cpu_count()} cores, in this run"
    for name, (_, net) in NETWORKS.items():
        path = folder(f"golden-{name}.onespike")
        path.parent.mkdir(parents=True, exist_ok=True)
        net().save(path)
        runs = [{who: _in_process(name, who, images) for who in MODELS} for _ in range(PROCESSES)]
        best = {who: max((run[who] for run in runs), key=lambda speed: speed.rate) for who in MODELS}
        for who in MODELS:
            few, many = best[who], _in_process(name, who, GROWTH * images)
            ratio = few.rate / best["torch"].rate
            table.add_row(
                name,
                who,
                f"{images:,}",
                f"{few.rate:,.0f}",
                _compared(name, ratio) if who == "golden" else "",
                f"{few.mebibytes:,.0f} MiB",
                f"{many.mebibytes:,.0f} MiB",
            )
    console.print(table)


def _compared(name: str, ratio: float) -> str:
    return f"{ratio:.2f} of torch" + (f"; aim {AIM}" if name == "cnn" else "")


def _in_process(name: str, who: str, images: int) -> Speed:
    command = [sys.executable, "-m", "benchmarks.golden_speed", name, who, str(images)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ChildProcessError(f"{name}, {who}: {done.stderr.strip().splitlines()[-1]}")
    rate, mebibytes = done.stdout.split()
    return Speed(float(rate), float(mebibytes))


def _golden(name: str) -> Answer:
    net = oh.load(folder(f"golden-{name}.onespike"))
    return lambda images: oh.golden.run(net, images, codes=False).logits


def _torch(name: str) -> Answer:
    model = NETWORKS[name][0]()

    def answer(images: NDArray[np.float32]) -> object:
        with torch.inference_mode():
            return [model(torch.from_numpy(images[first : first + BATCH])) for first in range(0, len(images), BATCH)]

    return answer


MODELS = {"torch": _torch, "golden": _golden}
NETWORKS = {
    "cnn": (lambda: zoo.load_model("fashion-cnn"), shipped_net),
    "mlp": (random_mlp, lambda: root_net(random_mlp())),
}
"""The float network, and its converted one."""


def _rate(answer: Answer, images: NDArray[np.float32]) -> float:
    answer(images)
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        answer(images)
        seconds.append(time.perf_counter() - began)
    return len(images) / median(seconds)


def _status(field: str) -> float:
    """VmRSS or VmHWM of this process, in MiB. (ru_maxrss would hold the peak of the process that started this one.)"""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field)]
    return int(line.split()[1]) / 1024


def _main(name: str, who: str, count: int) -> None:
    tests = test_images(count)
    images = np.resize(tests, (count, *tests.shape[1:]))
    answer = MODELS[who](name)
    before = _status("VmRSS")
    print(_rate(answer, images), _status("VmHWM") - before)


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2], int(sys.argv[3]))

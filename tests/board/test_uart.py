"""Chips behind a UART, and the driver in front of them: every bit, every fault, no warning."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from onespike_hw.network import Network
from rtl_sim.cocotb_runner import UART, run_bench
from tests.networks import build, conv, flatten, linear, random_inputs
from tests.rtl.designs import emit


def classifier() -> Network:
    return build(np.random.default_rng(1), (3, 5, 5), [conv(4, 3), flatten(), linear(3)])


def segmenter() -> Network:
    """A map of logits, which are more bytes than the pixels."""
    return build(np.random.default_rng(2), (2, 4, 5), [conv(3, 1, stride=2)])


def signed_words() -> Network:
    """Input integers of 12 bits, signed, in beats of 16; a vector. Both layers are loaded."""
    return build(np.random.default_rng(3), (6,), [linear(4), linear(2)], input_bits=12, input_signed=True)


NETWORKS = {"classifier": classifier, "segmenter": segmenter, "signed_words": signed_words}
QUICKEST = ("classifier", "verilator")
RUNS = [
    pytest.param(name, simulator, marks=() if (name, simulator) == QUICKEST else pytest.mark.verify)
    for name in NETWORKS
    for simulator in ("icarus", "verilator")
]


@pytest.mark.parametrize(("name", "simulator"), RUNS)
def test_faults_lose_no_later_image_and_the_driver_sees_every_bit(
    name: str, simulator: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    net = NETWORKS[name]()
    x = random_inputs(np.random.default_rng(4), net, 4)
    loaded = tuple(layer.name for layer in net.layers) if name == "signed_words" else ()
    design = emit(net, tmp_path / "design", board="icebreaker", loaded=loaded)
    objects = tmp_path_factory.getbasetemp() / f"objects_{simulator}"
    run_bench(design, x, simulator, tmp_path / "work", bench=UART, objects=objects)

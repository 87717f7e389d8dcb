"""Every kind of layer and every odd shape under cocotb, on Icarus and on Verilator, with random pauses and a reset."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from onespike_hw.errors import SimulatorError
from onespike_hw.network import Network
from rtl_sim.cocotb_runner import run_bench
from tests.cases import CASES
from tests.networks import avgpool, build, conv, flatten, linear, maxpool, random_inputs
from tests.rtl.designs import emit


def every_kind() -> Network:
    """Every kind of layer in one network: a build of Verilator takes longer than a simulation."""
    layers = [
        conv(4, 3, padding=1),
        maxpool(3, 2, 1),
        conv(8, 2, groups=4),
        conv(6, 2, stride=(1, 2), padding=1, groups=2),
        avgpool(3, 2, 1),
        flatten(),
        linear(8),
        linear(3),
    ]
    return build(np.random.default_rng(7), (3, 9, 11), layers, input_signed=True, zero_point=(-128, 5, 127))


NETWORKS = {**CASES, "every_kind": every_kind}
ON_VERILATOR = {"every_kind", "general_base_wait_1", "logits_are_images"}
"""What Verilator sees here: it sees the others in `make verify`."""

RUNS = [
    pytest.param(
        name, simulator, marks=pytest.mark.verify if simulator == "verilator" and name not in ON_VERILATOR else ()
    )
    for name in NETWORKS
    for simulator in ("icarus", "verilator")
]


@pytest.mark.parametrize(("name", "simulator"), RUNS)
def test_every_bit_of_every_layer(
    name: str, simulator: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    net = NETWORKS[name]()
    x = random_inputs(np.random.default_rng(5), net, 2)
    engines = 1 + sorted(NETWORKS).index(name) % 3
    design = emit(net, tmp_path / "design", engines)
    objects = tmp_path_factory.getbasetemp() / f"objects_{simulator}"
    run_bench(design, x, simulator, tmp_path / "work", pause_in=0.2, pause_out=0.3, seed=engines, objects=objects)


def test_no_images(tmp_path: Path) -> None:
    net = CASES["mlp"]()
    with pytest.raises(SimulatorError, match="no images; give at least one"):
        run_bench(emit(net, tmp_path / "design"), random_inputs(np.random.default_rng(5), net, 0), "icarus", tmp_path)

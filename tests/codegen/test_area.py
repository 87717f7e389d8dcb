"""What the planner expects a layer to take of the chip, by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import onespike_hw as oh
from onespike_hw.codegen.area import engine_resources
from tests.networks import build, conv, flatten, linear


def test_a_power_of_two_takes_no_multiplier(tmp_path: Path) -> None:
    layers = [conv(2, 3, padding=1), conv(3, 3), flatten(), linear(4)]
    net = build(np.random.default_rng(3), (1, 6, 6), layers)
    engine = oh.generate(net, out=tmp_path / "design").plan.engines[1]
    assert engine.schedule is not None
    assert [q.bit_count() == 1 for q in engine.schedule.multipliers].count(True) == 1
    assert engine.classes == 2
    assert engine_resources(engine).dsps == engine.lane_groups + engine.sliced / 2

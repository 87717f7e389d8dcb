"""What yosys reads is what simulators read: a design that it has read and written again, against the golden model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import onespike_hw as oh
from onespike_hw.tools import native_yosys
from tests.cases import CASES
from tests.networks import random_inputs
from tests.rtl.designs import emit

SHAPES = ("avgpool_overlapping_padded", "conv_padded", "padding_over_kernel", "wait_2", "zero_point_signed")


@pytest.mark.parametrize("case", [c if c in SHAPES else pytest.param(c, marks=pytest.mark.verify) for c in CASES])
def test_a_design_behaves_as_yosys_reads_it(case: str, tmp_path: Path) -> None:
    net = CASES[case]()
    design = emit(net, tmp_path / "design", engines=2)
    rtl = design.path / "rtl"
    sources = sorted(rtl.glob("*.sv"))
    names = " ".join(path.name for path in sources)
    script = f"read_verilog -sv {names}; hierarchy -top onespike_top; proc; write_verilog -noattr read.v"
    native_yosys(["-q", "-p", script], rtl)
    for path in sources:
        path.unlink()
    (rtl / "read.v").rename(rtl / "onespike_top.sv")
    x = random_inputs(np.random.default_rng(1), net, 2)
    result = oh.simulate(design, x, "icarus", pause_in=0.2, pause_out=0.2)
    difference = oh.golden.first_difference(net, oh.golden.run(net, x), result.codes, result.logits)
    assert difference is None, str(difference)

"""The shipped CNN: a thousand images, every bit of every layer."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import onespike_hw as oh
from onespike_hw import golden, hls_model
from onespike_hw.codegen.board import load_board
from onespike_hw.codegen.planner import plan_network
from tests.hls.projects import emit

pytest.importorskip("torch")

SECONDS = 120


def processor_time() -> float:
    """Seconds of this process and of the compiler, one behind the other: what a clock shows on an idle machine."""
    return sum(os.times()[:4])


@pytest.mark.verify
def test_a_thousand_images_of_the_cnn_in_two_minutes(tmp_path: Path) -> None:
    from onespike_hw.convert.zoo import load_calibration, load_images, load_model

    net = oh.convert(load_model("fashion-cnn"), load_calibration("fashion-mnist"), timesteps=8, base="root")
    shipped, _ = load_images("fashion-mnist")
    x = np.concatenate([shipped, shipped[..., ::-1], shipped[..., ::-1, :], np.roll(shipped, 3, axis=-1)])[:1000]
    folder = emit(net, plan_network(net, load_board("pynq")), tmp_path / "design")
    start = processor_time()
    result = hls_model.build(folder).predict(x)
    assert processor_time() - start < SECONDS
    assert len(x) == 1000
    assert golden.first_difference(net, golden.run(net, x), result.codes, result.logits) is None

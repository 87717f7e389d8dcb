"""The emitted C++ test bench: it passes on the golden vectors, under the sanitizers too, and fails on others."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from onespike_hw import hls_model
from onespike_hw.errors import SimulatorError
from onespike_hw.network import Network
from tests.cases import CASES, GRAPH_CASES
from tests.hls.projects import emit, golden_vectors, some_plan
from tests.networks import build, linear

PATTERN = "-ftrivial-auto-var-init=pattern"
"""Fills variables that the code forgets to set (g++ 12), so that what depends on them goes wrong."""


def _takes(flag: str) -> bool:
    command = [hls_model.find_compiler(), flag, "-fsyntax-only", "-x", "c++", "-"]
    return subprocess.run(command, input=b"", capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(
    "build_case",
    [CASES["wait_2"], CASES["depthwise"], GRAPH_CASES["weighted_edges"]],
    ids=["wait_2", "depthwise", "graph"],
)
def test_clean_under_the_sanitizers_and_without_a_warning(build_case: Callable[[], Network], tmp_path: Path) -> None:
    net = build_case()
    folder = emit(net, some_plan(net, seed=3), tmp_path / "design", golden_vectors(net, images=2))
    pattern = [flag for flag in (PATTERN,) if _takes(flag)]
    said = hls_model.run_bench(folder, flags=(*hls_model.SANITIZERS, "-Werror", *pattern))
    assert said == "2 images, 0 wrong logits\n"


def test_tells_a_wrong_logit(tmp_path: Path) -> None:
    net = build(np.random.default_rng(2), (6,), (linear(3), linear(2)))
    x, logits = golden_vectors(net)
    logits[1, 1] += 1
    folder = emit(net, some_plan(net, seed=1), tmp_path / "design", (x, logits))
    with pytest.raises(SimulatorError, match=f"image 1, logit 1: expected {logits[1, 1]}, got {logits[1, 1] - 1}"):
        hls_model.run_bench(folder, flags=(hls_model.STANDARD, "-O0"))


def test_without_golden_vectors_the_bench_says_so(tmp_path: Path) -> None:
    net = build(np.random.default_rng(2), (6,), (linear(2),))
    folder = emit(net, some_plan(net, seed=1), tmp_path / "design")
    with pytest.raises(SimulatorError, match="hold no golden vectors of this network"):
        hls_model.run_bench(folder, flags=(hls_model.STANDARD, "-O0"))

"""Streams of the depth that the pragmas give them: no process waits for ever, as it never would in C simulation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from onespike_hw import hls_model
from onespike_hw.errors import SimulatorError
from tests.cases import CASES, GRAPH_CASES, RESIDUAL_CASES
from tests.hls.projects import emit, golden_vectors, some_plan

BOUNDED = Path(__file__).parent / "bounded"
FLAGS = (hls_model.STANDARD, "-O0", "-pthread", f"-I{BOUNDED}")


def _run_processes_side_by_side(folder: Path) -> None:
    """Make a thread of each process of a dataflow region, and give each stream its depth."""
    sources = folder / "hls" / "src"
    for path in (sources / "onespike_top.cpp", *(sources / "layers").glob("*.h")):
        region = re.compile(r"^#pragma HLS DATAFLOW\n(.*?)^}$", re.DOTALL | re.MULTILINE)
        path.write_text(region.sub(_threaded, path.read_text()))


def _threaded(region: re.Match[str]) -> str:
    body = re.sub(r"^#pragma HLS STREAM variable=(\w+) depth=(\d+)$", r"hls::set_depth(\1, \2);", region[1], flags=re.M)
    body = re.sub(r"^\s+(\w+_engine\(.*\);)$", r"running.start([&, engine] { \1 });", body, flags=re.M)
    body = re.sub(r"^\s+((?:onespike::\w+<\w+>|\w+_layer)\(.*\);)$", r"running.start([&] { \1 });", body, flags=re.M)
    return f"hls::processes running;\n{body}running.finish();\n}}"


def _plays(case: str, out: Path) -> str:
    net = {**CASES, **RESIDUAL_CASES, **{f"graph_{name}": build for name, build in GRAPH_CASES.items()}}[case]()
    folder = emit(net, some_plan(net, seed=7), out, golden_vectors(net, images=2))
    _run_processes_side_by_side(folder)
    return hls_model.run_bench(folder, flags=FLAGS)


@pytest.mark.parametrize("case", ["maxpool_2", "two_blocks_avgpool", "graph_hub"])
def test_streams_of_the_given_depth_suffice(case: str, tmp_path: Path) -> None:
    assert _plays(case, tmp_path / "design") == "2 images, 0 wrong logits\n"


@pytest.mark.verify
@pytest.mark.parametrize(
    "case",
    [
        *("kernel_7x5", "depthwise_multiplier_2", "avgpool_of_average", "stride_over_kernel", "mlp"),
        *sorted(set(RESIDUAL_CASES) - {"two_blocks_avgpool"}),
    ],
)
def test_streams_of_the_given_depth_suffice_in_other_cases(case: str, tmp_path: Path) -> None:
    assert _plays(case, tmp_path / "design") == "2 images, 0 wrong logits\n"


@pytest.mark.verify
def test_a_deadlock_is_seen(tmp_path: Path) -> None:
    net = CASES["mlp"]()
    folder = emit(net, some_plan(net, seed=7), tmp_path / "design", golden_vectors(net, images=2))
    _run_processes_side_by_side(folder)
    layer = folder / "hls" / "src" / "layers" / "linear2.h"
    layer.write_text(layer.read_text().replace("hls::set_depth(sums, 2);", "hls::set_depth(sums, 0);"))
    with pytest.raises(SimulatorError, match="deadlock"):
        hls_model.run_bench(folder, flags=FLAGS)


@pytest.mark.verify
def test_a_queue_that_is_too_short_is_seen(tmp_path: Path) -> None:
    """The shortcut has to hold what its main branch is behind."""
    net = RESIDUAL_CASES["identity"]()
    folder = emit(net, some_plan(net, seed=7), tmp_path / "design", golden_vectors(net, images=2))
    _run_processes_side_by_side(folder)
    top = folder / "hls" / "src" / "onespike_top.cpp"
    shorter = re.sub(r"set_depth\(stem_words_1, \d+\)", "set_depth(stem_words_1, 2)", top.read_text())
    assert shorter != top.read_text()
    top.write_text(shorter)
    with pytest.raises(SimulatorError, match="deadlock"):
        hls_model.run_bench(folder, flags=FLAGS)

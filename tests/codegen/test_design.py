"""`oh.generate`: what lies in the folder, its determinism, and its refusals."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest

import onespike_hw as oh
from onespike_hw.codegen.activity import Activity
from onespike_hw.codegen.board import load_board
from onespike_hw.codegen.layout import lay_out
from onespike_hw.codegen.memories import ladder_nodes, packed_words
from tests.cases import CASES


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_what_lies_in_the_folder(tmp_path: Path) -> None:
    design = oh.generate(CASES["maxpool_2"](), board="pynq", out=tmp_path / "pynq")
    names = _contents(design.path)
    assert {"onespike.json", "plan.json", "network.onespike", "rtl/onespike_top.sv", "sim/tb.sv"} <= set(names)
    assert oh.load(design.path / "network.onespike").save(tmp_path / "again.onespike") is None
    assert (tmp_path / "again.onespike").read_bytes() == names["network.onespike"]


def test_the_same_bytes_whatever_the_path_and_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = oh.generate(CASES["wait_2"](), out=tmp_path / "a")
    monkeypatch.setitem(os.environ, "USER", "somebody")
    monkeypatch.chdir(tmp_path)
    second = oh.generate(CASES["wait_2"](), out="deep/b")
    assert _contents(first.path) == _contents(second.path)
    assert not any(str(tmp_path).encode() in content for content in _contents(first.path).values())


def test_a_design_is_opened_again(tmp_path: Path) -> None:
    design = oh.generate(CASES["maxpool_2"](), out=tmp_path / "pynq", activity={"conv1": Activity(0.9)})
    again = oh.load_design(tmp_path / "pynq")
    assert again.board == design.board
    assert [stage.estimated_cycles for stage in again.plan.engines] == [s.estimated_cycles for s in design.plan.engines]
    assert [(s.lanes, s.engines) for s in again.plan.engines] == [(s.lanes, s.engines) for s in design.plan.engines]


def test_a_folder_that_is_no_design(tmp_path: Path) -> None:
    with pytest.raises(oh.OneSpikeError, match="holds no design; make one with onespike-hw gen"):
        oh.load_design(tmp_path)
    oh.generate(CASES["mlp"](), out=tmp_path / "pynq")
    (tmp_path / "pynq" / "plan.json").write_text("{}")
    with pytest.raises(oh.OneSpikeError, match=r"plan\.json: missing or damaged"):
        oh.load_design(tmp_path / "pynq")


def test_an_existing_folder_is_left_alone_without_force(tmp_path: Path) -> None:
    out = tmp_path / "pynq"
    oh.generate(CASES["mlp"](), out=out)
    before = _contents(out)
    with pytest.raises(oh.OneSpikeError, match="--force"):
        oh.generate(CASES["wait_2"](), out=out)
    assert _contents(out) == before
    oh.generate(CASES["wait_2"](), out=out, force=True)
    assert _contents(out) != before


def test_a_network_that_does_not_fit_says_what_is_short(tmp_path: Path) -> None:
    board = dataclasses.replace(load_board("pynq"), name="tiny", luts=900, dsps=4)
    with pytest.raises(oh.OneSpikeError, match=r"tiny: the network does not fit; .* LUTs.*It would fit .*pynq"):
        oh.generate(CASES["maxpool_2"](), board=board, out=tmp_path / "tiny")
    assert list(tmp_path.iterdir()) == []


def test_unknown_board_and_backend(tmp_path: Path) -> None:
    with pytest.raises(oh.OneSpikeError, match=r"nonsense.*pynq"):
        oh.generate(CASES["mlp"](), board="nonsense", out=tmp_path / "x")
    with pytest.raises(oh.OneSpikeError, match=r"backend 'vhdl' is unknown; use 'verilog' or 'hls'"):
        oh.generate(CASES["mlp"](), out=tmp_path / "x", backend="vhdl")


def _search(earlier: np.ndarray, later: np.ndarray, levels: int, potential: int) -> int:
    """The ternary search as templates/verilog/ladder_search.sv walks it."""
    position = 0
    for level in range(levels):
        node = (3**level - 1) // 2 + position
        digit = 0 if potential >= earlier[node] else 1 if potential >= later[node] else 2
        position = 3 * position + digit
    return position


@pytest.mark.parametrize("case", ["timesteps_1", "timesteps_3", "wait_settled", "timesteps_32"])
def test_the_ladder_memory_gives_the_first_step_reached(case: str) -> None:
    plan = lay_out(CASES[case](), 64, {})
    for engine in (e for e in plan.engines if e.layer.fires):
        ladder = engine.layer.ladder
        assert ladder is not None
        earlier, later = ladder_nodes(engine, 0)
        nodes = 1 << engine.node_bits
        for potential in sorted({int(v) + d for v in ladder[0] for d in (-1, 0, 1)}):
            code = _search(earlier[:nodes], later[:nodes], engine.levels, potential)
            assert code == int((potential < ladder[0]).sum())


def test_packed_words_keep_the_first_field_lowest() -> None:
    assert packed_words(np.array([[1, -1, 3]], np.int8), 4) == "3f1\n"
    assert packed_words(np.array([[1, -1], [0, 2]], np.int8), 5) == "3e1\n040\n"

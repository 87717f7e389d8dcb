"""Longest paths of logic: what yosys estimates of a small design."""

from __future__ import annotations

from pathlib import Path

import pytest

import onespike_hw as oh
from onespike_hw.errors import ToolError
from onespike_hw.paths import longest_paths
from tests.cases import CASES


def test_each_module_of_a_design_which_stays_as_it_is(tmp_path: Path) -> None:
    design = oh.generate(CASES["single_conv"](), board="pynq", out=tmp_path / "design")
    calls = []
    paths = longest_paths(design, lambda done, total: calls.append((done, total)))
    assert {path.module for path in paths} == {"conv1_engine", "conv1_layer"}
    assert calls == [(1, 2), (2, 2)]
    assert paths[0].nanoseconds >= paths[1].nanoseconds
    assert 0.5 < paths[0].nanoseconds < 20
    assert all(path.cells for path in paths)
    assert sorted(path.name for path in design.path.iterdir()) == sorted(
        path.name for path in oh.generate(CASES["single_conv"](), board="pynq", out=tmp_path / "again").path.iterdir()
    )


def test_other_families_have_their_clock_from_place_and_route(tmp_path: Path) -> None:
    design = oh.generate(CASES["single_conv"](), board="ulx3s-85f", out=tmp_path / "design")
    with pytest.raises(ToolError, match="ulx3s-85f: yosys knows delays of xc7 alone, not of ecp5; leave --paths out"):
        longest_paths(design)

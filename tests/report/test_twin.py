"""The dense twin beside the accelerator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from onespike_hw.dense_twin import DenseTwin, Fixed, TwinLayer
from onespike_hw.report import page, pictures
from tests.report.designs import Example, example
from tests.report.test_page import Page

TWIN = DenseTwin(
    logits=np.zeros((5, 3), np.float32),
    accuracy=0.8,
    float_accuracy=1.0,
    layers=(
        TwinLayer("conv1", Fixed(8, 1, True), Fixed(8, 3, False), reuse_factor=27, multipliers=4, cycles=1323),
        TwinLayer("linear6", Fixed(8, 0, True), Fixed(20, 9, True), reuse_factor=5, multipliers=3, cycles=5),
    ),
    compile_seconds=1.0,
    seconds_per_image=0.1,
    folder=Path("nowhere"),
)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Example:
    """Without the time that pictures take."""
    monkeypatch.setattr(pictures, "_svg", lambda size, draw: "<svg/>")
    return example()


def test_the_comparison_line_by_line(shown: Example) -> None:
    report = page.gather(shown.design, shown.run, shown.images, shown.labels, TWIN)
    found = Page(page.render(report))
    assert "Beside the dense twin" in found.titles
    lines = {row[0]: row[1:] for row in found.tables["comparison"]}
    assert report.figures.accuracy is not None
    assert lines["accuracy"] == [f"{100 * report.figures.accuracy:.2f} %", "80.00 %"]
    assert lines["accuracy of the trained network"] == ["100.00 %", "100.00 %"]
    assert lines["operations an image"][1] == f"{report.figures.multiplies:,} multiplies"
    assert lines["cycles an image"] == [f"{report.speed.cycles:,}, estimated", "at least 1,323"]
    assert lines["images a second at 100 MHz"][1] == "at most 75,586"
    assert lines["at work in a cycle"] == [f"{shown.design.plan.lanes:,} synapse lanes", "7 multipliers"]
    unknown = {name: cells[1] for name, cells in lines.items() if "not stated" in cells[1]}
    assert unknown == dict.fromkeys(
        ["LUTs", "block RAMs of 36 kbit", "DSP slices", "latency"], "not stated without Vitis"
    )
    assert found.tables["twin-layers"][1:] == [
        ["conv1", "ap_fixed<8,1,AP_RND,AP_SAT>", "ap_ufixed<8,3,AP_RND,AP_SAT>", "27", "4", "1,323"],
        ["linear6", "ap_fixed<8,0,AP_RND,AP_SAT>", "ap_fixed<20,9,AP_RND,AP_SAT>", "5", "3", "5"],
    ]


def test_no_twin_no_comparison(shown: Example) -> None:
    text = page.render(page.gather(shown.design, shown.run, shown.images, shown.labels))
    assert "twin" not in text


def test_nothing_is_said_of_an_accuracy_that_nobody_knows(shown: Example) -> None:
    report = page.gather(shown.design, shown.run, shown.images, None, TWIN)
    assert report.twin is not None
    assert report.twin.lines[0].ours == "not known"

"""The page: all in one file, the same bytes each time, with the numbers of the facts."""

from __future__ import annotations

import dataclasses
import html
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from onespike_hw import golden, measured
from onespike_hw.convert.explain import input_meaning
from onespike_hw.measured import Cells, Placed
from onespike_hw.paths import LongestPath
from onespike_hw.report import page, pictures
from onespike_hw.report.figures import count
from tests.cases import CASES, RESIDUAL_CASES
from tests.report.designs import Example, example, small

VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """Checks that tags are closed in order, and collects the cells of the tables by the table's id."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.sources: list[str] = []
        self.titles: list[str] = []
        self._rows: list[list[str]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self._rows = self.tables.setdefault(str(attributes["id"]), [])
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append("")
        self.sources += [str(attributes[name]) for name in ("src", "href") if name in attributes]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("td", "th"):
            self._rows[-1][-1] += data
        if self.open and self.open[-1] == "h2":
            self.titles.append(data)


def rendered(shown: Example, labelled: bool = True) -> str:
    labels = shown.labels if labelled else None
    return page.render(page.gather(shown.design, shown.run, shown.images, labels))


@pytest.fixture(scope="module")
def text() -> str:
    return rendered(example())


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the time that pictures take, where a test is about text."""
    monkeypatch.setattr(pictures, "_svg", lambda size, draw: "<svg/>")


def test_one_file_that_needs_nothing_else(text: str) -> None:
    found = Page(text)
    assert len(found.sources) == 4
    assert all(source.startswith("data:image/svg+xml;base64,") for source in found.sources)
    assert "<script" not in text
    assert "url(" not in text


def test_the_same_bytes_each_time(text: str) -> None:
    assert rendered(example()) == text
    assert "nowhere" not in text


def test_the_tables_hold_every_layer_and_stage(text: str) -> None:
    tables = Page(text).tables
    assert [row[0] for row in tables["layers"][1:]] == ["conv1", "maxpool2", "conv3", "linear5", "linear6"]
    stages = [row[0] for row in tables["stages"][1:]]
    assert stages == ["pixels in", "conv1", "maxpool2", "conv3", "linear5", "linear6", "logits out"]
    assert all(len(row) == len(rows[0]) for name, rows in tables.items() if name != "stages" for row in rows)
    assert {len(row) for row in tables["stages"]} == {8}
    assert [row[0] for row in tables["resources"][1:]] == ["LUTs", "block RAMs of 36 kbit", "DSP slices"]
    assert [row[0] for row in tables["pixels"][1:]] == ["0", "1", "2"]


def test_what_an_input_value_is(text: str) -> None:
    shown = example()
    for line in input_meaning(shown.design.net):
        assert line in html.unescape(text)


def test_the_numbers_are_those_of_the_facts(text: str) -> None:
    shown = example()
    report = page.gather(shown.design, shown.run, shown.images, shown.labels)
    assert report.figures.accuracy is not None
    for tile in (
        f"{100 * np.mean(shown.run.predictions == shown.labels):.2f} %",
        f"{report.figures.sops:,.0f}",
        f"{report.speed.cycles:,}",
        f"{shown.design.plan.weight_memory_bits:,}",
    ):
        assert f"<b>{tile}</b>" in text
    row = next(row for row in Page(text).tables["layers"] if row[0] == "conv3")
    assert row[2:4] == ["6 × 2 × 2", "24"]
    assert row[6] == "384"


def test_the_slowest_stage_has_the_longest_bar(text: str) -> None:
    bars = re.findall(r'<div class="(slowest|)" style="width:([\d.]+)%">', text)
    assert ("slowest", "100.0") in bars
    assert all(float(width) < 100 for kind, width in bars if kind != "slowest")


@pytest.mark.usefixtures("undrawn")
def test_a_resource_beyond_its_budget_stands_out() -> None:
    shown = example()
    report = page.gather(shown.design, shown.run, shown.images, shown.labels)
    luts = dataclasses.replace(report.resources[0], needed=80_000.0)
    text = page.render(dataclasses.replace(report, resources=[luts, *report.resources[1:]]))
    assert 'class="over" style="width:100.0%"' in text
    assert "201 %" in text


@pytest.mark.usefixtures("undrawn")
def test_what_place_and_route_measured(tmp_path: Path, undrawn: None) -> None:
    shown = example()
    (tmp_path / "pnr").mkdir()
    cells = (Cells("LUT4", 4_409, 5_280),)
    measured.save(tmp_path, Placed("design.bin", 24.0, 31.99, cells, {"yosys": "0.70"}, 13_090.0, 253.5))
    design = dataclasses.replace(shown.design, path=tmp_path)
    text = page.render(page.gather(design, shown.run, shown.images, None))
    assert Page(text).tables["placed"][1] == ["LUT4", "4,409", "5,280"]
    assert "reaches <b>32.0 MHz</b>" in text
    assert "takes 1,833 images a second" in text


@pytest.mark.usefixtures("undrawn")
def test_longest_paths_in_their_order() -> None:
    shown = example()
    paths = [
        LongestPath("conv1_engine", 8.0, ("FDRE", "LUT6", "FDRE"), "step", "sum"),
        LongestPath("conv1_layer", 4.0, ("FDRE", "CARRY4"), "row", "row"),
    ]
    text = page.render(page.gather(shown.design, shown.run, shown.images, None, paths=paths))
    assert Page(text).tables["paths"][1:] == [
        ["conv1_engine", "8.00", "125", "step", "sum", "FDRE LUT6 FDRE"],
        ["conv1_layer", "4.00", "250", "row", "row", "FDRE CARRY4"],
    ]
    assert "paths" not in Page(page.render(page.gather(shown.design, shown.run, shown.images, None))).tables


def test_images_without_labels() -> None:
    assert "accuracy: the images have no labels" in rendered(example(), labelled=False)


@pytest.mark.usefixtures("undrawn")
def test_a_residual_network() -> None:
    """A sum has neurons and a spike of the shortcut is an operation, but nothing is multiplied."""
    net = RESIDUAL_CASES["two_blocks_avgpool"]()
    tables = Page(rendered(example(net))).tables
    rows = {row[0]: row for row in tables["layers"]}
    assert rows["a"][1].startswith("sum of a.conv2 and stem")
    assert [row[0] for row in tables["stages"][1:-1]] == [
        "pixels in",
        *(x.name for x in net.layers if x.kind != "flatten"),
    ]
    assert count(net, golden.run(net, example(net).images), None).densities.keys() == {
        layer.name for layer in net.layers if layer.weight is not None
    }


@pytest.mark.usefixtures("undrawn")
def test_names_are_shown_as_they_are() -> None:
    net = small()
    first, second, *others = net.layers
    named = (dataclasses.replace(first, name="<b>"), dataclasses.replace(second, inputs=("<b>",)), *others)
    tables = Page(rendered(example(dataclasses.replace(net, layers=named)))).tables
    assert tables["layers"][1][0] == "<b>"


@pytest.mark.parametrize(
    ("case", "says", "says_not"),
    [
        ("mlp", "in the order of the classes", "Strong activations spike early"),
        ("single_layer", "No layer of this network fires", "Base and ladder"),
        ("logits_are_images", "pixels, row by row; <code>m_axis_tlast</code>", "in the order of the classes"),
        ("input_signed", "a two&#39;s complement integer of 8 bits, -128 to 127", "an unsigned integer"),
        ("wait_0", "while input still arrives", "when all of its input is there"),
        ("timesteps_32", "T = 32", "T = 8"),
    ],
)
def test_networks_of_other_kinds(case: str, says: str, says_not: str) -> None:
    text = rendered(example(CASES[case](), count=2))
    Page(text)
    assert says in text
    assert says_not not in text

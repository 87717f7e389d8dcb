"""The accuracy benchmark: what it prints, and that it goes on where it was stopped."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.accuracy import __main__ as bench
from benchmarks.accuracy import subjects
from benchmarks.accuracy.cases import Case, cases
from benchmarks.accuracy.tables import TRAINED, switches_together, tables


def results() -> dict[str, dict[str, Any]]:
    """One result a case: the accuracy falls with its number."""
    return {
        case.key: {"accuracy": 0.9 - index / 1000, "base": 1.5, "sops": 2e6, "spikes": 0.4}
        for index, case in enumerate(cases("fashion-cnn"))
    }


def test_every_case_has_its_own_name() -> None:
    for model in ("fashion-cnn", "resnet20"):
        assert len({case.key for case in cases(model)}) == len(cases(model))


def test_tables() -> None:
    text = tables("fashion-cnn", results() | {TRAINED: {"accuracy": 0.92}}, images=10_000)
    assert "fashion-cnn, trained: 92.00 % of 10,000 images." in text
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in text.splitlines() if line.startswith("|")}
    assert rows["3"].startswith("| 3 | 6.80 | 2.60 | 7.40 | 8.00 | 2.90 | ")
    assert rows["convert's defaults"] == "| convert's defaults | 2.00, 2.00 | 2.10, 2.00 | 2.20, 2.00 |"
    assert "calibration off: maximum" in rows


def test_switches_of_several_networks_and_their_mean() -> None:
    better, worse = ({**results(), TRAINED: {"accuracy": trained}} for trained in (0.91, 0.92))
    lines = switches_together({"one": better, "two": worse}).splitlines()
    assert lines[2] == "|  | one | two | mean |"
    assert lines[4] == "| convert's defaults | 1.10 | 2.10 | 1.60 |"


def test_a_second_call_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (done, *missing) = cases("fashion-cnn")
    kept = results()[done.key]
    journal = tmp_path / "fashion-cnn-20.jsonl"
    journal.write_text(json.dumps({"case": done.key, **kept}) + "\n")
    called: list[Case] = []

    def measured(case: Case, *_: object) -> dict[str, Any]:
        called.append(case)
        return results()[case.key]

    monkeypatch.setattr(bench, "measure", measured)
    monkeypatch.setattr(subjects, "fashion_mnist", lambda _: _few_images())
    monkeypatch.setattr(
        sys, "argv", ["accuracy", "fashion-cnn", "--out", str(tmp_path), "--images", "20", "--threads", "1"]
    )
    bench.main()
    assert called == missing
    told = [json.loads(line)["case"] for line in journal.read_text().splitlines()]
    assert sorted(told) == sorted([TRAINED, *(case.key for case in cases("fashion-cnn"))])
    assert "| 3 | " in (tmp_path / "tables.md").read_text()
    called.clear()
    bench.main()
    assert called == []


def _few_images() -> tuple[Any, Any]:
    images, labels = bench.zoo.load_images("fashion-mnist")
    return (images[:20] * 255).round().astype("uint8"), labels[:20]


@pytest.mark.parametrize("case", [Case(4, "float", float_weights=True), Case(4, "INT8", {"base": "root"})])
def test_a_case_is_measured(case: Case) -> None:
    images, labels = bench.zoo.load_images("fashion-mnist")
    calibration = bench.zoo.load_calibration("fashion-mnist")
    subject = bench.Subject("fashion-cnn", bench.model_of("fashion-cnn", None), calibration, images[:40], labels[:40])
    found = bench.measure(case, subject)
    assert found["accuracy"] > 0.8
    assert case.float_weights or (found["base"] == 2**0.75 and found["sops"] > 1e6 and 0 < found["spikes"] < 1)

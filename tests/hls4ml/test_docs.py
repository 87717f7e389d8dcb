"""The examples of hls4ml in docs/hls.md run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "hls.md"


@pytest.mark.verify
def test_the_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    _, whole, mixed = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(whole, str(PAGE), "exec"), names)
    assert "equal on every bit: True" in capsys.readouterr().out
    run = names["run"]
    exec(compile(mixed, str(PAGE), "exec"), names)
    classes = np.argmax(names["logits"] * run.scale, axis=1)
    np.testing.assert_array_equal(classes, run.predictions)

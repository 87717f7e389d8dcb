"""The first example of docs/hls.md, the HLS project, runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from onespike_hw import hls_model

PAGE = Path(__file__).parents[2] / "docs" / "hls.md"

pytest.importorskip("torch")


@pytest.mark.verify
def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    example, *_ = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(example, str(PAGE), "exec"), names)
    assert "first difference: None\n" in capsys.readouterr().out
    assert hls_model.run_bench(names["design"].path) == "4 images, 0 wrong logits\n"

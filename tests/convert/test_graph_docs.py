"""The examples of docs/graph.md run as they stand there, and give the numbers that it tells."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "graph.md"


def test_the_examples_run_and_say_what_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    text = PAGE.read_text()
    names: dict[str, Any] = {}
    for example in re.findall(r"^```python\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL):
        exec(compile(example, str(PAGE), "exec"), names)
    words, potential, found, accuracy = capsys.readouterr().out.splitlines()
    assert words == "['arcade', 'chromium', 'fast', 'shooter', 'space', 'style']"
    assert re.fullmatch(r"conv1 potential \d+ phase 2", potential)
    assert found == "found: games"
    assert 79.5 < float(accuracy.split()[0]) < 82
    graph, net = names["graph"], names["net"]
    assert f"{graph.nodes:,} packages" in text
    assert f"{net.graph.edges:,} with self loops" in text
    assert f"{net.graph.degrees.max()} at most" in text
    assert f"{(net.graph.degrees == 1).sum()} nodes" in text

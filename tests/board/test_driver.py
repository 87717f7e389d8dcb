"""The emitted driver folder, as text: what boards can read, and the same bytes every time."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import onespike_hw as oh
from onespike_hw.codegen import axi, driver
from onespike_hw.codegen.board import load_board
from onespike_hw.codegen.layout import lay_out
from tests.cases import CASES
from tests.networks import Spec, build, conv, flatten, linear

OLDEST_PYTHON = (3, 8)
"""Of the boards: PYNQ 2.7."""


def test_only_boards_with_processors_or_a_uart_have_a_driver(tmp_path: Path) -> None:
    for board, there in (("pynq", True), ("kv260", True), ("arty-a7-100", False), ("ulx3s-85f", True)):
        design = oh.generate(CASES["mlp"](), board=board, out=tmp_path / board)
        assert (design.path / "driver" / "onespike" / "device.py").exists() == there


@pytest.mark.parametrize(("board", "own"), [("pynq", "registers"), ("icebreaker", "protocol")])
def test_the_driver_is_python_that_a_board_reads(board: str, own: str) -> None:
    files = driver.render(lay_out(CASES["mlp"](), 8, {}), load_board(board), None)
    sources = {name: text for name, text in files.items() if name.endswith(".py")}
    assert {"__init__", "device", "network", own} <= {Path(name).stem for name in sources}
    for name, text in sources.items():
        tree = ast.parse(text, name, feature_version=OLDEST_PYTHON)
        roots = {
            (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name) or ""
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
        }
        outside = {root.split(".")[0] for root in roots} - {
            "__future__",
            "binascii",
            "collections",
            "json",
            "pathlib",
            "sys",
            "time",
            "typing",
        }
        assert outside <= {"onespike", "numpy", "pynq" if board == "pynq" else "serial"}, name


def test_samples_are_the_images_given_or_noise() -> None:
    net = CASES["zero_point_signed"]()
    plan, board = lay_out(net, 64, {}), load_board("pynq")
    noise = np.load(io.BytesIO(driver.render(plan, board, None)["samples.npz"]))
    assert noise["images"].shape == (driver.SAMPLES, *net.input_shape)
    assert noise["images"].min() >= net.input_range[0]
    assert noise["images"].max() <= net.input_range[1]
    assert "logits" not in noise
    x = noise["images"][:3].astype(np.int64)
    logits = oh.golden.run(net, x).logits
    samples = np.load(io.BytesIO(driver.render(plan, board, (x, logits))["samples.npz"]))
    assert np.array_equal(samples["images"], x)
    assert np.array_equal(samples["logits"], logits)


@pytest.mark.parametrize("layers", [[conv(2, 2), conv(3, 2)], [conv(2, 2), conv(3, 1)], [flatten(), linear(4)]])
def test_logits_have_the_shape_of_the_golden_model(layers: list[Spec]) -> None:
    net = build(np.random.default_rng(1), (1, 3, 3), layers)
    shape = driver.facts(lay_out(net, 64, {}), load_board("pynq"))["logit_shape"]
    assert oh.golden.run(net, np.zeros((2, *net.input_shape), np.int64)).logits.shape == (2, *shape)


def test_the_notebook_is_the_script() -> None:
    document = json.loads(driver.notebook("# %% [markdown]\n# # Title\n#\n# text\n\n# %%\nx = 1\n\nprint(x)\n"))
    assert [cell["cell_type"] for cell in document["cells"]] == ["markdown", "code"]
    assert ["".join(cell["source"]) for cell in document["cells"]] == ["# Title\n\ntext", "x = 1\n\nprint(x)"]
    assert document["nbformat"] == 4


def test_the_header_compiles_and_agrees_with_the_page(tmp_path: Path) -> None:
    files = axi.render(lay_out(CASES["mlp"](), 64, {}))
    (tmp_path / "onespike_registers.h").write_text(files["onespike_registers.h"])
    (tmp_path / "use.c").write_text(
        '#include "onespike_registers.h"\n'
        '_Static_assert(ONESPIKE_STATUS == 0x4c && ONESPIKE_STATUS_CUT_SHORT_SHIFT == 8, "");\n'
        '_Static_assert(ONESPIKE_STATUS_CUT_SHORT_MASK == 0x100, "");\n'
        '_Static_assert(ONESPIKE_MAGIC_VALUE_MASK == 0xffffffff && ONESPIKE_MAGIC_VALUE_VALUE == 0x4f53504b, "");\n'
    )
    done = subprocess.run(["gcc", "-Wall", "-Werror", "-fsyntax-only", "use.c"], cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    assert "| `0x4c` | `status` |" in files["registers.md"]


def test_the_driver_sends_the_single_spikes_of_the_golden_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = dataclasses.replace(CASES["mlp"](), input_levels=(12, 7, 3))
    design = oh.generate(net, board="pynq", out=tmp_path / "design")
    monkeypatch.syspath_prepend(design.path / "driver")
    module = importlib.import_module("onespike.network")
    low, high = net.input_range
    steps = np.random.default_rng(0).uniform(low, high, (4, *net.input_shape))
    x = (steps - net.input_offset) * net.input_scale
    expected = oh.golden.quantize_input(net, x)
    assert np.array_equal(module.Network.load().quantize(x), expected)
    assert set(np.unique(np.abs(expected - net.input_zero_point))) <= {0, 3, 7, 12}
    for name in [name for name in sys.modules if name.partition(".")[0] == "onespike"]:
        del sys.modules[name]

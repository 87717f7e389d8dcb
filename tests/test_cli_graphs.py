"""Networks over graphs on the command line: the shipped one, and one's own."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import onespike_hw as oh
from onespike_hw import cli, golden
from onespike_hw.convert.text_graph import load_text_graph

MODEL = """
import torch
import onespike_hw as oh

def trained():
    torch.manual_seed(1)
    edges = oh.nn.adjacency(40, torch.arange(39), torch.arange(1, 40))
    return torch.nn.Sequential(oh.nn.GraphConv(6, 8, edges), torch.nn.ReLU(), oh.nn.GraphConv(8, 3, edges))
"""


def test_the_shipped_network_is_evaluated_on_the_held_out_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["eval", "--model", "gcn-text", "--base", "root", "--timesteps", "6"]) == 0
    text = capsys.readouterr().out
    held_out = int(load_text_graph("debian-packages").test.sum())
    assert f"accuracy is that of {held_out} held-out nodes" in text
    found = re.search(r"accuracy +ANN ([\d.]+) %, SNN ([\d.]+) %, SNN INT8 ([\d.]+) %", text)
    assert found is not None
    trained, *spiking = map(float, found.groups())
    assert 80 < trained < 84
    assert all(share > trained - 0.3 for share in spiking)
    assert re.search(r"input +integers 0\.\.1; ", text)


def test_a_converted_network_over_a_graph_is_evaluated_from_its_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "gcn.onespike")
    assert cli.main(["convert", "--model", "gcn-text", "-o", out]) == 0
    graph, net = load_text_graph("debian-packages"), oh.load(out)
    text = capsys.readouterr().out
    multiplies = 1024 * 32 * graph.nodes + 32 * net.graph.edges
    assert re.search(rf"conv1 +graphconv +32 x {graph.nodes} +yes +{multiplies:,}", text)
    assert cli.main(["eval", "--network", out]) == 0
    share = np.mean((golden.run(net, graph.dense).predictions[0] == graph.labels)[graph.test])
    assert f"SNN INT8 {100 * share:.2f} %" in capsys.readouterr().out


def test_a_network_over_a_graph_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(1)
    features = rng.random((40, 6), np.float32)
    labels = rng.integers(0, 3, 40)
    labels[:5] = -1
    (tmp_path / "gcn.py").write_text(MODEL)
    np.save(tmp_path / "calibration.npy", features)
    np.savez(tmp_path / "data.npz", images=features[None], labels=labels[None])
    own = ["--model", f"{tmp_path / 'gcn.py'}:trained", "--calibration", str(tmp_path / "calibration.npy")]
    assert cli.main(["convert", *own, "-o", str(tmp_path / "own.onespike")]) == 0
    assert cli.main(["eval", *own, "--data", str(tmp_path / "data.npz")]) == 0
    net = oh.load(tmp_path / "own.onespike")
    assert net.input_bits == 8
    share = np.mean((golden.run(net, features).predictions[0] == labels)[5:])
    assert f"SNN INT8 {100 * share:.2f} %" in capsys.readouterr().out

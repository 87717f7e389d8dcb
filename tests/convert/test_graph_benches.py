"""The benchmarks of graph networks, on little."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmarks import large_graph
from benchmarks.accuracy import graphs
from examples.debian_packages.train import fit
from onespike_hw import golden
from onespike_hw.convert.text_graph import load_text_graph
from onespike_hw.convert.zoo import gcn_text, mlp_text


def test_the_tables_have_a_row_for_each_conversion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphs, "TIMESTEPS", (3, 6))
    monkeypatch.setattr(graphs, "BASES", ("root",))
    monkeypatch.setattr(graphs, "NODE_BITS", (16, 48))
    graph = load_text_graph("debian-packages")
    torch.manual_seed(0)
    models = [fit(gcn_text(), graph, epochs=3) for _ in range(2)]
    text = graphs.tables(models, [fit(mlp_text(), graph, epochs=3)] * 2, graph)
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| ")]
    by_start = [row[0].removeprefix("| ") for row in rows]
    assert by_start == ["T", "---", "3", "6", "node_bits", "---", "16", "48"]
    assert rows[-1][-1].startswith("0.00000")


def test_a_large_graph_is_a_network_like_any_other() -> None:
    result = large_graph.measure(3000, 30_000)
    assert result.nodes == 3000
    assert abs(result.edges - 30_000) < 100
    assert result.sops > result.edges * large_graph.WIDTH * 2
    net = large_graph.over(large_graph.converted(10.0), large_graph.random_edges(500, 5000, seed=0))
    features = np.random.default_rng(0).integers(0, 256, (500, large_graph.WIDTH))
    codes = golden.run(net, features).codes["2"]
    assert 0.1 < (codes == net.timesteps).mean() < 0.9, "share of silent neurons"

"""The graph of Debian packages: how it is built, what ships, and the network that is trained on it."""

from __future__ import annotations

from importlib import resources

import numpy as np
import pytest
import torch

import onespike_hw as oh
from examples.debian_packages import build_graph, train
from onespike_hw.convert import zoo
from onespike_hw.convert.datasets import DatasetError, shipped
from onespike_hw.convert.float_model import predict
from onespike_hw.convert.text_graph import from_arrays, load_text_graph, to_arrays

INDEX = """\
Package: alpha-game
Section: games
Description: a puzzle game
 in a window
Depends: libc6 (>= 2), libpuzzle1, alpha-data (= 1) | beta
Tag: role::program

Package: alpha-data
Section: games
Description: data for the puzzle game

Package: beta
Section: contrib/net
Description: Mail client
Suggests: libpuzzle1:any

Package: gamma
Section: net
Description: reads Mail
Pre-Depends: libpuzzle1
Version: 1

Package: gamma
Section: net
Description: an older one
Version: 0

Package: delta
Section: games
Description: transitional dummy package

Package: libpuzzle1
Section: libs
Description: library
"""


def test_a_package_index_becomes_a_graph() -> None:
    """alpha-game names alpha-data and beta, and shares the need of libpuzzle1 with gamma; beta only suggests that."""
    graph = build_graph.build(INDEX.splitlines())
    assert graph.names == ("alpha-data", "alpha-game", "beta", "gamma")
    assert [graph.classes[label] for label in graph.labels] == ["games", "games", "net", "net"]
    edges = set(zip(graph.source.tolist(), graph.target.tolist(), strict=True))
    assert edges == {(0, 1), (1, 0), (1, 2), (2, 1), (1, 3), (3, 1)}
    words = [{graph.words[word] for word in np.flatnonzero(row)} for row in graph.dense]
    assert words[0] == {"alpha", "data", "puzzle", "game"}
    assert words[1] == {"alpha", "puzzle", "game", "window"}
    assert words[3] == {"gamma", "reads", "mail"}
    assert (graph.train + graph.validation + graph.test == 1).all()


def test_what_many_packages_need_joins_none() -> None:
    packages = [{"Package": f"p{index}", "Depends": "common"} for index in range(build_graph.RARE)]
    assert len(build_graph.edges_between(packages, build_graph.RARE)) == build_graph.RARE * (build_graph.RARE - 1)
    assert build_graph.edges_between([*packages, {"Package": "p", "Depends": "common"}], build_graph.RARE) == set()


def test_a_graph_becomes_arrays_and_again_the_same_graph() -> None:
    graph = build_graph.build(INDEX.splitlines())
    again = from_arrays(to_arrays(graph))
    np.testing.assert_array_equal(again.dense, graph.dense)
    for field in ("labels", "train", "validation", "test", "source", "target"):
        np.testing.assert_array_equal(getattr(again, field), getattr(graph, field), strict=True)
    assert (again.classes, again.names, again.words) == (graph.classes, graph.names, graph.words)


def test_the_shipped_graph_fits_the_smallest_board_and_says_where_it_comes_from() -> None:
    graph = load_text_graph("debian-packages")
    assert graph.nodes <= 3000
    assert graph.features.shape[1] == 1024
    assert set(np.unique(graph.dense)) == {0.0, 1.0}
    edges = zoo.edges_of(graph).graph
    assert edges.edges == len(graph.source) + graph.nodes <= 48_000
    assert edges.degrees.max() > 100
    assert graph.train.sum() + graph.validation.sum() + graph.test.sum() == graph.nodes
    arrays = shipped("debian_packages.npz")
    assert "apt-cache dumpavail" in str(arrays["origin"])
    assert "licence" in str(arrays["licence"])
    file = resources.files("onespike_hw") / "models" / "debian_packages.npz"
    assert len(file.read_bytes()) < 3_000_000
    with pytest.raises(DatasetError, match="no graph called 'cora' is shipped; there are debian-packages"):
        load_text_graph("cora")


def test_the_shipped_network_loses_nothing_at_six_phases() -> None:
    graph, model = load_text_graph("debian-packages"), zoo.load_model("gcn-text")
    features = graph.dense
    net = oh.convert(model, features, timesteps=6, base="root", input_bits=1)
    run = oh.golden.run(net, features)

    def accuracy(found: np.ndarray) -> float:
        return float((found == graph.labels)[graph.test].mean())

    with torch.inference_mode():
        trained = accuracy(model(torch.from_numpy(features)).argmax(1).numpy())
    assert trained > 0.8
    assert accuracy(run.predictions[0]) > trained - 0.003
    assert accuracy(predict(model, features, features, timesteps=6, base="root", input_bits=1)) > trained - 0.003
    assert net.layers[0].shape[0] * graph.nodes * 20 <= 2_600_000, "bits of what all nodes send"


def test_training_learns_more_than_the_most_frequent_section() -> None:
    graph = load_text_graph("debian-packages")
    torch.manual_seed(1)
    model = train.fit(zoo.gcn_text(), graph, epochs=15)
    assert train.accuracy(model, graph, graph.validation) > 0.6
    assert set(train.state_of(model)) == set(shipped("gcn_text.npz"))

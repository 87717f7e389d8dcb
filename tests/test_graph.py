"""Graphs and networks over them: what is kept in a file, and what is refused."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import onespike_hw as oh
from onespike_hw.errors import NetworkError
from onespike_hw.graph import Graph, from_edges
from onespike_hw.network import Network, from_bytes, to_bytes
from tests.cases import CASES, GRAPH_CASES


def test_edges_in_any_order_become_rows() -> None:
    """1 -> 0, 3 -> 0, 2 -> 2 and 0 -> 3, of weights 7, 5, 6, 8; nothing goes into node 1."""
    graph = from_edges(4, source=[3, 2, 0, 1], target=[0, 2, 3, 0], edge_weight=[5, 6, 8, 7])
    assert graph.row_start.tolist() == [0, 2, 2, 3, 4]
    assert graph.column.tolist() == [1, 3, 2, 0]
    assert graph.edge_weight.tolist() == [7, 5, 6, 8]
    assert graph.degrees.tolist() == [2, 0, 1, 1]
    assert graph.edges == 4
    assert graph.source_scale.tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("name", ["weighted_edges", "three_layers", "per_layer_constants"])
def test_a_network_over_a_graph_is_saved_and_loaded_again(name: str, tmp_path: Path) -> None:
    net = GRAPH_CASES[name]()
    net.save(tmp_path / "net.onespike")
    loaded = oh.load(tmp_path / "net.onespike")
    assert to_bytes(loaded) == to_bytes(net)
    for field in dataclasses.fields(Graph):
        mine, theirs = getattr(net.graph, field.name), getattr(loaded.graph, field.name)
        np.testing.assert_array_equal(mine, theirs, field.name)
    assert [layer.shift for layer in loaded.layers] == [layer.shift for layer in net.layers]


def test_a_file_of_the_first_version_still_loads() -> None:
    """It knows neither graph nor shift."""
    net = CASES["mlp"]()
    with np.load(io.BytesIO(to_bytes(net))) as archive:
        arrays = {key: archive[key] for key in archive.files}
    header = json.loads(arrays.pop("header").tobytes())
    header["version"] = 1
    for entry in header["layers"]:
        del entry["shift"]
    stream = io.BytesIO()
    np.savez(stream, header=np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays)
    loaded = from_bytes(stream.getvalue())
    assert loaded.graph is None
    assert to_bytes(loaded) == to_bytes(net)


def example() -> Network:
    return GRAPH_CASES["weighted_edges"]()


def changed(net: Network, **fields: Any) -> Network:
    """The network with other fields of its graph."""
    return dataclasses.replace(net, graph=dataclasses.replace(net.graph, **fields))


def one_changed(values: np.ndarray, index: int, value: int) -> np.ndarray:
    values = values.copy()
    values[index] = value
    return values


def test_an_edge_to_a_node_that_does_not_exist_is_named() -> None:
    graph = example().graph
    edge = int(graph.row_start[4])
    with pytest.raises(
        NetworkError, match=rf"^graph: edge {edge}, from node 9 into node 4: there is no node 9; .*0\.\.8"
    ):
        dataclasses.replace(graph, column=one_changed(graph.column, edge, 9))
    with pytest.raises(
        NetworkError, match=r"^graph: edge 1, from node 2 into node 5: there is no node 5; the nodes are 0"
    ):
        from_edges(3, [0, 2], [1, 5])
    with pytest.raises(NetworkError, match=r"^graph: edge 0, from node -1 into node 0: there is no node -1"):
        from_edges(3, [-1], [0])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"nodes": 0}, "^graph: nodes: must be a plain int of at least 1, not 0"),
        ({"nodes": 8}, r"^graph: row_start: must have shape \(9,\), not \(10,\)"),
        ({"row_start": [1, 1, 2]}, "^graph: row_start: must begin with 0, not 1"),
        ({"row_start": [0, 2, 1]}, "^graph: row_start: must never fall"),
        ({"column": [0]}, r"^graph: column: must have shape \(2,\), not \(1,\)"),
        ({"column": [0, 0], "row_start": [0, 2, 2]}, "^graph: edge 1 into node 0 comes from node 0, the one before it"),
        ({"source_scale": [1, 1 << 15]}, r"^graph: source_scale: is 32768 for node 1, outside 0\.\.32767"),
        ({"target_scale": [-1, 1]}, r"^graph: target_scale: is -1 for node 0, outside 0\.\.32767"),
        ({"target_scale": [1, 1, 1]}, r"^graph: target_scale: must have shape \(2,\), not \(3,\)"),
        ({"edge_weight": [0, 1 << 15]}, r"^graph: edge_weight: is 32768 for edge 1, outside -32768\.\.32767"),
        ({"edge_weight": [1]}, r"^graph: edge_weight: must have shape \(2,\), not \(1,\)"),
    ],
)
def test_a_graph_that_breaks_the_contract_is_refused(fields: dict[str, Any], message: str) -> None:
    graph = example().graph if "nodes" in fields else from_edges(2, [0, 1], [0, 1])
    arrays = {name: np.array(value, np.int64) if isinstance(value, list) else value for name, value in fields.items()}
    with pytest.raises(NetworkError, match=message):
        dataclasses.replace(graph, **arrays)


def test_an_edge_that_is_there_twice_is_refused() -> None:
    with pytest.raises(NetworkError, match="edge 1 into node 2 comes from node 1, the one before it from 1"):
        from_edges(3, [1, 1], [2, 2])


def with_layer(net: Network, index: int, **fields: Any) -> tuple:
    layers = list(net.layers)
    layers[index] = dataclasses.replace(layers[index], **fields)
    return tuple(layers)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"wait": 6}, r"^wait: must be 7 \(settled\) in a network over a graph, not 6"),
        ({"input_shape": (5, 8)}, r"^input_shape: \(5, 8\) has features for 8 nodes, the graph has 9"),
        ({"input_shape": (5,)}, r"^input_shape: \(5,\) is not \(C, nodes\)"),
        ({"graph": None}, r"^input_shape: \(5, 9\) is not \(C, H, W\) or \(C,\); \(C, nodes\) needs a graph"),
        (
            {"graph": None, "input_shape": (5,)},
            "^graphconv1: a graphconv layer needs a graph, and the network has none",
        ),
        (
            {"input_zero_point": np.full(5, 256, np.int64)},
            r"^input_zero_point: must lie in 0\.\.255",
        ),
        ({"input_zero_point": np.zeros(9, np.int64)}, r"^input_zero_point: must have shape \(5,\), not \(9,\)"),
        ({"layers": (0, {"kind": "linear"})}, "^graphconv1: a linear layer cannot be in a network over a graph"),
        ({"layers": (1, {"shape": (3, 8)})}, r"^graphconv2: shape is \(3, 8\), must be \(C, 9\)"),
        ({"layers": (1, {"shape": (3,)})}, r"^graphconv2: shape is \(3,\), must be \(C, 9\)"),
        ({"layers": (1, {"shift": -1})}, r"^graphconv2: shift: must be a plain int, 0\.\.62, not -1"),
        ({"layers": (1, {"shift": 63})}, r"^graphconv2: shift: must be a plain int, 0\.\.62, not 63"),
        ({"layers": (1, {"groups": 2})}, "^graphconv2: groups must be 1, not 2"),
        ({"layers": (1, {"weight": None})}, "^graphconv2: weight: must be a numpy array"),
        ({"layers": (0, {"ladder": None})}, "^graphconv1: ladder: must be a numpy array"),
    ],
)
def test_a_network_over_a_graph_that_breaks_the_contract_is_refused(fields: dict[str, Any], message: str) -> None:
    net = example()
    if "layers" in fields:
        index, layer = fields["layers"]
        fields = {"layers": with_layer(net, index, **layer)}
    with pytest.raises(NetworkError, match=message):
        dataclasses.replace(net, **fields)


def test_another_kind_of_layer_has_no_shift() -> None:
    net = CASES["mlp"]()
    with pytest.raises(NetworkError, match=r"^linear1: shift: must be 0 in a linear layer, not 3"):
        dataclasses.replace(net, layers=with_layer(net, 0, shift=3))

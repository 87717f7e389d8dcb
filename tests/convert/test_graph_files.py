"""Graphs as others publish them, on small files of the same format; and pickles that want more than arrays."""

from __future__ import annotations

import os
import pickle
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from onespike_hw.convert.datasets import DatasetError
from onespike_hw.convert.graph_files import planetoid, text_gcn
from onespike_hw.convert.safe_pickle import read_pickle
from onespike_hw.convert.text_graph import UNLABELLED

PROTOCOLS = (0, 2, 4, "python 2")


def dumped(value: Any, protocol: int | str) -> bytes:
    """A pickle; "python 2": by the names that numpy and scipy had when the data sets were published."""
    if protocol != "python 2":
        return pickle.dumps(value, protocol)
    payload = pickle.dumps(value, 0, fix_imports=True)
    for new, old in (
        (b"numpy._core.multiarray", b"numpy.core.multiarray"),
        (b"scipy.sparse._csr", b"scipy.sparse.csr"),
    ):
        payload = payload.replace(new, old)
    return payload


def write(folder: Path, name: str, parts: dict[str, Any], protocol: int | str = 2) -> None:
    for end, value in parts.items():
        (folder / f"ind.{name}.{end}").write_bytes(dumped(value, protocol))


def one_hot(labels: list[int], classes: int = 3) -> np.ndarray:
    rows = np.eye(classes, dtype=np.int32)
    return np.array([rows[label] if label >= 0 else np.zeros(classes, np.int32) for label in labels])


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<i4", ">i8", "u1", "?"])
def test_arrays_and_matrices_are_read_as_they_were_written(protocol: int | str, dtype: str, tmp_path: Path) -> None:
    array = (np.arange(12).reshape(3, 4) % 5).astype(dtype)
    path = tmp_path / "it"
    for written in (array, np.asfortranarray(array), array[:0]):
        path.write_bytes(dumped(written, protocol))
        np.testing.assert_array_equal(read_pickle(path), written)
    matrix = csr_matrix(array.astype(array.dtype.newbyteorder("=")))
    path.write_bytes(dumped([matrix, {"a": [1, 2.5, "word"]}], protocol))
    found, others = read_pickle(path)
    np.testing.assert_array_equal(found.toarray(), matrix.toarray())
    assert others == {"a": [1, 2.5, "word"]}


def planetoid_parts() -> dict[str, Any]:
    """Five nodes with labels known, two of them to train on; nodes 8, 5 and 7 to test on, and node 6 is only named."""
    features = np.arange(20, dtype=np.float32).reshape(5, 4)
    tested = np.array([[80, 0, 0, 1], [50, 0, 0, 1], [70, 0, 0, 1]], np.float32)
    neighbours = defaultdict(list, {0: [1, 8, 0], 1: [0, 0], 2: [3], 6: [], 7: [8]})
    return {
        "x": csr_matrix(features[:2]),
        "y": one_hot([0, 1]),
        "tx": csr_matrix(tested),
        "ty": one_hot([2, 1, 0]),
        "allx": csr_matrix(features),
        "ally": one_hot([0, 1, 2, 2, 1]),
        "graph": neighbours,
    }


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_planetoid_files(protocol: int | str, tmp_path: Path) -> None:
    write(tmp_path, "cora", planetoid_parts(), protocol)
    (tmp_path / "ind.cora.test.index").write_text("8\n5\n7\n")
    graph = planetoid(tmp_path, "cora")
    assert graph.nodes == 9
    assert graph.dense[:, 0].tolist() == [0, 4, 8, 12, 16, 50, 0, 70, 80]
    assert graph.labels.tolist() == [0, 1, 2, 2, 1, 1, UNLABELLED, 0, 2]
    assert np.flatnonzero(graph.train).tolist() == [0, 1]
    assert np.flatnonzero(graph.validation).tolist() == [2, 3, 4]
    assert np.flatnonzero(graph.test).tolist() == [5, 7, 8]
    assert list(zip(graph.source.tolist(), graph.target.tolist(), strict=True)) == [
        (0, 1),
        (0, 8),
        (1, 0),
        (2, 3),
        (3, 2),
        (7, 8),
        (8, 0),
        (8, 7),
    ]
    assert graph.test_labels.tolist() == [-1, -1, -1, -1, -1, 1, -1, 0, 2]


def text_gcn_parts() -> dict[str, Any]:
    """Three documents to learn from, one of them to validate on, two words, and a document to test on."""
    rows = np.arange(15, dtype=float).reshape(5, 3)
    adjacency = np.zeros((6, 6))
    adjacency[0, 3], adjacency[1, 3], adjacency[2, 4], adjacency[5, 4], adjacency[3, 4] = 0.5, 1.5, 2.5, 3.5, 4.5
    adjacency[4, 3], adjacency[1, 1] = 5.5, 9.0
    return {
        "x": csr_matrix(rows[:2]),
        "y": one_hot([0, 1]),
        "tx": csr_matrix(rows[:1] + 100),
        "ty": one_hot([2]),
        "allx": csr_matrix(rows),
        "ally": one_hot([0, 1, 1, -1, -1]),
        "adj": csr_matrix(adjacency),
    }


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_text_gcn_files(protocol: int | str, tmp_path: Path) -> None:
    write(tmp_path, "R8", text_gcn_parts(), protocol)
    graph = text_gcn(tmp_path, "R8")
    assert graph.labels.tolist() == [0, 1, 1, UNLABELLED, UNLABELLED, 2]
    assert np.flatnonzero(graph.train).tolist() == [0, 1]
    assert np.flatnonzero(graph.validation).tolist() == [2]
    assert np.flatnonzero(graph.test).tolist() == [5]
    weights = dict(zip(zip(graph.source.tolist(), graph.target.tolist(), strict=True), graph.edge_weight, strict=True))
    once = {(0, 3): 0.5, (1, 3): 1.5, (2, 4): 2.5, (5, 4): 3.5, (3, 4): 5.5}
    assert weights == once | {(other, one): weight for (one, other), weight in once.items()}
    assert graph.dense[5].tolist() == [100, 101, 102]


class Trap:
    """Unpickled, it writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.path,)


class Command:
    """Unpickled, it runs a command."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("kind", [Trap, Command])
def test_a_pickle_that_calls_anything_else_is_refused_and_never_run(kind: type, protocol: int, tmp_path: Path) -> None:
    sprung, file = tmp_path / "sprung", tmp_path / "ind.cora.x"
    for value in (kind(sprung), [np.zeros(3), kind(sprung)], np.array([kind(sprung)], object)):
        file.write_bytes(pickle.dumps(value, protocol))
        with pytest.raises(
            DatasetError, match=r"ind\.cora\.x: it names \S+, which no array needs; nothing of it was run"
        ):
            read_pickle(file)
        assert not sprung.exists()
    pickle.loads(pickle.dumps(kind(sprung)))
    assert sprung.exists(), "the trap does not work"


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"", "not a pickle of arrays, or damaged"),
        (b"no pickle", "not a pickle of arrays, or damaged"),
        (pickle.dumps(np.arange(100.0))[:-200] + b".", "not a pickle of arrays, or damaged"),
        (pickle.dumps(np.array(["text", None], object)), "an array of type object; only numbers are read"),
        (b"c__builtin__\nlist\n(tR.", "not a pickle of arrays, or damaged"),
        (b"cnumpy._core.multiarray\n_reconstruct\n(c__builtin__\nlist\nI1\ntR.", "it makes an object that is no array"),
        (pickle.dumps({1, 2}, 0), r"it names \S+set, which no array needs"),
    ],
)
def test_a_file_that_holds_no_arrays_is_refused(payload: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "it").write_bytes(payload)
    with pytest.raises(DatasetError, match=message):
        read_pickle(tmp_path / "it")


def test_a_matrix_with_indices_outside_is_refused(tmp_path: Path) -> None:
    matrix = csr_matrix(np.eye(3))
    matrix.indices[1] = 7
    (tmp_path / "it").write_bytes(pickle.dumps(matrix))
    with pytest.raises(DatasetError, match="damaged"):
        read_pickle(tmp_path / "it")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"ind\.cora\.x: cannot be read \(No such file"):
        planetoid(tmp_path, "cora")


@pytest.mark.parametrize(
    ("changed", "index", "message"),
    [
        ({}, "8 5", r"test\.index: 2 test nodes, 3 rows of features"),
        ({}, "8 4 7", r"test\.index: node 4 is one of the 5 that are no test nodes"),
        ({}, "8 5 x", r"test\.index: cannot be read as a list of integers"),
        ({"graph": {0: [9]}}, "8 5 7", r"graph: an edge between 0 and 9, and the nodes are 0\.\.8"),
        ({"graph": [1, 2]}, "8 5 7", "graph: holds no dictionary of neighbours"),
        ({"ty": one_hot([1])}, "8 5 7", r"tx: 3 rows, labels of shape \(1, 3\) in ty"),
        ({"x": np.zeros((2, 4))}, "8 5 7", "x: holds no sparse matrix"),
    ],
)
def test_files_that_do_not_fit_each_other_are_refused(
    changed: dict[str, Any], index: str, message: str, tmp_path: Path
) -> None:
    write(tmp_path, "cora", planetoid_parts() | changed)
    (tmp_path / "ind.cora.test.index").write_text(index)
    with pytest.raises(DatasetError, match=message):
        planetoid(tmp_path, "cora")


def test_an_adjacency_of_the_wrong_size_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "R8", text_gcn_parts() | {"adj": csr_matrix(np.eye(5))})
    with pytest.raises(DatasetError, match=r"adj: an adjacency of shape \(5, 5\) for 6 nodes"):
        text_gcn(tmp_path, "R8")

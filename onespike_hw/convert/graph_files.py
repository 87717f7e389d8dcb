"""Graphs as others publish them: Planetoid (Cora, Citeseer, Pubmed) and TextGCN (20NG, R8, R52, Ohsumed, MR).

    graph = planetoid("data", "cora")
    graph = text_gcn("data", "R8")

Both come as pickles; safe_pickle reads them without running any. Sources: Yang, Cohen, Salakhutdinov, arXiv 1603.08861
(Planetoid); Yao, Mao, Luo, arXiv 1809.05679 (TextGCN). The files are not part of onespike-hw.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from onespike_hw.convert.datasets import DatasetError
from onespike_hw.convert.safe_pickle import read_pickle
from onespike_hw.convert.text_graph import UNLABELLED, TextGraph

Int64 = NDArray[np.int64]

_PLANETOID_VALIDATION = 500
_PARTS = ("x", "y", "tx", "ty", "allx", "ally")


def planetoid(folder: str | Path, name: str) -> TextGraph:
    """ind.NAME.x, .y, .tx, .ty, .allx, .ally, .graph and .test.index of a folder.

    The usual split: the labelled nodes of x train, the 500 behind them validate, those of test.index test. Edges are
    taken both ways, once, without self loops. Test nodes that are named but have no features, as in Citeseer, have none
    and no label.
    Raises DatasetError where a file is absent, damaged, names what no array needs, or does not fit the others.
    """
    base = Path(folder)
    parts = _read_parts(base, name)
    listed = _integers(base / f"ind.{name}.test.index")
    if len(listed) != parts["tx"].shape[0] or len(listed) == 0:
        what = f"{len(listed)} test nodes, {parts['tx'].shape[0]} rows of features"
        raise DatasetError(f"{base / f'ind.{name}.test.index'}: {what}; fetch both again")
    known = parts["allx"].shape[0]
    nodes = max(known, int(listed.max()) + 1)
    if int(listed.min()) < known:
        what = f"node {listed.min()} is one of the {known} that are no test nodes"
        raise DatasetError(f"{base / f'ind.{name}.test.index'}: {what}; fetch it again")
    features = _placed(parts["allx"], parts["tx"], listed, nodes)
    labels = np.full(nodes, UNLABELLED, np.int64)
    labels[:known] = _classes(parts["ally"])
    labels[listed] = _classes(parts["ty"])
    graph = read_pickle(base / f"ind.{name}.graph")
    if not isinstance(graph, dict):
        raise DatasetError(f"{base / f'ind.{name}.graph'}: holds no dictionary of neighbours; fetch it again")
    pairs = [(int(node), int(other)) for node, others in graph.items() for other in others]
    source, target = _both_ways(np.array(pairs, np.int64).reshape(-1, 2), nodes, base / f"ind.{name}.graph")
    trained = len(parts["y"])
    places = np.arange(nodes)
    return TextGraph(
        features=features,
        labels=labels,
        train=places < trained,
        validation=(places >= trained) & (places < min(trained + _PLANETOID_VALIDATION, known)),
        test=np.isin(places, listed) & (labels != UNLABELLED),
        source=source,
        target=target,
    )


def text_gcn(folder: str | Path, name: str) -> TextGraph:
    """ind.NAME.x, .y, .tx, .ty, .allx, .ally and .adj of a folder: documents and words are nodes.

    Training documents come first, then words, which have no label, then test documents. The rows of x train, the other
    training documents validate. Weights are those of the adjacency, made symmetric by the larger of both ways; its
    diagonal is left to the self loops of a GCN. The authors use one feature a node (the identity) in place of the
    features in these files: `features=scipy.sparse.eye_array(nodes)`.
    Raises DatasetError as `planetoid` does.
    """
    base = Path(folder)
    parts = _read_parts(base, name)
    known, tested = parts["allx"].shape[0], parts["tx"].shape[0]
    nodes = known + tested
    path = base / f"ind.{name}.adj"
    adjacency = read_pickle(path)
    if not isinstance(adjacency, csr_array) or adjacency.shape != (nodes, nodes):
        size = getattr(adjacency, "shape", None)
        raise DatasetError(f"{path}: an adjacency of shape {size} for {nodes} nodes; fetch all files again")
    larger = adjacency.maximum(adjacency.T).tocoo()
    into, sent = larger.coords
    apart = (into != sent) & (larger.data != 0)
    labels = np.concatenate([_classes(parts["ally"]), _classes(parts["ty"])])
    documents = int(np.argmin(np.append(labels[:known], UNLABELLED) != UNLABELLED))
    places = np.arange(nodes)
    return TextGraph(
        features=csr_array(vstack([parts["allx"], parts["tx"]]), dtype=np.float32),
        labels=labels,
        train=places < len(parts["y"]),
        validation=(places >= len(parts["y"])) & (places < documents),
        test=places >= known,
        source=sent[apart].astype(np.int64),
        target=into[apart].astype(np.int64),
        edge_weight=larger.data[apart].astype(np.float64),
    )


def _read_parts(folder: Path, name: str) -> dict[str, Any]:
    """Features as sparse matrices and one-hot labels as arrays, by the ends of their files' names."""
    parts = {part: read_pickle(folder / f"ind.{name}.{part}") for part in _PARTS}
    for rows, labels in (("x", "y"), ("tx", "ty"), ("allx", "ally")):
        path = folder / f"ind.{name}.{rows}"
        if not isinstance(parts[rows], csr_array):
            raise DatasetError(f"{path}: holds no sparse matrix; fetch it again")
        if np.ndim(parts[labels]) != 2 or len(parts[labels]) != parts[rows].shape[0]:
            what = f"{parts[rows].shape[0]} rows, labels of shape {np.shape(parts[labels])} in {labels}"
            raise DatasetError(f"{path}: {what}; fetch both again")
    return parts


def _integers(path: Path) -> Int64:
    try:
        return np.array([int(line) for line in path.read_text().split()], np.int64)
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: cannot be read as a list of integers ({error})") from error


def _classes(one_hot: NDArray[Any]) -> Int64:
    """Index of the one, or UNLABELLED where a row is all 0."""
    return np.where(one_hot.any(axis=1), one_hot.argmax(axis=1), UNLABELLED).astype(np.int64)


def _placed(known: csr_array, tested: csr_array, places: Int64, nodes: int) -> csr_array:
    """The known rows, then those of test nodes at their own places; empty rows in between."""
    row_of = np.full(nodes - known.shape[0], tested.shape[0])
    row_of[places - known.shape[0]] = np.arange(len(places))
    empty = csr_array((1, tested.shape[1]), dtype=np.float32)
    return csr_array(vstack([known, vstack([tested, empty]).tocsr()[row_of]]), dtype=np.float32)


def _both_ways(pairs: Int64, nodes: int, path: Path) -> tuple[Int64, Int64]:
    """Sources and targets of edges, each both ways and once, self loops left out."""
    outside = (pairs < 0) | (pairs >= nodes)
    if outside.any():
        edge = int(np.flatnonzero(outside.any(axis=1))[0])
        what = f"an edge between {pairs[edge, 0]} and {pairs[edge, 1]}, and the nodes are 0..{nodes - 1}"
        raise DatasetError(f"{path}: {what}; fetch all files again")
    apart = pairs[pairs[:, 0] != pairs[:, 1]]
    once = np.unique(np.concatenate([apart, apart[:, ::-1]]), axis=0)
    return once[:, 0], once[:, 1]

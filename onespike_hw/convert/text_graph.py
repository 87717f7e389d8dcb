"""Graphs whose nodes have features and labels: the shipped one, and what other data sets become. No torch here.

Source of the shipped one, debian-packages: Debian's package index (examples/debian_packages/build_graph.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from onespike_hw.convert.datasets import DatasetError, shipped

Int64 = NDArray[np.int64]
Mask = NDArray[np.bool_]

GRAPHS = ("debian-packages",)
"""Names that load_text_graph knows."""

UNLABELLED = -1
"""The label of a node that has none."""

TRAIN, VALIDATION, TEST = 0, 1, 2


@dataclass(frozen=True, eq=False)
class TextGraph:
    """N nodes, their words and their edges.

    features        sparse float32 (N, C)
    labels          int64 (N,): 0 .. number of classes - 1, or -1 for a node that has none
    train, validation, test  bool (N,): what a node is for; a node without a label is for nothing
    source, target  int64 (E,): the nodes that each edge comes from and goes into, an undirected one both ways; no self
                    loops
    edge_weight     float64 (E,), or None: every edge counts once
    classes         their names, where they have any
    names           of the nodes, or ()
    words           what each feature counts, or ()
    """

    features: csr_array
    labels: Int64
    train: Mask
    validation: Mask
    test: Mask
    source: Int64
    target: Int64
    edge_weight: NDArray[np.float64] | None = None
    classes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    @property
    def nodes(self) -> int:
        return int(self.features.shape[0])

    @property
    def dense(self) -> NDArray[np.float32]:
        """The features as a GCN takes them: float32 [N, C]."""
        return np.asarray(self.features.toarray(), np.float32)

    @property
    def test_labels(self) -> Int64:
        """Labels int64 (N,), -1 for every node that is not for testing."""
        return np.where(self.test, self.labels, UNLABELLED)


def load_text_graph(name: str) -> TextGraph:
    """A shipped graph; DatasetError where the name is unknown."""
    if name not in GRAPHS:
        raise DatasetError(f"no graph called {name!r} is shipped; there are {', '.join(GRAPHS)}")
    return from_arrays(shipped(f"{name.replace('-', '_')}.npz"))


def to_arrays(graph: TextGraph) -> dict[str, NDArray[Any]]:
    """A graph of binary features and unweighted edges as small arrays for one npz file; names as arrays of strings."""
    split = np.full(graph.nodes, 255, np.uint8)
    for number, mask in ((TRAIN, graph.train), (VALIDATION, graph.validation), (TEST, graph.test)):
        split[mask] = number
    ordered = graph.features.sorted_indices()
    return {
        "word_start": ordered.indptr.astype(np.uint32),
        "word": ordered.indices.astype(np.uint16),
        "labels": graph.labels.astype(np.int8),
        "split": split,
        "source": graph.source.astype(np.uint16),
        "target": graph.target.astype(np.uint16),
        "classes": np.array(graph.classes),
        "names": np.array(graph.names),
        "words": np.array(graph.words),
    }


def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> TextGraph:
    """Inverse of to_arrays; other arrays are passed over."""
    word = arrays["word"].astype(np.int32)
    start = arrays["word_start"].astype(np.int32)
    shape = (len(start) - 1, len(arrays["words"]))
    split = arrays["split"]
    return TextGraph(
        features=csr_array((np.ones(len(word), np.float32), word, start), shape=shape),
        labels=arrays["labels"].astype(np.int64),
        train=split == TRAIN,
        validation=split == VALIDATION,
        test=split == TEST,
        source=arrays["source"].astype(np.int64),
        target=arrays["target"].astype(np.int64),
        classes=tuple(arrays["classes"].tolist()),
        names=tuple(arrays["names"].tolist()),
        words=tuple(arrays["words"].tolist()),
    )

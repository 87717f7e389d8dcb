"""Build the graph of Debian packages that ships with onespike-hw, from one snapshot of Debian's package index.

    apt-cache dumpavail > packages.txt
    python examples/debian_packages/build_graph.py packages.txt --out build/debian_packages

The same snapshot always gives the same bytes. A node is a package of one of ten sections, its label the section, its
features which of 1,024 words occur in its name and its one-line description. Two packages are joined, both ways, where
one names the other (Depends, Suggests, Conflicts, ...), or where both depend on something that few others here depend
on. Of each section those packages are taken that have the most words and edges, up to eight words and four edges;
packages alike in that are taken in the order of a hash of their names. 60 % of each section are for training, 15 % for
validation, 25 % for testing, by another hash. Labels decide nothing but that.

Writes debian_packages.npz; `--out onespike_hw/models` renews what ships.
"""

from __future__ import annotations

import argparse
import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from onespike_hw.convert.text_graph import TEST, TRAIN, VALIDATION, TextGraph, to_arrays

SECTIONS = ("games", "science", "admin", "net", "graphics", "sound", "text", "web", "editors", "video")
PACKAGES_OF_A_SECTION = 300
WORDS = 1024
RARE = 6
"""What two packages both depend on joins them where at most this many packages here depend on it."""
RARE_AMONG_ALL = 5
"""The same when edges are counted to choose the packages."""
MOST_EDGES_COUNTED, MOST_WORDS_COUNTED, WORTH_OF_AN_EDGE = 4, 8, 2
SHARES = {TRAIN: 0.6, VALIDATION: 0.15}

NEEDS = ("Depends", "Pre-Depends", "Recommends")
RELATIONS = (*NEEDS, "Suggests", "Enhances", "Breaks", "Conflicts", "Provides", "Replaces")
STOP_WORDS = frozenset(
    "an and are as at be by for from in is it of on or that the this to with your".split()  # noqa: SIM905
)
ORIGIN = (
    "Built by examples/debian_packages/build_graph.py from `apt-cache dumpavail` of Debian 12 (bookworm, main, amd64, "
    "with security and updates), SHA-256 of the dump {digest}. Debian, https://www.debian.org"
)
LICENCE = (
    "Names, sections and relations of packages are facts of Debian's package index, which Debian distributes freely. "
    "The words are an unordered selection out of one-line descriptions, each of which is part of a package of Debian "
    "main and under that package's free licence (Debian Free Software Guidelines)."
)

Package = Mapping[str, str]
Edges = set[tuple[int, int]]


def packages_of(lines: Iterable[str]) -> Iterator[dict[str, str]]:
    """The stanzas of a package index; a field's continued lines are joined."""
    fields: dict[str, str] = {}
    field = ""
    for line in lines:
        text = line.rstrip("\n")
        if not text:
            if fields:
                yield fields
            fields = {}
        elif text[0] in " \t":
            fields[field] += text
        else:
            field, _, value = text.partition(":")
            fields[field] = value.strip()
    if fields:
        yield fields


def named_in(package: Package, fields: Sequence[str]) -> set[str]:
    """Packages that these relations of a package name, alternatives included."""
    items = (item for field in fields for item in re.split("[,|]", package.get(field, "")))
    return {re.split(r"[ (:\[]", item.strip())[0] for item in items} - {""}


def words_of(package: Package) -> set[str]:
    """The words of a package's name and description."""
    text = f"{package.get('Description', '')} {package['Package'].replace('-', ' ')}".lower()
    return set(re.findall(r"[a-z][a-z+]+[0-9]*", text)) - STOP_WORDS


def label_of(package: Package) -> int | None:
    """Index of the package's section; None where it is another one, or the package is empty."""
    section = package.get("Section", "").split("/")[-1]
    empty = re.search("transitional|dummy", package.get("Description", "").lower())
    return SECTIONS.index(section) if section in SECTIONS and not empty else None


def edges_between(packages: Sequence[Package], rare: int) -> Edges:
    """Pairs of packages, both ways, that name each other or share a rare dependency."""
    index = {package["Package"]: number for number, package in enumerate(packages)}
    edges: Edges = set()
    needing: dict[str, list[int]] = defaultdict(list)
    for number, package in enumerate(packages):
        for name in named_in(package, RELATIONS):
            other = index.get(name, number)
            if other != number:
                edges |= {(number, other), (other, number)}
        for name in named_in(package, NEEDS):
            needing[name].append(number)
    for group in needing.values():
        if len(group) <= rare:
            edges |= {(one, other) for one in group for other in group if one != other}
    return edges


def hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def chosen(candidates: Sequence[Package]) -> list[Package]:
    """Of each section the packages with the most words and edges; sorted by name."""
    degree = Counter(source for source, _ in edges_between(candidates, RARE_AMONG_ALL))
    by_label: dict[int, list[tuple[int, str, Package]]] = defaultdict(list)
    for number, package in enumerate(candidates):
        words = min(len(words_of(package)), MOST_WORDS_COUNTED)
        score = words + WORTH_OF_AN_EDGE * min(degree[number], MOST_EDGES_COUNTED)
        label = label_of(package)
        assert label is not None
        by_label[label].append((-score, hashed(package["Package"]), package))
    best = (sorted(group, key=lambda entry: entry[:2])[:PACKAGES_OF_A_SECTION] for group in by_label.values())
    return sorted((package for group in best for _, _, package in group), key=lambda package: package["Package"])


def split_of(names: Sequence[str], labels: Sequence[int]) -> np.ndarray:
    """What each node is for, uint8: the same shares of every section."""
    split = np.full(len(names), TEST, np.uint8)
    for label in set(labels):
        members = [number for number, own in enumerate(labels) if own == label]
        members.sort(key=lambda number: hashed(f"split {names[number]}"))
        first = 0
        for purpose, share in SHARES.items():
            last = first + round(share * len(members))
            split[members[first:last]] = purpose
            first = last
    return split


def vocabulary(texts: Collection[set[str]]) -> list[str]:
    """The words in most nodes, sorted."""
    counts = Counter(word for text in texts for word in text)
    return sorted(sorted(counts, key=lambda word: (-counts[word], word))[:WORDS])


def build(lines: Iterable[str]) -> TextGraph:
    """The graph of a package index."""
    by_name: dict[str, Package] = {}
    for package in packages_of(lines):
        by_name.setdefault(package["Package"], package)
    candidates = [by_name[name] for name in sorted(by_name) if label_of(by_name[name]) is not None]
    nodes = chosen(candidates)
    names = [package["Package"] for package in nodes]
    labels = [label for package in nodes if (label := label_of(package)) is not None]
    split = split_of(names, labels)
    texts = [words_of(package) for package in nodes]
    words = vocabulary(texts)
    place = {word: number for number, word in enumerate(words)}
    columns = [sorted(place[word] for word in text if word in place) for text in texts]
    starts = np.append(0, np.cumsum([len(row) for row in columns]))
    flat = np.array([column for row in columns for column in row], np.int32)
    edges = np.array(sorted(edges_between(nodes, RARE)), np.int64).reshape(-1, 2)
    return TextGraph(
        features=csr_array((np.ones(len(flat), np.float32), flat, starts), shape=(len(nodes), len(words))),
        labels=np.array(labels, np.int64),
        train=split == TRAIN,
        validation=split == VALIDATION,
        test=split == TEST,
        source=edges[:, 0],
        target=edges[:, 1],
        classes=SECTIONS,
        names=tuple(names),
        words=tuple(words),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("index", type=Path, help="what `apt-cache dumpavail` printed")
    parser.add_argument("--out", type=Path, default=Path("build/debian_packages"), help="folder to write to")
    arguments = parser.parse_args()
    text = arguments.index.read_text(encoding="utf-8")
    graph = build(text.splitlines())
    digest = hashlib.sha256(text.encode()).hexdigest()
    arguments.out.mkdir(parents=True, exist_ok=True)
    about = {"origin": np.array(ORIGIN.format(digest=digest)), "licence": np.array(LICENCE)}
    path = arguments.out / "debian_packages.npz"
    np.savez_compressed(path, allow_pickle=False, **to_arrays(graph), **about)
    degrees = np.bincount(graph.target, minlength=graph.nodes)
    loops = graph.nodes
    print(f"{graph.nodes:,} packages, {len(graph.words):,} words, {graph.features.nnz / graph.nodes:.1f} in each")
    print(f"{len(graph.source) + loops:,} edges with self loops; most at one node {degrees.max() + 1:,}")
    print(f"written to {path}, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()

"""Layer names as identifiers."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from onespike_hw.codegen.names import identifiers


def test_examples() -> None:
    names = ["features.0", "features_0", "0", "wire", "input", "a..b", "Wire", "größe", "."]
    assert identifiers(names) == {
        "features.0": "features_0",
        "features_0": "features_0_2",
        "0": "layer_0",
        "wire": "wire_layer",
        "input": "input_layer",
        "a..b": "a_b",
        "Wire": "Wire_layer_2",
        "größe": "gr_e",
        ".": "layer",
    }


@given(st.lists(st.text(max_size=8), unique=True))
def test_distinct_identifiers(names: list[str]) -> None:
    words = list(identifiers(names).values())
    assert len({word.lower() for word in words}) == len(names)
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", word) for word in words)

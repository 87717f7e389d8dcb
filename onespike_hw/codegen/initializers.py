"""Tables of integers as initializers of C arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_INT64_MIN = -(1 << 63)


def rows(table: NDArray[np.signedinteger]) -> str:
    """Initializer of a C array of several dimensions, one row a line."""
    return "{\n" + "".join(f"    {braced(row)},\n" for row in table.tolist()) + "}"


def braced(values: Iterable[Any]) -> str:
    """Nested initializer of a C array."""
    return "{" + ", ".join(braced(v) if isinstance(v, Sequence) else _literal(v) for v in values) + "}"


def _literal(value: int) -> str:
    """A C integer constant; the smallest one has no literal of its own."""
    if value == _INT64_MIN:
        return f"({_INT64_MIN + 1}LL - 1)"
    return f"{value}LL" if value.bit_length() > 31 else str(value)

"""Checks of a network's fields, each with an error that says where and what."""

from __future__ import annotations

from typing import Any

import numpy as np

from onespike_hw.errors import NetworkError


def need(condition: bool, where: str, what: str) -> None:
    """NetworkError where the condition does not hold."""
    if not condition:
        raise NetworkError(f"{where}: {what}")


def check_ints(values: Any, low: int, where: str) -> None:
    """Plain ints, none below `low`."""
    whole = all(type(value) is int and value >= low for value in values)
    need(whole, where, f"must be plain ints of at least {low}, not {values!r}")


def check_array(value: Any, dtype: type, shape: tuple[int, ...], where: str) -> None:
    """A numpy array of that type and shape; floats are finite."""
    need(isinstance(value, np.ndarray), where, f"must be a numpy array, not {type(value).__name__}")
    need(value.dtype == np.dtype(dtype), where, f"must be {np.dtype(dtype)}, not {value.dtype}")
    need(value.shape == shape, where, f"must have shape {shape}, not {value.shape}")
    if np.issubdtype(value.dtype, np.floating):
        need(bool(np.isfinite(value).all()), where, "must be finite")

"""Pickled arrays read without running what a pickle asks for.

A pickle is a program: it names functions and calls them. Data sets of graphs are published as pickles of numpy arrays,
scipy's CSR matrices and dictionaries of lists. This reader knows the names that those use, each as a stand-in that
only takes down what it is given; any other name is refused before anything is called. No numpy or scipy object is made
by the pickle itself.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from onespike_hw.convert.datasets import DatasetError

_KINDS = "biuf"


class _Recorded:
    """What a pickle made of one object: the arguments of its maker, and its state."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


def read_pickle(path: Path) -> Any:
    """What a pickle of arrays, CSR matrices, lists, dictionaries, numbers and strings holds.

    Arrays come back as numpy arrays, CSR matrices as scipy's csr_array.
    Raises DatasetError where the file cannot be read, is no pickle, or names anything else.
    """
    try:
        payload = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}); name the folder of the files") from error
    reader = _reader(payload, path)
    try:
        return _plain(reader.load())
    except DatasetError:
        raise
    except Exception as error:  # a damaged pickle raises anything at all
        raise DatasetError(f"{path}: not a pickle of arrays, or damaged ({error}); fetch it again") from error


def _reader(payload: bytes, path: Path) -> pickle.Unpickler:
    known = _stand_ins()

    class Reader(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            if (module, name) not in known:
                what = f"it names {module}.{name}, which no array needs; nothing of it was run"
                raise DatasetError(f"{path}: {what}; take the data from their authors")
            return known[module, name]

    return Reader(io.BytesIO(payload), encoding="latin1")


def _stand_ins() -> dict[tuple[str, str], Callable[..., Any]]:
    """Fresh for each file, so that none can leave its mark on the next."""

    class Array(_Recorded):
        pass

    class Type(_Recorded):
        pass

    class Matrix(_Recorded):
        pass

    def made(*arguments: Any) -> _Recorded:
        kind = arguments[0]
        if kind not in (Array, Matrix):
            raise ValueError("it makes an object that is no array")
        return Array() if kind is Array else Matrix()

    def encoded(text: str, encoding: str) -> bytes:
        return text.encode("latin1" if encoding == "latin1" else "ascii")

    def scalar(of: Any, payload: Any) -> Any:
        return np.frombuffer(_bytes(payload), _dtype(of))[0].item()

    def no_bytes() -> bytes:
        return b""

    def dictionary(*arguments: Any) -> dict[Any, Any]:
        return {}

    known: dict[tuple[str, str], Callable[..., Any]] = {
        ("numpy", "ndarray"): Array,
        ("numpy", "dtype"): Type,
        ("_codecs", "encode"): encoded,
        ("collections", "defaultdict"): dictionary,
        ("collections", "OrderedDict"): dictionary,
    }
    for module in ("builtins", "__builtin__"):
        known |= {(module, "list"): _Recorded, (module, "object"): _Recorded, (module, "bytes"): no_bytes}
    for module in ("copy_reg", "copyreg"):
        known[module, "_reconstructor"] = made
    for module in ("numpy.core.multiarray", "numpy._core.multiarray"):
        known |= {(module, "_reconstruct"): made, (module, "scalar"): scalar}
    for module in ("scipy.sparse.csr", "scipy.sparse._csr"):
        known |= {(module, "csr_matrix"): Matrix, (module, "csr_array"): Matrix}
    return known


def _plain(value: Any) -> Any:
    """The value with arrays and matrices in place of what was recorded of them."""
    if isinstance(value, _Recorded):
        return _matrix(value.state) if isinstance(value.state, dict) else _array(value.state)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_plain(item) for item in value)
    return value


def _array(state: Any) -> NDArray[Any]:
    _version, shape, kind, by_columns, payload = state
    dtype = _dtype(kind)
    values = np.frombuffer(_bytes(payload), dtype)
    return values.reshape(shape, order="F" if by_columns else "C").copy()


def _dtype(recorded: Any) -> np.dtype[Any]:
    """The type of an array; ValueError where it holds no plain numbers."""
    dtype = np.dtype(str(recorded.arguments[0]))
    if dtype.kind not in _KINDS:
        raise ValueError(f"an array of type {dtype}; only numbers are read")
    return dtype.newbyteorder(">") if recorded.state is not None and recorded.state[1] == ">" else dtype


def _matrix(state: dict[str, Any]) -> csr_array:
    shape = tuple(int(size) for size in state["_shape"])
    parts = [_array(state[part].state) for part in ("data", "indices", "indptr")]
    matrix = csr_array(tuple(parts), shape=shape)
    matrix.check_format(full_check=True)
    return matrix


def _bytes(payload: Any) -> bytes:
    return payload.encode("latin1") if isinstance(payload, str) else bytes(payload)

"""Conversion of torch modules: `onespike_hw.convert(model, calibration, ...)` gives a Network.

The package is itself the function, so that the call and the modules share one name; torch and Brevitas are imported
when it is first called.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onespike_hw.network import Network


class _Callable(ModuleType):
    """A module that can be called; see onespike_hw.convert.pipeline.convert for the arguments."""

    def __call__(self, *args: Any, **kwargs: Any) -> Network:
        from onespike_hw.convert.pipeline import convert

        return convert(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable

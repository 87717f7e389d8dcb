"""onespike-hw: from a trained ReLU network to a verified single-spike accelerator for FPGAs.

    net = oh.convert(model, calibration, timesteps=8)
    run = oh.golden.run(net, x)
    design = oh.generate(net, board="pynq", out="build/pynq")
    result = oh.simulate(design, x, simulator="verilator")

Everything is imported when it is first used, so that a part starts without the packages of the others.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from onespike_hw.errors import OneSpikeError
from onespike_hw.network import Layer, Network, load

if TYPE_CHECKING:
    from onespike_hw import dense_twin, golden, hls4ml, nn
    from onespike_hw.codegen import Design, generate, load_design
    from onespike_hw.convert.pipeline import convert
    from onespike_hw.simulation import SimulationResult, simulate

__all__ = [
    "Design",
    "Layer",
    "Network",
    "OneSpikeError",
    "SimulationResult",
    "convert",
    "dense_twin",
    "generate",
    "golden",
    "hls4ml",
    "load",
    "load_design",
    "nn",
    "simulate",
]
__version__ = "0.1.0"

_MODULES = ("convert", "dense_twin", "golden", "hls4ml", "nn")
_HOMES = {
    "Design": "onespike_hw.codegen",
    "generate": "onespike_hw.codegen",
    "load_design": "onespike_hw.codegen",
    "SimulationResult": "onespike_hw.simulation",
    "simulate": "onespike_hw.simulation",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"onespike_hw.{name}")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'onespike_hw' has no attribute {name!r}")

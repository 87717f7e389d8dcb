"""The one-spike neuron and the phase-coded layers as an extension of hls4ml (Vivado and Vitis backends).

    from onespike_hw import hls4ml as onespike_hls4ml

    onespike_hls4ml.register()
    model = onespike_hls4ml.to_torch(net)
    project = hls4ml.converters.convert_from_pytorch_model(model, backend="Vitis", ...)

hls4ml itself is imported when register() is called; see docs/hls.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onespike_hw.errors import ConversionError

if TYPE_CHECKING:
    from torch import nn

    from onespike_hw.network import Network

__all__ = ["register", "to_torch"]


def register() -> None:
    """Make the modules of onespike_hw.nn known to hls4ml; calling it again changes nothing.

    Raises ConversionError where hls4ml is missing.
    """
    try:
        from onespike_hw.hls4ml.registration import register_all
    except ImportError as error:
        raise ConversionError(f"hls4ml cannot be imported ({error}); pip install 'onespike-hw[hls]'") from error
    register_all()


def to_torch(net: Network) -> nn.Sequential:
    """The network as a torch model that hls4ml converts after register(): see onespike_hw.hls4ml.bridge."""
    from onespike_hw.hls4ml import bridge

    return bridge.to_torch(net)

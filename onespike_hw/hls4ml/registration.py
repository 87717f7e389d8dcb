"""What register() tells hls4ml: layers, handlers of torch modules, templates, C++ headers and one pass."""

from __future__ import annotations

from pathlib import Path

import hls4ml.backends
from hls4ml.converters import register_pytorch_layer_handler
from hls4ml.model.flow.flow import update_flow
from hls4ml.model.layers import layer_map, register_layer
from hls4ml.model.optimizer import register_pass

from onespike_hw.hls4ml.handlers import HANDLERS
from onespike_hw.hls4ml.layers import LAYERS
from onespike_hw.hls4ml.passes import ReorderFlattenedWeights
from onespike_hw.hls4ml.templates import TEMPLATES

BACKENDS = ("Vivado", "Vitis")
HEADERS = sorted((Path(__file__).parent / "firmware").glob("*.h"))


def register_all() -> None:
    """Register everything with hls4ml, once a process."""
    if all(layer_map.get(layer.__name__) is layer for layer in LAYERS):
        return
    for layer in LAYERS:
        register_layer(layer.__name__, layer)
    for name, handler in HANDLERS.items():
        register_pytorch_layer_handler(name, handler)
    for name in BACKENDS:
        backend = hls4ml.backends.get_backend(name)
        for template in TEMPLATES:
            backend.register_template(template)
        for header in HEADERS:
            backend.register_source(header)
    register_pass(ReorderFlattenedWeights.get_name(), ReorderFlattenedWeights)
    update_flow("convert", add_optimizers=[ReorderFlattenedWeights.get_name()])

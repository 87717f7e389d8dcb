"""What the C++ of a graph convolution shows: its widths, scales and edges."""

from __future__ import annotations

from typing import Any

import numpy as np

from onespike_hw.codegen.initializers import braced, rows
from onespike_hw.codegen.memories import edge_entries
from onespike_hw.codegen.plan import GraphPlan

_FIELDS = ("channels", "entries", "node_bits", "sent_bits", "z_bits", "row_bits", "potential_bits", "code_bits")
_SOURCE_FIELDS = ("engines", "passes", "classes", "lanes")


def constants_of(layer: GraphPlan, number: int, constant_bits: int, logit_bits: int) -> list[tuple[str, int]]:
    """What the functions of templates/hls/onespike/graph.h know of a layer, by the names that they use.

    number  of the stage in the plan; the engines that feed it are the stage before
    """
    source_bits, target_bits = (bits + 1 for bits in layer.scale_bits)
    found = [("stage", number), ("nodes_stage", number - 1), ("nodes", layer.graph.nodes)]
    found += [(name, int(getattr(layer, name))) for name in _FIELDS]
    found += [(name, int(getattr(layer.source, name))) for name in _SOURCE_FIELDS]
    found += [("source_scale_bits", source_bits), ("target_scale_bits", target_bits)]
    found += [("shift", layer.layer.shift), ("scaled_bits", max(layer.z_bits + source_bits, layer.layer.shift) + 2)]
    found += [("weighted", int(layer.weight_bits > 0)), ("weight_bits", layer.weight_bits or 2)]
    found += [("entry_bits", layer.entry_bits + 1), ("constant_bits", constant_bits), ("phases", layer.timesteps)]
    return [*found, ("out_n", layer.out.n), ("logit_bits", logit_bits)]


def tables_of(layer: GraphPlan) -> dict[str, Any]:
    """C initializers of its tables."""
    assert layer.layer.bias is not None
    tables = {
        "source_scale": braced(layer.graph.source_scale.tolist()),
        "target_scale": braced(layer.graph.target_scale.tolist()),
        "edges": braced(edge_entries(layer).tolist()),
        "bias": braced(layer.layer.bias.tolist()),
    }
    if layer.layer.ladder is not None:
        top = (1 << (layer.potential_bits - 1)) - 1
        tables["ladder"] = rows(np.clip(layer.layer.ladder, -top - 1, top))
    return tables

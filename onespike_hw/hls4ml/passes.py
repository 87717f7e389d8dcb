"""A pass over hls4ml's model graph."""

from __future__ import annotations

from typing import Any

from hls4ml.model.layers import Reshape, Transpose
from hls4ml.model.optimizer import OptimizerPass

from onespike_hw.hls4ml.layers import PhaseDense

_CHANNELS_FIRST = [2, 0, 1]


class ReorderFlattenedWeights(OptimizerPass):  # type: ignore[misc]
    """Transpose, Flatten, PhaseDense: reorder the weights in place of the image.

    hls4ml puts that transpose in front of every Flatten, as images are channels last; it removes it in front of its own
    Dense layers, io_parallel only. A stream would have to be stored and sent again.
    """

    def match(self, node: Any) -> bool:
        if not isinstance(node, PhaseDense):
            return False
        flatten = node.get_input_node()
        if not isinstance(flatten, Reshape) or len(flatten.get_output_nodes()) != 1:
            return False
        transpose = flatten.get_input_node()
        return isinstance(transpose, Transpose) and list(transpose.get_attr("perm")) == _CHANNELS_FIRST

    def transform(self, model: Any, node: Any) -> bool:
        transpose = node.get_input_node().get_input_node()
        weights = node.get_weights("synapse")
        image = transpose.get_output_variable().shape
        channels_first = weights.data.reshape(*image, -1)
        weights.data = channels_first.transpose(1, 2, 0, 3).reshape(-1)
        model.remove_node(transpose)
        return True

"""What leaves an implementation of a network, word by word, in the shapes of a golden run."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from onespike_hw.network import Int64, Network


def image_logits(net: Network, values: Int64, images: int) -> Int64:
    """Logits in the golden model's shape, from the order in which they leave: pixel by pixel, channel by channel."""
    if net.graph is not None:
        return values.reshape(images, net.graph.nodes, -1)
    channels, height, width = (*net.layers[-1].shape, 1, 1)[:3]
    maps = values.reshape(images, height, width, channels).transpose(0, 3, 1, 2)
    return maps.reshape(images, channels) if height * width == 1 else maps


def all_codes(net: Network, streamed: dict[str, NDArray[np.uint8]]) -> dict[str, NDArray[np.uint8]]:
    """The codes of the streams, and of the flatten layers, through which they pass unchanged."""
    codes = dict(streamed)
    for layer in net.layers:
        if layer.kind == "flatten" and layer.inputs[0] in codes:
            codes[layer.name] = codes[layer.inputs[0]].reshape(-1, *layer.shape)
    return codes

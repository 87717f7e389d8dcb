"""How busy a network keeps its accelerator: measured on the phase codes of a few images, for the planner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onespike_hw.codegen.schedule import Schedule, schedule
from onespike_hw.network import INPUT, Int64, Layer, Network

DENSITY = 0.4
"""Share of the inputs of a layer that spike, where nobody measured it."""

QUANTILES = 32


@dataclass(frozen=True)
class Activity:
    """What a layer reads.

    density       share of its input values that spike, 0..1
    pair_cycles   clocks that a window's spikes take when two of one phase are added at once, of QUANTILES equal shares
                  of all windows; none: from the density
    """

    density: float = DENSITY
    pair_cycles: tuple[float, ...] = ()


def measure(net: Network, codes: Mapping[str, NDArray[np.uint8]], inputs: Int64 | None = None) -> dict[str, Activity]:
    """Activity of each layer with weights, by its name.

    codes   layer name -> phase codes uint8 (n, C, H, W), (n, C) or (n, C, nodes), as a golden run gives them
    inputs  input integers of the same run, of which those that are not 0 count; None: all of them
    """
    result = {}
    for layer in net.layers:
        if layer.weight is None:
            continue
        source = _code_source(net, layer, codes)
        if source is None:
            result[layer.name] = Activity(1.0 if inputs is None else float((inputs != 0).mean()))
            continue
        spikes = codes[source]
        pairs: tuple[float, ...] = ()
        constants = net.constants_of(layer.inputs[0])
        if layer.kind == "conv" and source == layer.inputs[0] and constants is not None:
            steps = schedule(constants, settled=net.settled or not layer.fires)
            if steps.shift:
                pairs = _pair_cycles(layer, spikes, steps)
        result[layer.name] = Activity(float((spikes < net.timesteps).mean()), pairs)
    return result


def _pair_clocks(counts: NDArray[np.float64], shifts: bool, shift: int) -> NDArray[np.float64]:
    """Clocks for the spikes of one phase: two at once, but the first one alone where the accumulators shift."""
    if not shifts:
        return np.ceil(counts / 2)
    return shift - 1 + np.maximum(1, counts // 2 + 1)


def _code_source(net: Network, layer: Layer, codes: Mapping[str, NDArray[np.uint8]]) -> str | None:
    """The nearest layer before it whose codes are known; None behind the network's own input."""
    by_name = {other.name: other for other in net.layers}
    name = layer.inputs[0]
    while name != INPUT and name not in codes:
        name = by_name[name].inputs[0]
    return None if name == INPUT else name


def _pair_cycles(layer: Layer, codes: NDArray[np.uint8], steps: Schedule) -> tuple[float, ...]:
    """Clocks that the spikes of a window take: of QUANTILES equal shares of all windows, the mean of each."""
    _, rows, columns = layer.shape
    (kernel_h, kernel_w), (stride_h, stride_w), (pad_h, pad_w) = layer.kernel_size, layer.stride, layer.padding
    total = np.zeros((len(codes), rows, columns))
    for phase, shifts in zip(steps.order, steps.shifts, strict=True):
        fired = np.pad((codes == phase).sum(1), ((0, 0), (pad_h, pad_h), (pad_w, pad_w)))
        windows = np.lib.stride_tricks.sliding_window_view(fired, (kernel_h, kernel_w), axis=(1, 2))
        counts = windows[:, ::stride_h, ::stride_w][:, :rows, :columns].sum((-1, -2)).astype(np.float64)
        total += _pair_clocks(counts, shifts, steps.shift)
    return tuple(float(share.mean()) for share in np.array_split(np.sort(total, axis=None), QUANTILES))

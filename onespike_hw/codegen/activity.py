"""How busy a network keeps its accelerator: measured on the phase codes of a few images, for the planner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from onespike_hw.codegen.schedule import Schedule, schedule
from onespike_hw.golden.inputs import per_channel
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
    fold_cycles   the same where two phases share a drain (onespike_hw.codegen.schedule, folded)
    class_spikes  spikes of a window that drain together, drain by drain, each of QUANTILES equal shares of all windows;
                  none: not measured
    """

    density: float = DENSITY
    pair_cycles: tuple[float, ...] = ()
    fold_cycles: tuple[float, ...] = ()
    class_spikes: tuple[tuple[float, ...], ...] = ()


def measure(net: Network, codes: Mapping[str, NDArray[np.uint8]], inputs: Int64 | None = None) -> dict[str, Activity]:
    """Activity of each layer with weights, by its name.

    codes   layer name -> phase codes uint8 (n, C, H, W), (n, C) or (n, C, nodes), as a golden run gives them
    inputs  input integers of the same run, of which those off the zero point count; None: all of them
    """
    result = {}
    for layer in net.layers:
        if layer.weight is None:
            continue
        source = _code_source(net, layer, codes)
        if source is None:
            result[layer.name] = Activity(
                1.0 if inputs is None else float((inputs != per_channel(net, net.input_zero_point)).mean())
            )
            continue
        spikes = codes[source]
        activity = Activity(float((spikes < net.timesteps).mean()))
        constants = net.constants_of(layer.inputs[0])
        if layer.kind == "conv" and source == layer.inputs[0] and constants is not None:
            steps = schedule(constants, settled=net.settled or not layer.fires)
            folded = schedule(constants, settled=True, folded=True)
            activity = _of_windows(activity, layer, spikes, steps, folded)
        result[layer.name] = activity
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


def _of_windows(
    activity: Activity, layer: Layer, codes: NDArray[np.uint8], steps: Schedule, folded: Schedule
) -> Activity:
    """The same with what the windows of a convolution hold."""
    counts = [_window_spikes(layer, codes == phase) for phase in range(len(steps.order))]
    if steps.shift:
        clocks = [
            _pair_clocks(counts[phase], shifts, steps.shift)
            for phase, shifts in zip(steps.order, steps.shifts, strict=True)
        ]
        halves = [np.maximum(1, np.ceil(drained / 2)) for drained in _by_class(counts, folded)]
        activity = replace(
            activity, pair_cycles=_shares(np.sum(clocks, axis=0)), fold_cycles=_shares(np.sum(halves, axis=0))
        )
    if layer.groups > 1:
        return activity
    return replace(activity, class_spikes=tuple(map(_shares, _by_class(counts, steps))))


def _by_class(counts: list[NDArray[np.float64]], steps: Schedule) -> list[NDArray[np.float64]]:
    """Spikes of each window that drain together, drain by drain, of those by phase."""
    classes = [np.zeros_like(counts[0]) for _ in range(steps.classes)]
    for phase, count in enumerate(counts):
        classes[steps.class_of[phase]] += count
    return classes


def _window_spikes(layer: Layer, fired: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Spikes in each window: [n, H, W] of fired [n, C, H, W]."""
    _, rows, columns = layer.shape
    (kernel_h, kernel_w), (stride_h, stride_w), (pad_h, pad_w) = layer.kernel_size, layer.stride, layer.padding
    padded = np.pad(fired.sum(1), ((0, 0), (pad_h, pad_h), (pad_w, pad_w)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kernel_h, kernel_w), axis=(1, 2))
    return np.asarray(windows[:, ::stride_h, ::stride_w][:, :rows, :columns].sum((-1, -2)), np.float64)


def _shares(values: NDArray[np.float64]) -> tuple[float, ...]:
    """The mean of each of QUANTILES equal shares, from the smallest values to the largest; of each value where few."""
    count = min(QUANTILES, values.size)
    return tuple(float(share.mean()) for share in np.array_split(np.sort(values, axis=None), count))

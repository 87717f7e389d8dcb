"""Pictures as SVG text, drawn by matplotlib; the same data give the same text."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from onespike_hw.network import Float64
from onespike_hw.report.network import WEIGHTS, CodingCurve, PhaseShares, SpikeMaps, WeightCounts

_SPIKE, _SILENT, _SECOND = "#3b6ea8", "#c3cad3", "#b9781f"
_GLOW = "magma"
_PANELS = 8
"""Phases side by side."""
_COLUMNS = 3
"""Layers side by side."""


def spike_maps(maps: SpikeMaps) -> str:
    """The image, and for each phase how many channels spike at each pixel."""
    rows = math.ceil(len(maps.counts) / _PANELS)
    columns = 1 + min(len(maps.counts), _PANELS)

    def draw(figure: Figure) -> None:
        axes = figure.subplots(rows, columns, squeeze=False)
        for ax in axes.flat:
            ax.set_axis_off()
        axes[0, 0].imshow(maps.image, cmap="gray", vmin=0, vmax=1, interpolation="none")
        axes[0, 0].set_title("input")
        scale = Normalize(0, max(1, int(maps.counts.max())))
        for phase, (counts, spikes) in enumerate(zip(maps.counts, maps.spikes, strict=True)):
            ax = axes[phase // _PANELS, 1 + phase % _PANELS]
            ax.imshow(counts, cmap=_GLOW, norm=scale, interpolation="none")
            ax.set_title(f"phase {phase}\n{spikes:,}")
        ticks = MaxNLocator(4, integer=True)
        bar = figure.colorbar(ScalarMappable(scale, _GLOW), ax=axes, ticks=ticks, fraction=0.02, pad=0.01)
        bar.set_label(f"of {maps.channels} channels")

    return _svg((1.15 * columns, 1.55 * rows), draw)


def phase_shares(layers: Sequence[PhaseShares]) -> str:
    """Of each layer, the share of neurons that fire in each phase, and that stay silent."""

    def draw(ax: Axes, layer: PhaseShares) -> None:
        percent = 100 * layer.shares
        silent = len(percent) - 1
        ax.bar(range(silent), percent[:-1], color=_SPIKE)
        ax.bar([silent], percent[-1:], color=_SILENT)
        ticks = range(0, silent, math.ceil(silent / _PANELS))
        ax.set_xticks([*ticks, silent], [*map(str, ticks), "silent"])
        ax.set_title(layer.layer)
        ax.set_ylabel("% of neurons")

    return _grid(layers, draw)


def weight_counts(layers: Sequence[WeightCounts]) -> str:
    """Of each layer, how often each weight occurs."""

    def draw(ax: Axes, layer: WeightCounts) -> None:
        ax.stairs(layer.counts, WEIGHTS - 0.5, fill=True, color=_SPIKE)
        ax.set_xlim(-128.5, 127.5)
        ax.set_xticks([-128, -64, 0, 64, 127])
        ax.set_title(f"{layer.layer}: {layer.counts.sum():,} weights")

    return _grid(layers, draw)


def coding_curves(curves: Sequence[CodingCurve]) -> str:
    """Levels and thresholds of each phase, and what is sent for an activation."""

    def draw(figure: Figure) -> None:
        ladder, sent = figure.subplots(1, 2)
        top = max(1.0, *(1.2 * float(max(curve.levels[0], curve.thresholds[0])) for curve in curves))
        colours = matplotlib.colormaps["viridis"](np.linspace(0, 0.85, len(curves)))
        for curve, colour in zip(curves, colours, strict=True):
            phases = np.arange(len(curve.levels))
            label = ", ".join(curve.layers)
            ladder.plot(phases, curve.levels, "o", color=colour, markersize=4, label=label)
            ladder.stairs(curve.thresholds, np.arange(len(phases) + 1) - 0.5, baseline=None, color=colour)
            sent.stairs(*_staircase(curve, top), baseline=None, color=colour, label=label)
        sent.plot([0, top], [0, top], "--", color=_SILENT, linewidth=1)
        ladder.set(title="level (dot) and threshold (line)", xlabel="phase", ylabel="full scales", ylim=(0, None))
        sent.set(title="what is sent (dashed: the activation itself)", xlabel="activation, full scales", xlim=(0, top))
        ladder.legend(frameon=False)

    return _svg((9.0, 3.2), draw)


def _staircase(curve: CodingCurve, top: float) -> tuple[Float64, Float64]:
    """(values, edges) of the level that is sent for an activation in 0..top."""
    edges = np.concatenate([[0.0], curve.thresholds[::-1], [top]]).clip(0.0, top)
    return np.append(0.0, curve.levels[::-1]), edges


def _grid(layers: Sequence[Any], draw: Callable[[Axes, Any], None]) -> str:
    """One small picture a layer."""
    rows = math.ceil(len(layers) / _COLUMNS)

    def draw_all(figure: Figure) -> None:
        axes = list(figure.subplots(rows, _COLUMNS, squeeze=False).flat)
        for ax, layer in zip(axes[: len(layers)], layers, strict=True):
            draw(ax, layer)
        for ax in axes[len(layers) :]:
            ax.set_axis_off()

    return _svg((10.0, 1.8 * rows), draw_all)


def _svg(size: tuple[float, float], draw: Callable[[Figure], None]) -> str:
    """The SVG of a figure, size in inches; the user's own settings of matplotlib do not count."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rc("font", family="DejaVu Sans", size=8)
        matplotlib.rc("axes", titlesize=8)
        matplotlib.rc("axes.spines", top=False, right=False)
        matplotlib.rc("text", parse_math=False)
        matplotlib.rc("svg", fonttype="path", hashsalt="onespike-hw")
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        stream = io.StringIO()
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return stream.getvalue()

"""The pictures: SVG that shows the data, the same text each time, whatever the user's matplotlib is set to."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import matplotlib
import numpy as np
import pytest

from onespike_hw.report import pictures
from onespike_hw.report.network import CodingCurve, PhaseShares, SpikeMaps, WeightCounts

SVG = "{http://www.w3.org/2000/svg}"


def parts(svg: str, kind: str, prefix: str = "") -> list[ET.Element]:
    """Elements of a kind whose id starts so."""
    return [each for each in ET.fromstring(svg).iter(f"{SVG}{kind}") if each.get("id", "").startswith(prefix)]


def maps(timesteps: int) -> SpikeMaps:
    rng = np.random.default_rng(1)
    return SpikeMaps("conv1", rng.random((6, 5)), 8, rng.integers(0, 9, (timesteps, 6, 5)))


@pytest.mark.parametrize("timesteps", [1, 8, 11])
def test_one_panel_a_phase(timesteps: int) -> None:
    """Beside them the input, and the scale, whose colours are an image too."""
    assert len(parts(pictures.spike_maps(maps(timesteps)), "image")) == 1 + timesteps + 1


def test_the_picture_shows_the_counts() -> None:
    first = maps(2)
    other = SpikeMaps(first.layer, first.image, first.channels, first.counts.copy())
    other.counts[1, 2, 3] = (other.counts[1, 2, 3] + 4) % 8
    assert pictures.spike_maps(first) != pictures.spike_maps(other)


def test_a_layer_that_is_silent_throughout() -> None:
    silent = SpikeMaps("conv1", np.zeros((3, 3)), 4, np.zeros((8, 3, 3), np.int64))
    assert len(parts(pictures.spike_maps(silent), "image")) == 10


@pytest.mark.parametrize("timesteps", [1, 8, 32])
def test_bars_are_as_high_as_the_shares(timesteps: int) -> None:
    """Of T + 1 bars the silent one has half of the neurons, the others share the rest."""
    shares = np.full(timesteps + 1, 0.5 / timesteps)
    shares[-1] = 0.5
    svg = pictures.phase_shares([PhaseShares("a", shares)])
    bars = [element[0].get("d", "") for element in parts(svg, "g", "patch_")]
    heights = [height(path) for path in bars if path.rstrip().endswith("z") and "clip" not in path]
    assert sum(abs(h - max(heights[2:])) < 1e-3 for h in heights[2:]) == (2 if timesteps == 1 else 1)
    assert min(heights[2:]) * timesteps == pytest.approx(max(heights[2:]), rel=1e-3)


def height(path: str) -> float:
    numbers = path.replace("M", " ").replace("L", " ").replace("z", " ").split()
    ys = [float(y) for y in numbers[1::2]]
    return max(ys) - min(ys)


def test_a_panel_for_each_layer() -> None:
    layers = [WeightCounts(f"layer{i}", np.arange(256)) for i in range(5)]
    assert len(parts(pictures.weight_counts(layers), "g", "axes_")) == 6
    svg = pictures.weight_counts(layers[:1])
    assert svg != pictures.weight_counts([WeightCounts("layer0", np.arange(256)[::-1])])


def test_curves_of_several_bases() -> None:
    one = CodingCurve(("conv1", "conv2"), 2.0 ** -np.arange(4), 0.75 * 2.0 ** -np.arange(4))
    two = CodingCurve(("fc",), 1.5 ** -np.arange(4), np.array([0.5, 0.25, 0.0, -1.0]))
    lines = [len(parts(pictures.coding_curves(curves), "g", "line2d_")) for curves in ([one], [one, two])]
    assert lines[1] == lines[0] + 2


def test_what_is_sent_for_an_activation() -> None:
    """Levels 1 and 1/2, thresholds 3/4 and 3/8: below 3/8 nothing."""
    values, edges = pictures._staircase(CodingCurve(("a",), np.array([1.0, 0.5]), np.array([0.75, 0.375])), 1.2)
    assert values.tolist() == [0, 0.5, 1]
    assert edges.tolist() == [0, 0.375, 0.75, 1.2]


def test_the_users_settings_and_names_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    layers = [WeightCounts(r"$\nosuch$ <b>&", np.arange(256))]
    expected = pictures.weight_counts(layers)
    monkeypatch.setitem(matplotlib.rcParams, "axes.facecolor", "red")
    monkeypatch.setitem(matplotlib.rcParams, "font.size", 20)
    assert pictures.weight_counts(layers) == expected
    assert matplotlib.rcParams["font.size"] == 20

"""The plain data behind the report, against counts by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from onespike_hw.codegen.board import load_board
from onespike_hw.codegen.engine_plan import EnginePlan
from onespike_hw.report import accelerator, interface, network
from tests.cases import CASES
from tests.networks import Root, build, conv, flatten, linear
from tests.report.designs import example, small


@pytest.fixture(scope="module")
def facts() -> dict[str, network.LayerFacts]:
    shown = example()
    return {layer.name: layer for layer in network.layer_facts(shown.net, shown.run)}


def test_layers_of_the_network(facts: dict[str, network.LayerFacts]) -> None:
    assert list(facts) == ["conv1", "maxpool2", "conv3", "linear5", "linear6"]
    conv3 = facts["conv3"]
    assert conv3.description == "convolution 2x2, stride 1x1, padding 0x0, 4 to 6 channels"
    assert (conv3.shape, conv3.neurons, conv3.multiplies) == ((6, 2, 2), 24, 6 * 2 * 2 * 4 * 4)
    pool, logits = facts["maxpool2"], facts["linear6"]
    assert (pool.neurons, pool.spikes, pool.sops, pool.multiplies, pool.density) == (None,) * 5
    assert (logits.neurons, logits.multiplies) == (None, 15)


def test_spikes_and_operations_are_means_over_the_images(facts: dict[str, network.LayerFacts]) -> None:
    """Every spike that linear5 sends is read by the 3 neurons of linear6."""
    shown = example()
    fired = shown.run.codes["linear5"] < shown.net.timesteps
    assert facts["linear5"].spikes == pytest.approx(fired.mean())
    assert facts["linear6"].sops == pytest.approx(3 * fired.sum() / 5)
    assert facts["linear6"].density == pytest.approx(fired.mean())


def test_shares_of_the_phases() -> None:
    shown = example()
    (first, *_) = network.phase_shares(shown.net, shown.run)
    codes = shown.run.codes["conv1"]
    assert first.layer == "conv1"
    assert first.shares.shape == (9,)
    assert first.shares.sum() == pytest.approx(1)
    assert first.shares[8] == pytest.approx((codes == 8).mean())
    assert first.shares[2] == pytest.approx((codes == 2).mean())


def test_spikes_of_one_image() -> None:
    shown = example()
    maps = network.spike_maps(shown.net, shown.run, shown.images)
    assert maps is not None
    assert (maps.layer, maps.channels, maps.counts.shape) == ("conv1", 4, (8, 7, 7))
    codes = shown.run.codes["conv1"][0]
    assert maps.counts[3, 5, 6] == sum(codes[c, 5, 6] == 3 for c in range(4))
    assert maps.spikes.sum() == (codes < 8).sum()
    np.testing.assert_allclose(maps.image[2, 4], shown.images[0, :, 2, 4] / 255)


def test_a_grey_image_and_no_convolution() -> None:
    shown = example(build(np.random.default_rng(1), (2, 4, 4), [conv(3, 2), flatten(), linear(3)], input_signed=True))
    maps = network.spike_maps(shown.net, shown.run, shown.images)
    assert maps is not None
    np.testing.assert_allclose(maps.image, (shown.images[0].mean(axis=0) + 128) / 255)
    vector = example(CASES["mlp"]())
    assert network.spike_maps(vector.net, vector.run, vector.images) is None


def test_layers_that_code_alike_share_a_curve() -> None:
    """With ladders at 1, 1/2, 1/4, .. of the full scale in conv1 and conv3 alike, and linear5 of another base."""
    layers = [conv(2, 2), conv(3, 2), flatten(), linear(4, base=Root(1, 2)), linear(3)]
    net = build(np.random.default_rng(1), (1, 5, 5), layers, timesteps=4, base=Root(1, 1))
    steps = 2 ** np.arange(10, 6, -1)
    same = [
        dataclasses.replace(
            layer,
            ladder=np.tile(steps, (layer.shape[0], 1)),
            scale=layer.full_scale / 1024 if layer.full_scale is not None else None,
        )
        if layer.fires
        else layer
        for layer in net.layers
    ]
    first, second = network.coding_curves(dataclasses.replace(net, layers=tuple(same)))
    assert first.layers == ("conv1", "conv2")
    np.testing.assert_allclose(first.levels, [1, 0.5, 0.25, 0.125])
    np.testing.assert_allclose(first.thresholds, [1, 0.5, 0.25, 0.125])
    assert second.layers == ("linear4",)
    np.testing.assert_allclose(second.levels[:3], [1, 2**-0.5, 0.5], rtol=1e-2)


def test_weights_are_counted_by_value() -> None:
    net = small()
    counted = {each.layer: each.counts for each in network.weight_counts(net)}
    weight = net.layer("conv3").weight
    assert weight is not None
    assert counted["conv3"].sum() == weight.size
    assert [counted["conv3"][value + 128] for value in (-128, -1, 127)] == [
        (weight == value).sum() for value in (-128, -1, 127)
    ]


def test_stages_of_the_accelerator() -> None:
    shown = example()
    stages = accelerator.stage_facts(shown.design.plan)
    assert [s.name for s in stages] == [
        *("pixels in", "conv1", "maxpool2", "conv3", "linear5", "linear6", "logits out")
    ]
    assert (stages[0].cycles, stages[-1].cycles) == (49, 3)
    assert all(stage.cycles > 0 for stage in stages)
    first, second = stages[1].engine, stages[3].engine
    assert first is not None
    assert second is not None
    assert (first.multiplies, second.multiplies) == (True, False)
    assert stages[2].engine is None
    assert sum(stage.engine.memory_bits for stage in stages if stage.engine) == shown.design.plan.weight_memory_bits


def test_the_slowest_stage_sets_the_speed() -> None:
    """Also where that is no engine: with every engine at one cycle, the 49 pixels."""
    shown = example()
    plan = shown.design.plan
    stages = tuple(
        dataclasses.replace(stage, estimated_cycles=1) if isinstance(stage, EnginePlan) else stage
        for stage in plan.stages
    )
    slowest = max(stage.cycles for stage in accelerator.stage_facts(plan))
    assert accelerator.speed(plan, shown.design.board).cycles == slowest
    without_pools = dataclasses.replace(plan, stages=tuple(s for s in stages if isinstance(s, EnginePlan)))
    pace = accelerator.speed(without_pools, shown.design.board)
    assert pace.cycles == 49
    assert pace.images_per_second == pytest.approx(100e6 / 49)


def test_resources_in_the_boards_own_blocks() -> None:
    """A block RAM of 36 kbit is two of 18 kbit."""
    wide = build(np.random.default_rng(1), (16, 4, 4), [conv(16, 3), flatten(), linear(8), linear(3)])
    plan = example(wide).design.plan
    luts, brams, dsps = accelerator.resource_facts(plan, load_board("pynq"))
    assert (luts.budget, luts.available, dsps.budget, dsps.available) == (39900, 53200, 176, 220)
    assert luts.of_budget == pytest.approx(luts.needed / 39900)
    assert brams.needed > 0
    _, halves, _ = accelerator.resource_facts(plan, load_board("ulx3s-85f"))
    assert (halves.name, halves.needed) == ("block RAMs of 18 kbit", 2 * brams.needed)
    without = dataclasses.replace(load_board("pynq"), dsps=0)
    assert accelerator.resource_facts(plan, without)[2].of_budget == 1


def test_what_a_pixel_is() -> None:
    net = dataclasses.replace(
        small(), input_scale=np.array([0.5, 0.5, 2.0]), input_offset=np.array([10.0, 10.0, 200.0])
    )
    pixel = interface.pixel_facts(example(net).design.plan)
    assert (pixel.height, pixel.width, pixel.channels, pixel.beat_channels) == (7, 7, 3, 3)
    assert (pixel.bus_bits, pixel.pixel_beats, pixel.image_beats) == (24, 1, 49)
    assert (pixel.bits, pixel.signed, pixel.low, pixel.high) == (8, False, 0, 255)
    first, second = pixel.codes
    assert (first.first, first.last, first.zero_point, first.low, first.high) == (0, 1, 10, -5.0, 122.5)
    assert (second.first, second.last, second.zero_point, second.low) == (2, 2, 200, -400.0)


def test_what_a_logit_is() -> None:
    net = small()
    last = dataclasses.replace(net.layers[-1], scale=np.array([0.5, 0.25, 0.25]))
    logit = interface.logit_facts(example(dataclasses.replace(net, layers=(*net.layers[:-1], last))).design.plan)
    assert (logit.bits, logit.count, logit.pixels) == (32, 3, 1)
    assert [(s.first, s.last, s.scale) for s in logit.scales] == [(0, 0, 0.5), (1, 2, 0.25)]
    images = interface.logit_facts(example(CASES["logits_are_images"]()).design.plan)
    assert (images.channels, images.count) == (3, 3 * images.pixels)
    assert images.pixels > 1

"""Weak activations that stay silent: the price of a spike, in the ladder alone."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import onespike_hw as oh
from onespike_hw.convert.base import Coding
from onespike_hw.convert.neurons import Neurons
from onespike_hw.convert.normalize import Activations
from onespike_hw.convert.pipeline import plan
from onespike_hw.convert.sparsity import PRICES, Market, Point, affordable, market, silenced
from tests.convert.cases import chain, float_layers, images, seeded


def cnn() -> nn.Module:
    return seeded(
        chain(
            a=nn.Conv2d(2, 6, 3, padding=1),
            r=nn.ReLU(),
            m=nn.MaxPool2d(2),
            b=nn.Conv2d(6, 8, 3),
            s=nn.ReLU(),
            p=nn.AvgPool2d(2),
            f=nn.Flatten(),
            c=nn.Linear(8, 6),
            t=nn.ReLU(),
            last=nn.Linear(6, 4),
        )
    )


def test_what_a_spike_costs() -> None:
    """conv b reads 6x4x4 codes: 8 x 2 x 2 x 54 multiplies; fc c reads 8x2x2 averaged ones: 6 each; last: 4 each."""
    costs = market(float_layers(cnn(), images()), (2, 9, 8))
    assert dict(costs.values) == {"a": 96, "b": 32, "c": 6}
    assert dict(costs.reads) == {"a": 8 * 4 * 54 / 96, "b": 6 * 8 * 4 / 32, "c": 4}


@given(st.floats(0, 2), st.integers(1, 10), st.floats(1.1, 3), st.integers(0, 99))
def test_an_activation_is_sent_where_that_is_worth_its_price(
    price: float, timesteps: int, base: float, seed: int
) -> None:
    """And then as the nearest level: of all choices the one with the least squared error plus price."""
    values = np.random.default_rng(seed).exponential(0.4, (2, 200)).astype(np.float32)
    layer = Activations("a", values, np.ones(2))
    own = Neurons(Coding(timesteps, base), np.array([1.0, 2.0]))
    costs = Market({"a": 3.0}, {"a": 400})
    (priced,) = silenced([layer], {"a": own}, costs, price).values()
    density = (values >= own.thresholds[:, -1:]).mean()
    if density == 0:
        return
    kappa = price * np.square(values, dtype=float).mean() * 400 * 3 / (3 * 400 * density)
    x = torch.from_numpy(np.linspace(0, 3, 301)).repeat(1, 2, 1)
    choices = np.append(own.coding.levels, 0.0)[:, None] * own.full_scales[:, None, None]
    cost = np.square(x[0].numpy()[:, None, :] - choices) + np.where(choices > 0, kappa, 0)
    sent = priced.sent(x)[0].numpy()
    found = np.square(x[0].numpy() - sent) + np.where(sent > 0, kappa, 0)
    np.testing.assert_allclose(found, cost.min(axis=1), atol=1e-9)


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_higher_price_never_makes_more_spikes(low: float, high: float) -> None:
    low, high = sorted((low, high))
    layer = Activations("a", np.linspace(0, 1, 50, dtype=np.float32)[None], np.ones(1))
    neurons, costs = {"a": Neurons(Coding(6, 1.5), np.ones(1))}, Market({"a": 2.0}, {"a": 50})
    ladders = [silenced([layer], neurons, costs, price)["a"].thresholds for price in (low, high)]
    assert (ladders[0] <= ladders[1]).all()


def test_prices_are_paid_up_to_the_first_whose_error_is_too_much() -> None:
    points = [
        Point(price, 1 - price, error) for price, error in ((0, 1.0), (0.1, 0.9), (0.2, 1.1), (0.3, 1.2), (0.4, 1))
    ]
    assert [point.price for point in affordable(points, 0.15)] == [0, 0.1, 0.2]
    assert [point.price for point in affordable(points, 0)] == [0, 0.1]


def test_fewer_operations_leave_less_of_the_spikes_and_nothing_else_changes() -> None:
    model, x = cnn(), images(count=200)
    nets = [oh.convert(model, x, base=1.5, sparsity=sparsity) for sparsity in (0, 0.3)]
    spikes = [sum(int(v.sum()) for v in oh.golden.run(net, x.numpy()).spikes.values()) for net in nets]
    assert spikes[1] < 0.97 * spikes[0]
    for before, after in zip(nets[0].layers, nets[1].layers, strict=True):
        if before.weight is not None:
            assert np.array_equal(before.weight, after.weight)
        if before.full_scale is not None:
            assert np.array_equal(before.full_scale, after.full_scale)


def test_the_curve_of_error_against_operations_is_kept() -> None:
    curve = plan(cnn(), images(count=200), base=1.5, sparsity=1.0).curve
    assert [point.price for point in curve] == list(PRICES[: len(curve)])
    assert len(curve) > 3
    assert all(after.sops <= before.sops for before, after in pairwise(curve))
    assert max(point.error for point in curve) <= 2 * curve[0].error


def test_off_and_the_papers_plain_method() -> None:
    model, x = cnn(), images()
    assert plan(model, x, sparsity=0).curve == ()
    assert plan(model, x, calibrate=False, percentile=90).curve == ()
    assert plan(model, x, sparsity=0).neurons["a"].silence is None
    assert len(plan(model, x, calibrate=False, percentile=90, sparsity=0.5).curve) > 0


def test_a_layer_that_never_fires_has_no_price() -> None:
    silent = Activations("a", np.zeros((1, 8), np.float32), np.ones(1))
    neurons = {"a": Neurons(Coding(4, 2.0), np.ones(1))}
    assert silenced([silent], neurons, Market({"a": 2.0}, {"a": 8}), 0.3) == neurons


@pytest.mark.parametrize("silence", [0.1, 0.4, 2.0])
def test_the_ladder_never_rises(silence: float) -> None:
    neurons = replace(Neurons(Coding(6, 1.5), np.ones(3)), silence=np.full(3, silence))
    assert (np.diff(neurons.thresholds) <= 0).all()
    assert neurons.thresholds.min() >= silence

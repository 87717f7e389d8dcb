"""The first difference between the golden model and anything else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from onespike_hw import golden
from onespike_hw.errors import InputError
from onespike_hw.golden import Run
from onespike_hw.network import Network
from tests.golden.networks import flatten, network, neurons, pool, relay

Codes = dict[str, NDArray[Any]]


@pytest.fixture
def net() -> Network:
    return network(
        (2, 4, 4),
        [4, 2, 1],
        [
            relay((2, 4, 4)),
            pool("maxpool", "pool", "relay", (2, 2, 2), 2, 2),
            flatten("flatten", "pool", 8),
            neurons("hidden", "flatten", (3,), np.ones((3, 8)), [0] * 3, [[9, 6, 3]] * 3),
            neurons("out", "hidden", (2,), [[1, 2, 3], [-1, 0, 1]], [5, 6]),
        ],
    )


@pytest.fixture
def run(net: Network) -> Run:
    return golden.run(net, np.random.default_rng(0).integers(0, 4, (3, 2, 4, 4)))


@pytest.fixture
def codes(run: Run) -> Codes:
    return {name: values.copy() for name, values in run.codes.items()}


def test_equal_runs_do_not_differ(net: Network, run: Run, codes: Codes) -> None:
    assert golden.first_difference(net, run, codes, run.logits) is None
    assert golden.first_difference(net, run, codes) is None


def test_a_code_that_differs_is_named(net: Network, run: Run, codes: Codes) -> None:
    run.codes["relay"][1, 0, 2, 3] = 3
    codes["relay"][1, 0, 2, 3] = 2
    found = golden.first_difference(net, run, codes, run.logits)
    assert found == golden.Difference("relay", image=1, channel=0, y=2, x=3, expected=3, actual=2, silent=3)
    assert str(found) == "relay, image 1, channel 0, y 2, x 3: expected silent, got phase 2"


def test_a_layer_without_pixels_has_no_y_and_x(net: Network, run: Run, codes: Codes) -> None:
    run.codes["hidden"][2, 1], codes["hidden"][2, 1] = 0, 3
    found = golden.first_difference(net, run, codes)
    assert found == golden.Difference("hidden", image=2, channel=1, y=None, x=None, expected=0, actual=3, silent=3)
    assert str(found) == "hidden, image 2, channel 1: expected phase 0, got silent"


def test_a_logit_that_differs_is_named(net: Network, run: Run, codes: Codes) -> None:
    logits = run.logits.copy()
    logits[2, 1] -= 40
    found = golden.first_difference(net, run, codes, logits)
    expected = int(run.logits[2, 1])
    assert found == golden.Difference("out", 2, 1, None, None, expected, expected - 40)
    assert str(found) == f"out, image 2, channel 1: expected {expected}, got {expected - 40}"


def test_the_first_is_first_by_layer_then_image_then_pixel_then_channel(net: Network, run: Run, codes: Codes) -> None:
    """Each change comes before the one before it."""

    def first() -> tuple[Any, ...]:
        found = golden.first_difference(net, run, codes, logits)
        assert found is not None
        return found.layer, found.image, found.y, found.x, found.channel

    logits = run.logits + 1
    assert first() == ("out", 0, None, None, 0)
    codes["hidden"][0] ^= 1
    assert first() == ("hidden", 0, None, None, 0)
    for image, channel, y, x in [(2, 0, 0, 0), (1, 0, 3, 0), (1, 0, 1, 3), (1, 1, 1, 2), (1, 0, 1, 2)]:
        codes["relay"][image, channel, y, x] ^= 1
        assert first() == ("relay", image, y, x, channel)


def test_a_missing_layer_is_a_difference(net: Network, run: Run, codes: Codes) -> None:
    del codes["pool"]
    found = golden.first_difference(net, run, codes)
    assert str(found) == "pool: expected codes of shape (3, 2, 2, 2), got no codes"


def test_a_flatten_layer_may_be_left_out(net: Network, run: Run, codes: Codes) -> None:
    del codes["flatten"]
    assert golden.first_difference(net, run, codes) is None


def test_an_unknown_layer_is_a_difference(net: Network, run: Run, codes: Codes) -> None:
    codes["conv9"] = codes["pool"]
    found = golden.first_difference(net, run, codes)
    assert str(found) == "conv9: expected no codes, got codes of shape (3, 2, 2, 2)"


def test_another_shape_is_a_difference(net: Network, run: Run, codes: Codes) -> None:
    codes["pool"] = codes["pool"].reshape(3, 2, 4)
    found = golden.first_difference(net, run, codes)
    assert str(found) == "pool: expected codes of shape (3, 2, 2, 2), got shape (3, 2, 4)"


def test_too_few_images_are_a_difference_once_those_there_agree(net: Network, run: Run, codes: Codes) -> None:
    found = golden.first_difference(net, run, codes, run.logits[:2])
    assert str(found) == "out: expected logits of shape (3, 2), got shape (2, 2)"
    codes["relay"] = codes["relay"][:2]
    codes["relay"][1, 0, 0, 0] ^= 1
    found = golden.first_difference(net, run, codes)
    assert found is not None
    assert (found.layer, found.image) == ("relay", 1)


def test_a_run_without_codes_cannot_be_compared_with(net: Network, codes: Codes) -> None:
    run = golden.run(net, np.zeros((3, 2, 4, 4)), codes=False)
    with pytest.raises(InputError, match="holds no codes to compare with; run the golden model with codes=True"):
        golden.first_difference(net, run, codes)

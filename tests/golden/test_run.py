"""The golden model on networks that can be followed by hand. Phase constants are 4, 2, 1 (T = 3, so 3 is silent)."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
import tracemalloc

import numpy as np
import pytest

from onespike_hw import golden
from onespike_hw.errors import InputError
from onespike_hw.network import INPUT, Layer
from tests.golden.networks import added, cnn, flatten, network, neurons, pool, relay

CONSTANTS = [4, 2, 1]


def test_one_pixel_through_three_layers() -> None:
    """conv: V = -10 + 3x = 20 for x = 10, which misses 24 and reaches 12: phase 1, worth 2.

    hidden: V = 1 + 2 * (5, -5) = (11, -9): the first reaches 9, the second nothing. logits: 7 + 4 * (2, -3).
    """
    net = network(
        (1, 1, 1),
        CONSTANTS,
        [
            neurons("conv", INPUT, (1, 1, 1), [[[[3]]]], [-10], [[24, 12, 6]]),
            flatten("flatten", "conv", 1),
            neurons("hidden", "flatten", (2,), [[5], [-5]], [1, 1], [[9, 8, 7], [9, 8, 7]]),
            neurons("out", "hidden", (2,), [[2, 1], [-3, 1]], [7, 7], scale=np.array([0.5, 0.25])),
        ],
    )
    run = golden.run(net, np.array([[[[10]]]]), potentials=True)
    assert {name: codes.ravel().tolist() for name, codes in run.codes.items()} == {
        "conv": [1],
        "flatten": [1],
        "hidden": [0, 3],
    }
    assert {name: v.ravel().tolist() for name, v in run.potentials.items()} == {
        "conv": [20],
        "hidden": [11, -9],
        "out": [15, -5],
    }
    assert run.logits.tolist() == [[15, -5]]
    assert run.logits.dtype == np.int64
    assert run.codes["conv"].shape == (1, 1, 1, 1)
    assert run.scale.tolist() == [0.5, 0.25]
    assert {name: spikes.tolist() for name, spikes in run.spikes.items()} == {"conv": [1], "hidden": [1]}
    assert {name: sops.tolist() for name, sops in run.sops.items()} == {"conv": [2], "hidden": [2], "out": [2]}
    assert {name: noise.tolist() for name, noise in run.noise_spikes.items()} == {"conv": [0], "hidden": [0]}


@pytest.mark.parametrize(("wait", "code", "noise"), [(0, 0, 1), (1, 2, 0), (2, 2, 0)])
def test_a_neuron_that_does_not_wait_may_fire_too_early(wait: int, code: int, noise: int) -> None:
    """Spikes arrive in phases 0 (weight 2) and 1 (weight -3): V is 8, then 8 - 6 = 2, and stays."""
    net = network(
        (2, 1, 1),
        CONSTANTS,
        [
            relay((2, 1, 1)),
            neurons("conv", "relay", (1, 1, 1), [[[[2]], [[-3]]]], [0], [[8, 4, 2]]),
            neurons("out", "conv", (1, 1, 1), [[[[1]]]], [0]),
        ],
        wait=wait,
    )
    run = golden.run(net, np.array([3, 2]).reshape(1, 2, 1, 1))
    assert run.codes["relay"].ravel().tolist() == [0, 1]
    assert run.codes["conv"].ravel().tolist() == [code]
    assert run.noise_spikes["conv"].tolist() == [noise]
    assert run.noise_spikes["relay"].tolist() == [0], "the first layer is always settled"
    assert run.logits.tolist() == [[CONSTANTS[code]]]


def test_a_spike_that_should_not_be_is_noise_and_one_that_fails_to_come_is_not() -> None:
    """V is 8 and then 8 - 10 = -2; and -8, then -8 + 10 = 2 in time for phase 2 of the ladder."""
    net = network(
        (2, 1, 1),
        CONSTANTS,
        [
            relay((2, 1, 1)),
            neurons("conv", "relay", (2, 1, 1), [[[[2]], [[-5]]], [[[-2]], [[5]]]], [0, 0], [[8, 4, 2]] * 2),
            neurons("out", "conv", (1, 1, 1), [[[[1]], [[1]]]], [0]),
        ],
        wait=0,
    )
    run = golden.run(net, np.array([3, 2]).reshape(1, 2, 1, 1))
    assert run.codes["conv"].ravel().tolist() == [0, 2]
    assert run.noise_spikes["conv"].tolist() == [1]


def test_a_sum_is_one_potential() -> None:
    """Codes 0 and 1 of two channels (worth 4, 2); the convolution takes 3 times the first and -1 times the second.

    Channel 0: 1 + 3*4 - 2 = 11, and the identity adds 10 * 4: 51. Channel 1: -12 + 2 - 2 + 300 * 2 = 588.
    """
    net = network(
        (2, 1, 1),
        CONSTANTS,
        [
            relay((2, 1, 1)),
            neurons("conv", "relay", (2, 1, 1), [[[[3]], [[-1]]], [[[-3]], [[1]]]], [0, 0]),
            added("sum", ("conv", "relay"), (2, 1, 1), [[1, 1], [10, 300]], [1, -2], [[52, 51, 7], [588, 7, 6]]),
            neurons("out", "sum", (2, 1, 1), np.eye(2).reshape(2, 2, 1, 1), [0, 0]),
        ],
    )
    run = golden.run(net, np.array([3, 2]).reshape(1, 2, 1, 1), potentials=True)
    assert run.potentials["conv"].ravel().tolist() == [10, -10]
    assert run.potentials["sum"].ravel().tolist() == [51, 588]
    assert run.codes["sum"].ravel().tolist() == [1, 0]
    assert {name: int(sops[0]) for name, sops in run.sops.items() if name != "relay"} == {"conv": 4, "sum": 2, "out": 4}
    assert run.spikes["sum"].tolist() == [2]
    assert "conv" not in run.spikes
    assert "conv" not in run.codes


@pytest.mark.parametrize(("wait", "code", "noise"), [(0, 0, 1), (1, 2, 0), (2, 2, 0)])
def test_phase_k_of_a_sum_takes_in_phase_k_of_both_branches(wait: int, code: int, noise: int) -> None:
    """The identity brings 2 * 4 in phase 0, the convolution -3 * 2 in phase 1: 8 is too early."""
    net = network(
        (2, 1, 1),
        CONSTANTS,
        [
            relay((2, 1, 1)),
            neurons("conv", "relay", (2, 1, 1), [[[[0]], [[-3]]], [[[0]], [[0]]]], [0, 0]),
            added("sum", ("relay", "conv"), (2, 1, 1), [[2, 0], [1, 1]], [0, -99], [[8, 4, 2]] * 2),
            neurons("out", "sum", (1, 1, 1), [[[[1]], [[1]]]], [0]),
        ],
        wait=wait,
    )
    run = golden.run(net, np.array([3, 2]).reshape(1, 2, 1, 1))
    assert run.codes["sum"].ravel().tolist() == [code, 3]
    assert run.noise_spikes["sum"].tolist() == [noise]


def test_a_sum_beyond_32_bits() -> None:
    """Operand weights of 16 bits times constants of 20."""
    ladder = [[2**34 - 2**20 - 2**19 + 5, 9, 1]]
    layers = [
        neurons("relay", INPUT, (1, 1, 1), [[[[1]]]], [0], [[3, 2, 1]]),
        neurons("relay2", "relay", (1, 1, 1), [[[[1]]]], [0], [[1, 0, 0]]),
        added("sum", ("relay", "relay2"), (1, 1, 1), [[2**15 - 1], [2**15 - 1]], [5], ladder),
        neurons("out", "sum", (1, 1, 1), [[[[1]]]], [0]),
    ]
    net = network((1, 1, 1), [2**19, 2**10, 1], layers)
    run = golden.run(net, np.array([3]).reshape(1, 1, 1, 1), potentials=True)
    assert run.potentials["sum"].ravel().tolist() == [2 * 2**19 * (2**15 - 1) + 5]
    assert run.codes["sum"].ravel().tolist() == [0]


def test_max_pooling_keeps_the_earliest_spike_and_padding_is_silent() -> None:
    net = network(
        (1, 2, 2),
        CONSTANTS,
        [
            relay((1, 2, 2)),
            pool("maxpool", "all", "relay", (1, 1, 1), size=2, stride=2),
            neurons("out", "all", (1, 1, 1), [[[[1]]]], [0]),
        ],
    )
    assert golden.run(net, np.array([[[[1, 0], [2, 1]]]])).codes["all"].ravel().tolist() == [1]
    padded = network(
        (1, 2, 2),
        CONSTANTS,
        [
            relay((1, 2, 2)),
            pool("maxpool", "each", "relay", (1, 2, 2), size=2, stride=2, padding=1),
            neurons("out", "each", (1, 2, 2), [[[[1]]]], [0]),
        ],
    )
    run = golden.run(padded, np.array([[[[1, 0], [2, 3]]]]))
    assert run.codes["each"].ravel().tolist() == [2, 3, 1, 0]
    assert run.logits.tolist() == [[[[1, 0], [2, 4]]]]


def test_average_pooling_passes_on_every_spike() -> None:
    """Values 1, 0, 2, 4 in 2x2: one bundle of 7; a synaptic operation for each of the three spikes and two neurons."""
    net = network(
        (1, 2, 2),
        CONSTANTS,
        [
            relay((1, 2, 2)),
            pool("avgpool", "mean", "relay", (1, 1, 1), size=2, stride=2),
            flatten("flatten", "mean", 1),
            neurons("out", "flatten", (2,), [[10], [-1]], [5, 0]),
        ],
    )
    run = golden.run(net, np.array([[[[1, 0], [2, 3]]]]))
    assert run.logits.tolist() == [[75, -7]]
    assert run.sops["out"].tolist() == [6]
    assert set(run.codes) == {"relay"}, "no codes leave an average"


def test_a_spike_in_two_overlapping_windows_counts_in_each() -> None:
    """Values 1, 4, 2 in a row of pixels, two windows of two by one: bundles 5 and 6, and four spikes in them."""
    window = {"kernel_size": (1, 2), "stride": (1, 1)}
    net = network(
        (1, 1, 3),
        CONSTANTS,
        [
            relay((1, 1, 3)),
            Layer(name="mean", kind="avgpool", inputs=("relay",), shape=(1, 1, 2), **window),
            flatten("flatten", "mean", 2),
            neurons("out", "flatten", (1,), [[10, 1]], [0]),
        ],
    )
    run = golden.run(net, np.array([[[[1, 3, 2]]]]))
    assert run.logits.tolist() == [[56]]
    assert run.sops["out"].tolist() == [4]


def test_flatten_puts_channels_outermost() -> None:
    net = network(
        (2, 1, 3),
        CONSTANTS,
        [
            relay((2, 1, 3)),
            flatten("flatten", "relay", 6),
            neurons("out", "flatten", (6,), np.eye(6), [0] * 6),
        ],
    )
    run = golden.run(net, np.array([[[[3, 2, 1]], [[0, 1, 2]]]]))
    assert run.codes["flatten"].tolist() == [[0, 1, 2, 3, 2, 1]]
    assert run.logits.tolist() == [[4, 2, 1, 0, 1, 2]]


def test_synaptic_operations_count_readers_and_the_ones_of_the_input() -> None:
    """Each pixel of 2x2 is read at 4 positions by 3 channels; d = 3 - 4 = -1 is nine ones in nine bits."""
    net = network(
        (1, 2, 2),
        CONSTANTS,
        [neurons("out", INPUT, (3, 2, 2), np.ones((3, 1, 3, 3)), [0] * 3, padding=(1, 1))],
        input_zero_point=np.array([4]),
    )
    x = np.array([[[[3, 4], [4, 4]]], [[[7, 5], [4, 4]]]])
    assert golden.run(net, x).sops["out"].tolist() == [9 * 12, (2 + 1) * 12]


def test_synaptic_operations_of_a_group_are_read_by_its_own_channels_alone() -> None:
    layers = [relay((2, 1, 1)), neurons("out", "relay", (6, 1, 1), np.ones((6, 1, 1, 1)), [0] * 6, groups=2)]
    run = golden.run(network((2, 1, 1), CONSTANTS, layers), np.array([[[[3]], [[0]]]]))
    assert run.logits.tolist() == [[4, 4, 4, 0, 0, 0]]
    assert run.sops["out"].tolist() == [3]


def test_real_values_and_their_integers_give_the_same() -> None:
    layers = [neurons("out", INPUT, (1,), [[1, 1]], [0])]
    fields = {"input_scale": np.array([0.5, 2.0]), "input_offset": np.array([10.0, 20.0])}
    net = network((2,), CONSTANTS, layers, input_zero_point=np.array([10, 20]), **fields)
    real, integers = np.array([[1.0, -4.0]], np.float32), np.array([[12, 18]], np.uint8)
    assert golden.run(net, real).logits.tolist() == golden.run(net, integers).logits.tolist() == [[0]]


def test_predictions_compare_real_logits() -> None:
    net = network((1,), CONSTANTS, [neurons("out", INPUT, (2,), [[1], [2]], [0, 0], scale=np.array([3.0, 1.0]))])
    run = golden.run(net, np.array([[5]]))
    assert run.logits.tolist() == [[5, 10]]
    assert run.predictions.tolist() == [0]


def test_predictions_of_a_last_layer_with_pixels() -> None:
    net = network((1, 1, 2), CONSTANTS, [neurons("out", INPUT, (2, 1, 2), [[[[1]]], [[[-1]]]], [0, 4])])
    run = golden.run(net, np.array([[[[1, 3]]]]))
    assert run.logits.tolist() == [[[[1, 3]], [[3, 1]]]]
    assert run.predictions.tolist() == [[[1, 0]]]


@pytest.mark.parametrize("wait", [7, 2])
def test_parts_give_what_the_whole_gives(wait: int) -> None:
    """However the batch is cut, and whatever else is kept."""
    net = cnn(wait)
    x = np.random.default_rng(1).integers(0, 256, (7, 1, 28, 28))
    whole = golden.run(net, x, batch=7, potentials=True)
    assert wait == 7 or all(whole.noise_spikes["conv2"] > 0)
    for batch, codes in [(1, True), (3, True), (3, False)]:
        parts = golden.run(net, x, batch=batch, codes=codes, potentials=True)
        np.testing.assert_array_equal(parts.logits, whole.logits)
        assert set(parts.codes) == (set(whole.codes) if codes else set())
        for what in ("codes", "sops", "spikes", "noise_spikes", "potentials"):
            for name, values in getattr(parts, what).items():
                np.testing.assert_array_equal(values, getattr(whole, what)[name], f"{what} of {name}")


def test_no_images_give_no_logits() -> None:
    run = golden.run(cnn(), np.zeros((0, 1, 28, 28)))
    assert run.logits.shape == (0, 10)
    assert run.predictions.shape == (0,)


def test_progress_reports_images_in_order() -> None:
    seen: list[tuple[int, int]] = []
    golden.run(cnn(), np.zeros((5, 1, 28, 28)), batch=2, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(2, 5), (4, 5), (5, 5)]


def test_a_batch_needs_an_image() -> None:
    with pytest.raises(InputError, match="batch: must be at least 1, not 0"):
        golden.run(cnn(), np.zeros((1, 1, 28, 28)), batch=0)


def test_a_wrong_value_late_in_the_batch_is_found() -> None:
    x = np.zeros((300, 1, 28, 28), np.int64)
    x[291, 0, 3, 4] = 256
    with pytest.raises(InputError, match=r"value 256 at \[291, 0, 3, 4\] is outside 0\.\.255"):
        golden.run(cnn(), x, batch=16)


def test_memory_does_not_grow_with_the_batch() -> None:
    net = cnn()
    x = np.zeros((1024, 1, 28, 28), np.uint8)

    def peak(images: int) -> int:
        tracemalloc.start()
        golden.run(net, x[:images], codes=False, batch=4)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(1024) < 1.5 * peak(256)


def test_the_model_runs_200_images_a_second() -> None:
    """A loose bound, in processor time, so that a busy machine does not matter; the benchmark measures the aim."""
    net, x = cnn(), np.random.default_rng(0).integers(0, 256, (200, 1, 28, 28))
    golden.run(net, x[:8])
    rates = []
    for _ in range(3):
        start = time.process_time()
        golden.run(net, x, codes=False)
        rates.append(len(x) / (time.process_time() - start))
    assert max(rates) > 200


def test_the_golden_model_starts_without_torch() -> None:
    program = (
        "import sys, onespike_hw as oh; oh.golden.run;"
        "print([name for name in ('torch', 'brevitas', 'cocotb', 'jinja2') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_arrays_of_one_batch_are_those_of_the_next() -> None:
    """Memory that went back to the kernel would come again page by page: tens of thousands of faults, half of a run."""
    channels, side = 16, 28
    weight = np.ones((channels, channels, 3, 3), np.int64)
    net = network(
        (channels, side, side),
        CONSTANTS,
        [
            relay((channels, side, side)),
            neurons(
                "conv", "relay", (channels, side, side), weight, [0] * channels, [[9, 6, 3]] * channels, padding=(1, 1)
            ),
            flatten("flatten", "conv", channels * side * side),
            neurons("out", "flatten", (2,), np.ones((2, channels * side * side), np.int64), [0, 0]),
        ],
    )
    images = np.ones((400, channels, side, side), np.uint8)
    golden.run(net, images, codes=False)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    golden.run(net, images, codes=False)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < 20_000

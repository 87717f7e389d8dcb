"""How long the queues are where branches part: by hand for small networks. tests/hls/test_streams.py plays them."""

from __future__ import annotations

import numpy as np
import pytest

from onespike_hw.codegen.forks import SLACK, Queue, Reading, queues
from onespike_hw.codegen.layout import Parallel, lay_out
from onespike_hw.codegen.plan import Plan
from tests.cases import RESIDUAL_CASES
from tests.networks import Spec, add, build, conv, flatten, linear, maxpool


def plan(*layers: Spec, size: int = 20) -> Plan:
    return lay_out(build(np.random.default_rng(0), (1, size, size), layers), 64, {})


def depths(made: Plan, name: str) -> dict[str, int]:
    """Words of the queue in front of each reader of a layer, SLACK left out."""
    stream = next(stage.out for stage in made.stages if stage.layer.name == name)
    found = queues(made, stream)
    return {made.stages[queue.reading.stage].layer.name: queue.depth - SLACK for queue in found}


STEM = conv(4, 1, name="stem")


def test_two_padded_3x3_convolutions_on_one_branch_are_five_rows_ahead() -> None:
    """A row of the sum: the second line buffer takes row y+2 while it sends row y, so the first sends that and takes
    row y+4 meanwhile; the identity has let go of the rows before y."""
    made = plan(
        STEM,
        conv(4, 3, 1, 1, name="a"),
        conv(4, 3, 1, 1, name="b", charge=True),
        add("b", "stem", name="s"),
        conv(1, 1),
    )
    assert depths(made, "stem") == {"a": 0, "s": 5 * 20}


def test_columns_for_two_rows_at_once_ask_for_more_rows() -> None:
    """Its line buffer is a row taller, and sends a pair of rows: for row y it takes the rows up to 2 * (y // 2) + 4."""
    layers = STEM, conv(4, 3, 1, 1, name="a"), conv(4, 3, 1, 1, name="b", charge=True), add("b", "stem", name="s")
    net = build(np.random.default_rng(0), (1, 20, 20), (*layers, conv(1, 1)))
    made = lay_out(net, 64, {"b": Parallel(engines=8)})
    assert [engine.two_rows for engine in made.engines if engine.layer.name in "ab"] == [False, True]
    assert depths(made, "stem") == {"a": 0, "s": 7 * 20}


def test_a_1x1_convolution_is_one_row_ahead() -> None:
    """Which may be in the hands of its engines."""
    made = plan(STEM, conv(4, 1, name="a", charge=True), add("a", "stem", name="s"), conv(1, 1))
    assert depths(made, "stem") == {"a": 20, "s": 20}


def test_a_shortcut_with_a_stride_takes_what_its_line_buffer_holds() -> None:
    """A row of the sum takes rows up to 2y+4+1 of the stem on the main branch; the shortcut takes row 2y by itself."""
    made = plan(
        STEM,
        conv(4, 3, 2, 1, name="a"),
        conv(4, 3, 1, 1, name="b", charge=True),
        conv(4, 1, 2, name="c", reads="stem", charge=True),
        add("b", "c", name="s"),
        conv(1, 1),
    )
    main = [min(20, 2 * (min(10, row + 3) - 1) + 4) if row < 7 else 20 for row in range(10)]
    short = [2 * row + 1 for row in range(10)]
    assert depths(made, "stem") == {"a": 0, "c": 20 * max(m - s for m, s in zip(main, short, strict=True))}


def test_a_queue_holds_an_image_at_most() -> None:
    made = plan(
        STEM, conv(4, 7, 1, 3, name="a"), conv(4, 7, 1, 3, name="b", charge=True), add("b", "stem"), conv(1, 1), size=5
    )
    assert depths(made, "stem") == {"a": 0, "add4": 25}


def test_branches_that_meet_again_later_stay_apart() -> None:
    """Behind the first sum nothing of the stem is missing: each fork holds what its own block needs."""
    made = plan(
        STEM,
        conv(4, 3, 1, 1, name="a", charge=True),
        add("a", "stem", name="s"),
        conv(4, 3, 1, 1, name="b", charge=True),
        add("b", "s", name="t"),
        conv(1, 1),
    )
    assert (depths(made, "stem"), depths(made, "s")) == ({"a": 0, "s": 60}, {"b": 0, "t": 60})


def test_three_readers() -> None:
    """The stem goes into two sums, one behind the other: the later one waits for both blocks."""
    made = lay_out(RESIDUAL_CASES["codes_of_codes"](), 64, {})
    (first, second, third) = (queue.depth for queue in queues(made, made.stages[0].out))
    assert first == SLACK
    assert second <= third <= made.stages[0].out.image_words + SLACK


def test_a_stream_with_one_reader_needs_no_queue() -> None:
    made = plan(STEM, maxpool(2), flatten(), linear(3))
    assert all(queues(made, stage.out) == [] for stage in made.stages)


@pytest.mark.parametrize("name", RESIDUAL_CASES)
def test_every_reader_has_a_queue(name: str) -> None:
    made = lay_out(RESIDUAL_CASES[name](), 64, {})
    for stage in made.stages[:-1]:
        for queue in queues(made, stage.out):
            assert isinstance(queue, Queue)
            assert isinstance(queue.reading, Reading)
            assert SLACK <= queue.depth <= stage.out.image_words + SLACK

"""What lies in an HLS project: its files, widths and lanes, determinism, and its refusals."""

from __future__ import annotations

import dataclasses
import json
import re

import numpy as np
import pytest

from onespike_hw.codegen import hls
from onespike_hw.codegen.board import load_board
from onespike_hw.codegen.layout import Parallel, lay_out
from onespike_hw.errors import BoardError, OutputError
from onespike_hw.network import Network
from tests.cases import CASES
from tests.hls.projects import golden_vectors, some_plan
from tests.networks import build, conv, flatten, linear


def _render(net: Network, **parallel: Parallel) -> dict[str, str]:
    files = hls.render(lay_out(net, 64, parallel), load_board("pynq"), golden_vectors(net))
    return {name: text for name, text in files.items() if isinstance(text, str)}


def _constant(header: str, name: str) -> int:
    found = re.search(rf"static const int {name} = (-?\d+);", header)
    assert found is not None
    return int(found[1])


def test_what_lies_in_the_project() -> None:
    files = _render(CASES["maxpool_2"]())
    scripts = {"project.tcl", "run_csim.tcl", "run_csynth.tcl", "run_cosim.tcl", "run_export.tcl"}
    sources = {"src/onespike_top.cpp", "src/layers/conv1.h", "src/tables/conv1.h", "src/onespike/spikes.h"}
    assert scripts | sources | {"tb/tb.cpp", "tb/pixels.dat", "model/wrapper.cpp"} <= set(files)


def test_widths_and_lanes_are_those_of_the_plan() -> None:
    net = CASES["wait_settled"]()
    plan = lay_out(net, 64, {"conv3": Parallel(engines=3)})
    engine = next(e for e in plan.engines if e.name == "conv3")
    files = _render(net, conv3=Parallel(engines=3))
    for name in ("lanes", "engines", "weight_bits", "acc_bits", "potential_bits", "code_bits", "group_lanes"):
        assert _constant(files["src/layers/conv3.h"], name) == getattr(engine, name)
    weights = files["src/tables/conv3.h"]
    assert f"onespike::Rom<{engine.weight_bits}> conv3_weights[{engine.weight_rows}][{engine.lanes}]" in weights


def test_pairs_are_for_the_verilog_alone() -> None:
    net = CASES["conv_padded"]()
    plans = [lay_out(net, 64, {"conv2": Parallel(engines=7, pairs=pairs)}) for pairs in (True, False)]
    assert [plan.engines[1].pairs for plan in plans] == [True, False]
    assert plans[0].engines[1].depth != plans[1].engines[1].depth
    one, other = (hls.render(plan, load_board("pynq")) for plan in plans)
    assert one == other


def test_a_linear_layer_has_no_more_engines_than_windows() -> None:
    header = _render(CASES["mlp"](), linear2=Parallel(engines=4))["src/layers/linear2.h"]
    assert _constant(header, "engines") == 1


def test_part_and_clock_are_those_of_the_board() -> None:
    net = CASES["mlp"]()
    board = dataclasses.replace(load_board("pynq"), part="xc7z010clg400-1", clock_mhz=160.0)
    project = hls.render(lay_out(net, 64, {}), board)["project.tcl"]
    assert "set_part xc7z010clg400-1\n" in project
    assert "create_clock -period 6.25 " in project
    assert "pixels.dat" not in project


def test_golden_vectors_come_pixel_by_pixel() -> None:
    net = CASES["conv_padded"]()
    x, logits = golden_vectors(net, images=2)
    files = hls.render(some_plan(net, seed=0), load_board("pynq"), (x, logits))
    pixels = np.array(str(files["tb/pixels.dat"]).split(), np.int64).reshape(2, 5, 5, 3)
    assert np.array_equal(pixels.transpose(0, 3, 1, 2), x)
    assert [int(line) for line in str(files["tb/logits.dat"]).split()] == logits.reshape(-1).tolist()


def test_the_same_bytes_again() -> None:
    assert _render(CASES["wait_2"]()) == _render(CASES["wait_2"]())


def test_the_model_knows_the_names_of_torch() -> None:
    model = json.loads(_render(CASES["dotted_names"]())["model/model.json"])
    assert [stream["layer"] for stream in model["streams"]] == ["0", "body.1.conv"]
    assert model["stages"] == ["input", "0", "body.1.conv", "body.head"]


def test_names_in_comments_stay_in_their_line() -> None:
    net = build(np.random.default_rng(2), (6,), (linear(2, name="a\nb"), linear(2)))
    assert "// Layer 'a\\nb': linear, 6 to 2.\n" in _render(net)["src/layers/a_b.h"]


def test_a_constant_of_64_bits_is_a_literal_of_c() -> None:
    net = build(np.random.default_rng(2), (6,), (linear(2), linear(2)))
    low = np.full((2, net.timesteps), np.iinfo(np.int64).min)
    first = dataclasses.replace(net.layers[0], ladder=low)
    plan = lay_out(dataclasses.replace(net, layers=(first, *net.layers[1:])), 64, {})
    engine = dataclasses.replace(plan.engines[0], potential_bits=64)
    plan = dataclasses.replace(plan, stages=(engine, *plan.stages[1:]))
    tables = str(hls.render(plan, load_board("pynq"))["src/tables/linear1.h"])
    assert "(-9223372036854775807LL - 1)" in tables
    assert "-9223372036854775808" not in tables


def test_refuses_a_board_that_vitis_does_not_know() -> None:
    plan = lay_out(CASES["mlp"](), 64, {})
    with pytest.raises(BoardError, match=r"icebreaker: Vitis HLS makes nothing for .*use the Verilog backend"):
        hls.render(plan, load_board("icebreaker"))


def test_refuses_a_kind_of_layer_that_it_lacks() -> None:
    net = CASES["maxpool_2"]()
    plan = lay_out(net, 64, {})
    layers = [dataclasses.replace(layer) for layer in net.layers]
    object.__setattr__(layers[1], "kind", "upsample")
    changed = dataclasses.replace(net)
    object.__setattr__(changed, "layers", tuple(layers))
    with pytest.raises(OutputError, match="maxpool2: the HLS backend has no upsample layers, only conv, linear"):
        hls.render(dataclasses.replace(plan, net=changed), load_board("pynq"))


def test_refuses_a_kernel_of_more_rows_than_it_walks() -> None:
    layers = (conv(1, (65, 1)), conv(1, (2, 1)), flatten(), linear(2))
    net = build(np.random.default_rng(2), (1, 66, 1), layers)
    with pytest.raises(OutputError, match="conv1: a kernel of 65 rows; the HLS backend takes 64 at most"):
        hls.render(lay_out(net, 64, {}), load_board("pynq"))

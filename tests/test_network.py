"""The integer network: what it says of itself, its file, and every network and file that it refuses."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import onespike_hw as oh
from onespike_hw.errors import NetworkError, OutputError
from onespike_hw.network import FORMAT_VERSION, INPUT, Layer, Network, from_bytes, output_size, to_bytes
from tests.cases import CASES, RESIDUAL_CASES
from tests.networks import Root, add, avgpool, build, conv, flatten, linear, maxpool
from tests.strategies import networks

SETTINGS = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def example() -> Network:
    """conv1 - maxpool2 - conv3 - avgpool4 - flatten5 - linear6 - linear7."""
    layers = conv(2, 3, padding=1), maxpool(2), conv(4, 2, base=Root(1, 1)), avgpool(2), flatten(), linear(3), linear(2)
    return build(np.random.default_rng(1), (2, 6, 6), layers, input_signed=True, zero_point=(3, -4))


def test_a_network_is_saved_to_one_file_and_loaded_again(tmp_path: Path) -> None:
    net = example()
    net.save(tmp_path / "net.onespike")
    loaded = oh.load(tmp_path / "net.onespike")
    assert loaded.timesteps == 8
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in net.layers]
    np.testing.assert_array_equal(loaded.layer("conv3").ladder, net.layer("conv3").ladder)
    assert [path.name for path in tmp_path.iterdir()] == ["net.onespike"], "nothing is left lying about"


def test_a_network_says_what_flows_between_its_layers() -> None:
    net = example()
    assert net.shape_of(INPUT) == (2, 6, 6)
    assert net.shape_of("avgpool4") == (4, 1, 1)
    assert net.constants_of(INPUT) is None
    assert net.constants_of("maxpool2") is net.phase_constants
    assert net.constants_of("flatten5") is net.layer("conv3").phase_constants
    coded = [name for name in (INPUT, *(layer.name for layer in net.layers)) if net.carries_codes(name)]
    assert coded == ["conv1", "maxpool2", "conv3", "linear6"]
    assert net.input_range == (-128, 127)
    assert net.settled
    assert not dataclasses.replace(net, wait=6).settled
    with pytest.raises(NetworkError, match=r"^conv9: no such layer; this network has conv1, maxpool2"):
        net.layer("conv9")
    with pytest.raises(NetworkError, match=r"^linear7: it does not fire"):
        net.constants_of("linear7")


def test_the_unsigned_input_range_starts_at_zero() -> None:
    assert CASES["mlp"]().input_range == (0, 255)


@given(st.integers(1, 9), st.integers(1, 5), st.integers(1, 4), st.integers(0, 2))
def test_output_size_counts_the_places_of_a_window(size: int, kernel: int, stride: int, padding: int) -> None:
    places = [start for start in range(0, size + 2 * padding, stride) if start + kernel <= size + 2 * padding]
    assert max(0, output_size(size, kernel, stride, padding)) == len(places)


def assert_equal_fields(one: Any, other: Any) -> None:
    for field in dataclasses.fields(one):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if isinstance(mine, np.ndarray):
            np.testing.assert_array_equal(mine, theirs, field.name, strict=True)
        elif field.name != "layers":
            assert mine == theirs, field.name
            assert type(mine) is type(theirs), field.name


@SETTINGS
@given(networks())
def test_what_was_loaded_equals_what_was_saved_and_is_saved_to_the_same_bytes(net: Network) -> None:
    payload = to_bytes(net)
    loaded = from_bytes(payload)
    assert to_bytes(loaded) == payload
    assert_equal_fields(net, loaded)
    for mine, theirs in zip(net.layers, loaded.layers, strict=True):
        assert_equal_fields(mine, theirs)


def test_equal_networks_give_equal_bytes_whatever_their_arrays_look_like_in_memory() -> None:
    net = example()
    conv3 = net.layer("conv3")
    wide = np.repeat(conv3.ladder, 2, axis=1)
    other = changed(net, "conv3", weight=np.asfortranarray(conv3.weight), ladder=wide[:, ::2])
    assert to_bytes(other) == to_bytes(net)


def test_a_network_loads_without_torch(tmp_path: Path) -> None:
    example().save(tmp_path / "net.onespike")
    code = (
        "import sys; sys.modules['torch'] = None; import onespike_hw as oh;"
        "print(oh.load('net.onespike').timesteps, 'brevitas' in sys.modules)"
    )
    here = {**os.environ, "PYTHONPATH": str(Path(oh.__file__).parents[1])}
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=here, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == ["8", "False"]


class Trap:
    """Unpickled, it writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.path,)


def test_a_pickle_is_refused_and_never_run(tmp_path: Path) -> None:
    trap = Trap(tmp_path / "sprung")
    stream = io.BytesIO()
    np.savez(stream, header=np.array([trap], dtype=object))
    for payload in (pickle.dumps(trap), stream.getvalue()):
        with pytest.raises(NetworkError, match="not an onespike-hw network"):
            from_bytes(payload)
    assert not trap.path.exists()
    pickle.loads(pickle.dumps(trap))
    assert trap.path.exists(), "the trap does not work"


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match=r"absent\.onespike: cannot be read \(No such file"):
        oh.load(tmp_path / "absent.onespike")


def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"net\.onespike: cannot be written \(No such file"):
        example().save(tmp_path / "absent" / "net.onespike")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="folder: cannot be written"):
        example().save(tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"], "nothing is left lying about"


PAYLOAD = to_bytes(CASES["mlp"]())


def assert_refused_or_unharmed(payload: bytes) -> None:
    try:
        loaded = from_bytes(payload)
    except NetworkError:
        return
    assert to_bytes(loaded) == PAYLOAD


@settings(max_examples=1000)
@given(st.integers(0, len(PAYLOAD) - 1), st.integers(1, 255))
def test_a_damaged_byte_is_seen(position: int, flipped: int) -> None:
    """Bytes that carry nothing, such as a member's time stamp, may change; what is loaded may not."""
    damaged = bytearray(PAYLOAD)
    damaged[position] ^= flipped
    assert_refused_or_unharmed(bytes(damaged))


@given(st.integers(0, len(PAYLOAD) - 1))
def test_a_truncated_file_is_seen(length: int) -> None:
    with pytest.raises(NetworkError):
        from_bytes(PAYLOAD[:length])


def numpy_file(save: Callable[..., None], *arrays: Any, **named: Any) -> bytes:
    stream = io.BytesIO()
    save(stream, *arrays, **named)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        pytest.param(b"", "not an onespike-hw network", id="empty"),
        pytest.param(b"module top; endmodule\n", "not an onespike-hw network", id="text"),
        pytest.param(numpy_file(np.save, np.zeros(3)), "not an onespike-hw network", id="npy"),
        pytest.param(numpy_file(np.savez, a=np.zeros(3)), "not an onespike-hw network", id="npz"),
        pytest.param(numpy_file(np.savez, header=np.frombuffer(b"[1]", np.uint8)), "of something else", id="list"),
        pytest.param(numpy_file(np.savez, header=np.frombuffer(b"{}", np.uint8)), "of something else", id="other"),
    ],
)
def test_a_foreign_file_is_refused_by_name(payload: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "it.onespike").write_bytes(payload)
    with pytest.raises(NetworkError, match=rf"it\.onespike: .*{message}.*net\.save\(\)"):
        oh.load(tmp_path / "it.onespike")


def with_header(change: Callable[[dict[str, Any]], Any]) -> bytes:
    with np.load(io.BytesIO(PAYLOAD)) as archive:
        arrays = {key: archive[key] for key in archive.files}
    header = json.loads(arrays.pop("header").tobytes())
    change(header)
    return numpy_file(np.savez, header=np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda h: h.update(version=FORMAT_VERSION + 1), "format version 4; this release reads up to 3; convert again"),
        (lambda h: h.pop("version"), "format version None"),
        (lambda h: h.pop("layers"), "'layers'"),
        (lambda h: h.pop("timesteps"), "timesteps"),
        (lambda h: h.update(colour="red"), "colour"),
        (lambda h: h.update(layers=3), "malformed"),
        (lambda h: h.update(layers=[3]), "malformed"),
        (lambda h: h.update(timesteps="8"), "^timesteps: must be a plain int, not '8'"),
        (lambda h: h.update(input_shape=20), "malformed"),
        (lambda h: h["layers"][1].pop("kind"), "kind"),
        (lambda h: h["layers"][1].update(colour="red"), "colour"),
        (lambda h: h["layers"][1]["arrays"].append("weights"), "layer1/weights"),
        (lambda h: h["layers"][1]["arrays"].remove("weight"), "^linear2: weight: must be a numpy array, not NoneType"),
    ],
)
def test_a_file_of_another_version_or_make_is_refused(change: Callable[[dict[str, Any]], Any], message: str) -> None:
    assert to_bytes(from_bytes(with_header(lambda header: None))) == PAYLOAD
    with pytest.raises(NetworkError, match=message):
        from_bytes(with_header(change))


def changed(net: Network, target: str, /, **fields: Any) -> Network:
    """The network with some fields of one layer changed."""
    layers = [dataclasses.replace(layer, **fields) if layer.name == target else layer for layer in net.layers]
    return dataclasses.replace(net, layers=tuple(layers))


def rising(layer: Layer) -> np.ndarray:
    ladder = layer.ladder.copy()
    ladder[-1, -1] = ladder[-1, -2] + 1
    return ladder


@pytest.mark.parametrize(
    ("name", "fields", "message"),
    [
        ("conv1", {"kind": "attention"}, "kind 'attention' is not one of conv, linear"),
        ("conv3", {"name": "conv1"}, "two layers have this name"),
        ("conv3", {"inputs": ("conv1", "maxpool2")}, "a conv layer reads one input, not 2"),
        ("conv3", {"inputs": ("conv9",)}, "reads 'conv9', which no earlier layer is called"),
        ("conv1", {"inputs": ("conv3",)}, "reads 'conv3', which no earlier layer is called"),
        ("conv3", {"groups": 0}, "groups must be at least 1, not 0"),
        ("conv3", {"groups": 3}, "3 groups do not divide 2 and 4 channels"),
        ("conv3", {"shape": (4, 3, 3)}, r"shape is \(4, 3, 3\), the window gives \(2, 2\)"),
        ("conv3", {"shape": (4,)}, r"shape is \(4,\), the window gives \(2, 2\)"),
        ("conv3", {"shape": (0, 2, 2)}, r"shape: must be plain ints of at least 1, not \(0, 2, 2\)"),
        ("conv3", {"shape": (np.int64(4), 2, 2)}, "shape: must be plain ints"),
        ("conv3", {"kernel_size": (4, 2)}, r"kernel \(4, 2\) is larger than its padded input \(2, 3, 3\)"),
        ("conv3", {"kernel_size": (0, 2)}, "kernel_size: must be plain ints of at least 1"),
        ("conv3", {"stride": (0, 1)}, r"stride: must be plain ints of at least 1, not \(0, 1\)"),
        ("conv3", {"padding": (-1, 0)}, r"padding: must be plain ints of at least 0, not \(-1, 0\)"),
        ("conv3", {"stride": (1, 1, 1)}, r"stride: must be a pair, not \(1, 1, 1\)"),
        ("conv3", {"dilation": (2, 2)}, r"dilation \(2, 2\) is not supported; use dilation 1"),
        ("conv3", {"weight": None}, "weight: must be a numpy array, not NoneType"),
        ("conv3", {"weight": np.zeros((4, 2, 2, 2))}, "weight: must be int8, not float64"),
        ("conv3", {"weight": np.zeros((4, 2, 3, 3), np.int8)}, r"weight: must have shape \(4, 2, 2, 2\)"),
        ("conv3", {"bias": np.zeros(3, np.int64)}, r"bias: must have shape \(4,\), not \(3,\)"),
        ("conv3", {"scale": np.array([1.0, 2.0, np.nan, 1.0])}, "scale: must be finite"),
        ("conv3", {"ladder": None}, "ladder: must be a numpy array"),
        ("conv3", {"ladder": rising(example().layer("conv3"))}, "ladder: must never rise along the phases"),
        ("conv3", {"full_scale": None}, "full_scale: must be a numpy array"),
        ("conv3", {"phase_constants": np.arange(8, 0, -1)[:7]}, r"phase_constants: must have shape \(8,\)"),
        ("conv3", {"phase_constants": np.arange(7, -1, -1)}, "phase_constants: every .* above 0; use more fraction"),
        ("conv3", {"phase_constants": np.arange(1, 9)}, "phase_constants: phase constants must never rise"),
        ("conv3", {"fires": False}, "it does not fire, so only an add may read it, not avgpool4"),
        ("maxpool2", {"fires": True}, "a maxpool layer has no neurons"),
        ("maxpool2", {"shape": (4, 3, 3)}, "pooling keeps the number of channels"),
        ("maxpool2", {"inputs": (INPUT,)}, "max pooling needs one phase code a value, not the network's own input"),
        ("maxpool2", {"padding": (2, 0), "shape": (2, 5, 3)}, r"padding \(2, 0\) is more than half of the kernel"),
        ("avgpool4", {"dilation": (1, 2)}, r"dilation \(1, 2\) is not supported"),
        ("avgpool4", {"kernel_size": (3, 3)}, r"kernel \(3, 3\) is larger than its padded input \(4, 2, 2\)"),
        ("flatten5", {"shape": (5,)}, r"flattens \(4, 1, 1\) to \(5,\)"),
        ("flatten5", {"fires": True}, "a flatten layer does not fire"),
        ("linear6", {"inputs": ("avgpool4",)}, r"reads \(4, 1, 1\); put a flatten layer in front"),
        ("linear6", {"shape": (3, 1, 1)}, r"shape must be \(C,\), not \(3, 1, 1\)"),
        ("linear6", {"kind": "conv"}, r"reads \(4,\); a conv layer needs \(C, H, W\)"),
        ("linear6", {"weight": np.zeros((3, 5), np.int8)}, r"weight: must have shape \(3, 4\)"),
        ("linear7", {"fires": True, "ladder": np.zeros((2, 8), np.int64), "full_scale": np.ones(2)}, "not fire"),
    ],
)
def test_a_refused_layer_is_named(name: str, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(NetworkError, match=message) as refusal:
        changed(example(), name, **fields)
    assert str(refusal.value).startswith(f"{fields.get('name', name)}: ")


def residual() -> Network:
    """stem - (mean) - c1 - c2, which feeds the add with s, which reads the stem - again: the add and the stem."""
    layers = (
        conv(2, 3, padding=1, name="stem"),
        conv(2, 3, padding=1, name="c1"),
        conv(2, 3, padding=1, name="c2", charge=True),
        conv(2, 1, name="s", reads="stem", charge=True),
        add("c2", "s", name="sum"),
        add("sum", "stem", name="again"),
        conv(3, 3, name="last"),
    )
    return build(np.random.default_rng(1), (1, 4, 4), layers)


def test_a_residual_network_says_what_flows_between_its_layers() -> None:
    net = residual()
    assert [layer.name for layer in net.readers_of("stem")] == ["c1", "s", "again"]
    assert [name for name in ("stem", "c2", "s", "sum") if net.carries_codes(name)] == ["stem", "sum"]
    assert net.constants_of("sum") is net.phase_constants
    with pytest.raises(NetworkError, match=r"^c2: it does not fire"):
        net.constants_of("c2")


@pytest.mark.parametrize("name", RESIDUAL_CASES)
def test_residual_networks_are_saved_and_loaded(name: str) -> None:
    net = RESIDUAL_CASES[name]()
    loaded = from_bytes(to_bytes(net))
    assert to_bytes(loaded) == to_bytes(net)
    for mine, theirs in zip(net.layers, loaded.layers, strict=True):
        assert_equal_fields(mine, theirs)


@pytest.mark.parametrize(
    ("name", "fields", "message"),
    [
        ("sum", {"inputs": ("c2",)}, "an add layer reads two inputs, not 1"),
        ("sum", {"inputs": ("c2", "c2")}, "reads c2 twice; a layer with twice its weights does the same"),
        ("sum", {"fires": False}, "an add always fires; it needs a ladder"),
        ("sum", {"ladder": None}, "ladder: must be a numpy array"),
        ("sum", {"shape": (2, 3, 3)}, r"shape is \(2, 3, 3\), its inputs have \(2, 4, 4\)"),
        ("sum", {"operand_weight": None}, "operand_weight: must be a numpy array"),
        ("sum", {"operand_weight": np.ones((2, 3), np.int64)}, r"operand_weight: must have shape \(2, 2\)"),
        ("sum", {"operand_weight": np.full((2, 2), 2)}, "operand_weight: must be 1 for c2, which does not fire"),
        ("again", {"operand_weight": np.full((2, 2), 1 << 15)}, "operand_weight: must have 16 bits at most"),
        ("again", {"inputs": ("sum", "input")}, r"adds \(2, 4, 4\) and \(1, 4, 4\); both inputs need the same shape"),
        ("again", {"inputs": ("sum", "c2")}, "it does not fire, so one add alone may read it, not sum, again"),
        ("c2", {"bias": np.array([0, 3])}, "bias: must be 0; what it adds goes into the bias of sum"),
        ("last", {"inputs": ("s",)}, "s: it does not fire, so one add alone may read it, not sum, last"),
        ("stem", {"phase_constants": np.arange(9, 1, -1)}, "what c2 and s read has different phase constants"),
        ("last", {"inputs": ("sum",)}, "no layer reads it; leave it out"),
    ],
)
def test_a_refused_sum_is_named(name: str, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(NetworkError, match=message):
        changed(residual(), name, **fields)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (avgpool(3, 1, 1), "sum: mean must give one phase code a value, not averages"),
        (conv(2, 1, reads=INPUT, charge=True), "sum: mean stands behind the network's own input; a layer that fires"),
    ],
)
def test_a_sum_takes_codes_and_what_codes_have_charged(source: Any, message: str) -> None:
    layers = (
        conv(2, 3, padding=1, name="stem"),
        conv(2, 3, padding=1, name="c", charge=True),
        conv(2, 1, name="other", reads="stem"),
        add("c", "other", name="sum"),
        conv(3, 3),
    )
    net = build(np.random.default_rng(1), (2, 4, 4), layers)
    stem, c, other, total, last = net.layers
    mean = dataclasses.replace(
        other,
        kind=source.kind,
        name="mean",
        inputs=source.reads or ("stem",),
        fires=False,
        weight=other.weight if source.kind == "conv" else None,
        bias=np.zeros(2, np.int64),
        kernel_size=source.kernel,
        padding=source.padding,
        ladder=None,
    )
    total = dataclasses.replace(total, inputs=("c", "mean"), operand_weight=np.ones((2, 2), np.int64))
    with pytest.raises(NetworkError, match=message):
        dataclasses.replace(net, layers=(stem, c, mean, total, last))


def test_max_pooling_of_averages_is_refused() -> None:
    net = example()
    pool = dataclasses.replace(net.layer("maxpool2"), name="late", inputs=("avgpool4",), shape=(4, 1, 1))
    pool = dataclasses.replace(pool, kernel_size=(1, 1), stride=(1, 1))
    with pytest.raises(NetworkError, match=r"^late: max pooling needs one phase code a value, not the averages behind"):
        dataclasses.replace(net, layers=(*net.layers[:4], pool, *net.layers[4:]))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("timesteps", 0, r"must be 1\.\.32, not 0"),
        ("timesteps", 33, r"must be 1\.\.32, not 33"),
        ("timesteps", np.int64(8), "must be a plain int"),
        ("start", 0.5, "must be a plain int, not 0.5"),
        ("wait", -1, r"must be 0\.\.7, not -1"),
        ("wait", 8, r"must be 0\.\.7, not 8"),
        ("input_bits", 0, r"must be 1\.\.16, not 0"),
        ("input_bits", 17, r"must be 1\.\.16, not 17"),
        ("fraction_bits", 31, r"must be 0\.\.30, not 31"),
        ("input_shape", (2, 6), r"\(2, 6\) is not \(C, H, W\) or \(C,\)"),
        ("input_shape", (2, 6, 0), "must be plain ints of at least 1"),
        ("phase_constants", [8, 7, 6, 5, 4, 3, 2, 1], "must be a numpy array, not list"),
        ("phase_constants", np.ones(7, np.int64), r"must have shape \(8,\), not \(7,\)"),
        ("phase_constants", np.zeros(8, np.int64), "above 0; use more fraction bits"),
        ("phase_constants", np.arange(1, 9), "must never rise"),
        ("input_zero_point", np.array([0, 128]), r"must lie in -128\.\.127"),
        ("input_zero_point", np.zeros(2, np.int32), "must be int64, not int32"),
        ("input_scale", np.array([1.0, np.inf]), "must be finite"),
        ("input_offset", np.zeros(3), r"must have shape \(2,\), not \(3,\)"),
        ("layers", (), "at least one layer"),
    ],
)
def test_a_refused_field_of_the_network_is_named(field: str, value: Any, message: str) -> None:
    with pytest.raises(NetworkError, match=f"^{field}: .*{message}"):
        dataclasses.replace(example(), **{field: value})


def test_a_network_that_ends_in_pooling_is_refused() -> None:
    net = example()
    with pytest.raises(NetworkError, match=r"^avgpool4: the last layer must integrate and not fire"):
        dataclasses.replace(net, layers=net.layers[:4])

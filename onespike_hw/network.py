"""The integer network: plain dataclasses that hold all that golden model, Verilog and HLS compute with.

The integer contract (docs/contract.md) is stated in terms of these fields alone. No torch here.
"""

from __future__ import annotations

import dataclasses
import io
import json
import os
import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onespike_hw.checks import check_array, check_ints, need
from onespike_hw.errors import NetworkError, OutputError
from onespike_hw.graph import Graph

FORMAT_VERSION = 3
"""Of the files that are written. Versions 1, which has no graph, and 2, which has no input levels, are read too."""
_READ_VERSIONS = (1, 2, FORMAT_VERSION)
_FORMAT_NAME = "onespike-hw network"

INPUT = "input"
"""The name under which a layer reads the network's own input."""

KINDS = ("conv", "linear", "graphconv", "maxpool", "avgpool", "add", "flatten")
WEIGHTED = ("conv", "linear", "graphconv")
"""Kinds that have synaptic weights."""

OPERAND_WEIGHT_BITS = 16
"""Width of an operand weight, two's complement, at most."""

MOST_SHIFT = 62
"""Of a graphconv layer."""

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]
Pair = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer of the network.

    name      the torch module's qualified name, dots kept
    kind      one of KINDS
    inputs    names of the layers it reads, two for an add, else one; "input" is the network's own input
    shape     what leaves it, for one image: (C, H, W), or (C,) behind a flatten or linear layer; of a graphconv layer
              (C, nodes)
    fires     True where phase codes leave it through a threshold ladder of its own; a conv or linear layer that does
              not fire is the last layer, or feeds an add, with bias 0

    Where it applies:
    weight    int8, torch layout: (C_out, C_in / groups, K_h, K_w) or (C_out, C_in)
    bias      int64 (C_out,), in units of the potential
    ladder    int64 (C_out, T), never rising along T; only where fires
    scale     float64 (C_out,): real value of one unit of the potential (activation or logit = potential * scale)
    full_scale  float64 (C_out,): real value of the channel's full scale, lambda; only where fires
    phase_constants  int64 (T,): the constants of its own output, where they differ from the network's
    operand_weight   int64 (2, C_out), of an add: the integer weight of a spike of each input; 1 for an input that does
                     not fire. At most 16 bits
    shift     r of a graphconv layer, 0..62: what a node sends along its edges is rounded to multiples of 2^r; else 0
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    shape: tuple[int, ...]
    fires: bool = False
    weight: NDArray[np.int8] | None = None
    bias: Int64 | None = None
    ladder: Int64 | None = None
    scale: Float64 | None = None
    full_scale: Float64 | None = None
    phase_constants: Int64 | None = None
    operand_weight: Int64 | None = None
    kernel_size: Pair = (1, 1)
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1
    shift: int = 0


@dataclass(frozen=True, eq=False)
class Network:
    """A converted network.

    timesteps         T, phases in one period, 1..32
    base              Q, for people; the integers that count are the phase constants
    start             a spike in phase k stands for Q^-(k + start) of the full scale
    phase_constants   int64 (T,), positive, never rising
    fraction_bits     F
    wait              phases a layer lags behind the one before it, 0..T-1; T-1 is settled
    input_shape       (C, H, W) or (C,); of a network over a graph (C, nodes)
    input_bits        width of an input integer, 1..16
    input_signed      two's complement, or unsigned
    input_zero_point  int64 (C,): subtracted from the input integer
    input_scale       float64 (C,): real value of one input step
    input_offset      float64 (C,): the input integer that stands for real 0, before rounding:
                      real = (integer - offset) * scale; the zero point is the integer that stands for 0 behind a
                      normalisation that is the model's own first step, and the rounding of this where there is none
    input_levels      where an input value is one spike: how far from the zero point it may lie, falling, and 0; what
                      real values become. None: any integer
    layers            in the order of the data, every one read by a later one; the last one does not fire: its
                      potentials are the logits
    graph             what all layers share where they are graphconv layers, else None
    """

    timesteps: int
    base: float
    start: int
    phase_constants: Int64
    fraction_bits: int
    wait: int
    input_shape: tuple[int, ...]
    input_bits: int
    input_signed: bool
    input_zero_point: Int64
    input_scale: Float64
    input_offset: Float64
    layers: tuple[Layer, ...]
    graph: Graph | None = None
    input_levels: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        check(self)

    def layer(self, name: str) -> Layer:
        """The layer of that name; NetworkError where there is none."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise NetworkError(f"{name}: no such layer; this network has {', '.join(x.name for x in self.layers)}")

    def shape_of(self, name: str) -> tuple[int, ...]:
        """Shape of what leaves the layer of that name; "input" is the network's own input."""
        return self.input_shape if name == INPUT else self.layer(name).shape

    def constants_of(self, name: str) -> Int64 | None:
        """Phase constants of the codes that leave the layer of that name; None for the network's multi-bit input.

        Pooling and flattening pass the constants of what they read.
        """
        while name != INPUT:
            layer = self.layer(name)
            if layer.fires:
                return self.phase_constants if layer.phase_constants is None else layer.phase_constants
            if layer.kind in WEIGHTED:
                raise NetworkError(f"{name}: it does not fire, so no phase codes leave it")
            name = layer.inputs[0]
        return None

    def carries_codes(self, name: str) -> bool:
        """True where what leaves that layer is one phase code a value; False for the input, averages and logits."""
        while name != INPUT:
            layer = self.layer(name)
            if layer.kind in (*WEIGHTED, "add", "avgpool"):
                return layer.fires
            name = layer.inputs[0]
        return False

    def readers_of(self, name: str) -> tuple[Layer, ...]:
        """The layers that read what leaves the layer of that name, in their order."""
        return tuple(layer for layer in self.layers if name in layer.inputs)

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """Shape of one input as users give it: input_shape; (nodes, C) for a network over a graph."""
        return self.input_shape if self.graph is None else self.input_shape[::-1]

    @property
    def input_range(self) -> Pair:
        """Smallest and largest input integer."""
        if self.input_signed:
            return -(1 << (self.input_bits - 1)), (1 << (self.input_bits - 1)) - 1
        return 0, (1 << self.input_bits) - 1

    @property
    def settled(self) -> bool:
        """True where every neuron waits for all of its input."""
        return self.wait >= self.timesteps - 1

    def save(self, path: str | Path) -> None:
        """Write one file, aside first, then renamed; equal networks give equal bytes.

        OutputError where it cannot be written.
        """
        try:
            _write(Path(path), to_bytes(self))
        except OSError as error:
            raise OutputError(
                f"{path}: cannot be written ({error.strerror}); give a file in a folder of yours"
            ) from error


def _write(target: Path, payload: bytes) -> None:
    handle, aside = tempfile.mkstemp(dir=target.parent, prefix=target.name, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(payload)
        os.chmod(aside, 0o644)
        os.replace(aside, target)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise


def output_size(size: int, kernel: int, stride: int, padding: int) -> int:
    """Positions of a window along one axis (floor mode)."""
    return (size + 2 * padding - kernel) // stride + 1


def _check_constants(constants: Any, timesteps: int, where: str) -> None:
    check_array(constants, np.int64, (timesteps,), where)
    need(bool((constants > 0).all()), where, "every phase constant must be above 0; use more fraction bits")
    need(bool((np.diff(constants) <= 0).all()), where, "phase constants must never rise")


def _check_layer(net: Network, layer: Layer, known: dict[str, tuple[int, ...]]) -> None:
    name = layer.name
    check_ints(layer.shape, 1, f"{name}: shape")
    need(layer.kind in KINDS, name, f"kind {layer.kind!r} is not one of {', '.join(KINDS)}")
    wanted, word = (2, "two inputs") if layer.kind == "add" else (1, "one input")
    article = "an" if layer.kind[0] in "a" else "a"
    need(len(layer.inputs) == wanted, name, f"{article} {layer.kind} layer reads {word}, not {len(layer.inputs)}")
    for source in layer.inputs:
        need(source in known, name, f"reads {source!r}, which no earlier layer is called")
        _check_charge(net, layer, source)
    source = layer.inputs[0]
    shape = known[source]
    need(layer.groups >= 1, name, f"groups must be at least 1, not {layer.groups}")
    if net.graph is not None or layer.kind == "graphconv":
        _check_graphconv(net, layer, shape)
        return
    need(layer.shift == 0, f"{name}: shift", f"must be 0 in a {layer.kind} layer, not {layer.shift}")
    if layer.kind == "flatten":
        need(layer.shape == (int(np.prod(shape)),), name, f"flattens {shape} to {layer.shape}")
        need(not layer.fires, name, "a flatten layer does not fire")
        return
    if layer.kind == "add":
        _check_add(net, layer, known)
        _check_neurons(net, layer)
        return
    if layer.kind == "linear":
        need(len(shape) == 1, name, f"reads {shape}; put a flatten layer in front")
        need(len(layer.shape) == 1, name, f"shape must be (C,), not {layer.shape}")
        weight_shape: tuple[int, ...] = (layer.shape[0], shape[0])
    else:
        need(len(shape) == 3, name, f"reads {shape}; a {layer.kind} layer needs (C, H, W)")
        for field, low in (("kernel_size", 1), ("stride", 1), ("padding", 0)):
            pair = getattr(layer, field)
            check_ints(pair, low, f"{name}: {field}")
            need(len(pair) == 2, f"{name}: {field}", f"must be a pair, not {pair}")
        spatial = zip(shape[1:], layer.kernel_size, layer.stride, layer.padding, strict=True)
        size = tuple(output_size(*axis) for axis in spatial)
        need(min(size) >= 1, name, f"kernel {layer.kernel_size} is larger than its padded input {shape}")
        fits = len(layer.shape) == 3 and layer.shape[1:] == size
        need(fits, name, f"shape is {layer.shape}, the window gives {size}")
        need(layer.dilation == (1, 1), name, f"dilation {layer.dilation} is not supported; use dilation 1")
        weight_shape = (layer.shape[0], shape[0] // layer.groups, *layer.kernel_size)
    if layer.kind in ("maxpool", "avgpool"):
        need(layer.shape[0] == shape[0], name, "pooling keeps the number of channels")
        need(not layer.fires, name, f"a {layer.kind} layer has no neurons")
        if layer.kind == "maxpool":
            what = "the network's own input" if source == INPUT else f"the averages behind {source}"
            need(net.carries_codes(source), name, f"max pooling needs one phase code a value, not {what}")
        half = all(2 * p <= k for p, k in zip(layer.padding, layer.kernel_size, strict=True))
        need(half, name, f"padding {layer.padding} is more than half of the kernel {layer.kernel_size}")
        return
    channels = layer.shape[0]
    divides = shape[0] % layer.groups == 0 and channels % layer.groups == 0
    need(divides, name, f"{layer.groups} groups do not divide {shape[0]} and {channels} channels")
    check_array(layer.weight, np.int8, weight_shape, f"{name}: weight")
    _check_neurons(net, layer)


def _integrates(layer: Layer) -> bool:
    """True for a layer with weights that passes on what it has integrated."""
    return layer.kind in WEIGHTED and not layer.fires


def _check_charge(net: Network, layer: Layer, source: str) -> None:
    """Only an add reads a layer that does not fire, and alone."""
    if source == INPUT or not _integrates(net.layer(source)):
        return
    need(layer.kind == "add", source, f"it does not fire, so only an add may read it, not {layer.name}")
    readers = [reader.name for reader in net.readers_of(source)]
    need(len(readers) == 1, source, f"it does not fire, so one add alone may read it, not {', '.join(readers)}")


def _check_add(net: Network, layer: Layer, known: dict[str, tuple[int, ...]]) -> None:
    name, (first, second) = layer.name, layer.inputs
    need(first != second, name, f"reads {first} twice; a layer with twice its weights does the same")
    shapes = known[first], known[second]
    need(shapes[0] == shapes[1], name, f"adds {shapes[0]} and {shapes[1]}; both inputs need the same shape")
    need(layer.shape == shapes[0], name, f"shape is {layer.shape}, its inputs have {shapes[0]}")
    need(layer.fires, name, "an add always fires; it needs a ladder")
    weight = layer.operand_weight
    check_array(weight, np.int64, (2, layer.shape[0]), f"{name}: operand_weight")
    assert weight is not None
    bound = 1 << (OPERAND_WEIGHT_BITS - 1)
    inside = bool(((weight >= -bound) & (weight < bound)).all())
    need(inside, f"{name}: operand_weight", f"must have {OPERAND_WEIGHT_BITS} bits at most")
    constants: list[Int64] = []
    for source, weights in zip(layer.inputs, weight, strict=True):
        read = source
        if source != INPUT and _integrates(net.layer(source)):
            operand = net.layer(source)
            need(bool((weights == 1).all()), f"{name}: operand_weight", f"must be 1 for {source}, which does not fire")
            no_bias = operand.bias is not None and not operand.bias.any()
            need(no_bias, f"{source}: bias", f"must be 0; what it adds goes into the bias of {name}")
            read = operand.inputs[0]
        else:
            what = "the network's own input" if source == INPUT else "averages"
            need(net.carries_codes(source), name, f"{source} must give one phase code a value, not {what}")
        charges = net.constants_of(read)
        if charges is None:
            way_out = "a layer that fires must lie in between"
            raise NetworkError(f"{name}: {source} stands behind the network's own input; {way_out}")
        constants.append(charges)
    equal = np.array_equal(constants[0], constants[1])
    need(equal, name, f"what {first} and {second} read has different phase constants")


def _check_neurons(net: Network, layer: Layer) -> None:
    name, channels = layer.name, layer.shape[0]
    check_array(layer.bias, np.int64, (channels,), f"{name}: bias")
    check_array(layer.scale, np.float64, (channels,), f"{name}: scale")
    if layer.fires:
        check_array(layer.ladder, np.int64, (channels, net.timesteps), f"{name}: ladder")
        check_array(layer.full_scale, np.float64, (channels,), f"{name}: full_scale")
        assert layer.ladder is not None
        need(bool((np.diff(layer.ladder, axis=1) <= 0).all()), f"{name}: ladder", "must never rise along the phases")
    if layer.phase_constants is not None:
        _check_constants(layer.phase_constants, net.timesteps, f"{name}: phase_constants")


def _check_input_shape(net: Network) -> None:
    shape = net.input_shape
    if net.graph is None:
        need(len(shape) in (1, 3), "input_shape", f"{shape} is not (C, H, W) or (C,); (C, nodes) needs a graph")
        return
    need(len(shape) == 2, "input_shape", f"{shape} is not (C, nodes), as a network over a graph has it")
    nodes = net.graph.nodes
    need(shape[1] == nodes, "input_shape", f"{shape} has features for {shape[1]} nodes, the graph has {nodes}")
    need(net.settled, "wait", f"must be {net.timesteps - 1} (settled) in a network over a graph, not {net.wait}")


def _check_graphconv(net: Network, layer: Layer, shape: tuple[int, ...]) -> None:
    """A layer of a network over a graph; shape: of what it reads."""
    name, graph = layer.name, net.graph
    need(layer.kind == "graphconv", name, f"a {layer.kind} layer cannot be in a network over a graph; use graphconv")
    if graph is None:
        raise NetworkError(f"{name}: a graphconv layer needs a graph, and the network has none")
    fits = len(layer.shape) == 2 and layer.shape[1] == graph.nodes
    need(fits, name, f"shape is {layer.shape}, must be (C, {graph.nodes}): the graph has {graph.nodes} nodes")
    need(layer.groups == 1, name, f"groups must be 1, not {layer.groups}")
    inside = type(layer.shift) is int and 0 <= layer.shift <= MOST_SHIFT
    need(inside, f"{name}: shift", f"must be a plain int, 0..{MOST_SHIFT}, not {layer.shift!r}")
    check_array(layer.weight, np.int8, (layer.shape[0], shape[0]), f"{name}: weight")
    _check_neurons(net, layer)


def check(net: Network) -> None:
    """Raise NetworkError, naming the layer, where a network breaks the contract."""
    for field in ("timesteps", "start", "fraction_bits", "wait", "input_bits"):
        value = getattr(net, field)
        need(type(value) is int, field, f"must be a plain int, not {value!r}")
    check_ints(net.input_shape, 1, "input_shape")
    need(1 <= net.timesteps <= 32, "timesteps", f"must be 1..32, not {net.timesteps}")
    need(0 <= net.wait <= net.timesteps - 1, "wait", f"must be 0..{net.timesteps - 1}, not {net.wait}")
    need(1 <= net.input_bits <= 16, "input_bits", f"must be 1..16, not {net.input_bits}")
    need(0 <= net.fraction_bits <= 30, "fraction_bits", f"must be 0..30, not {net.fraction_bits}")
    _check_input_shape(net)
    _check_constants(net.phase_constants, net.timesteps, "phase_constants")
    channels = (net.input_shape[0],)
    check_array(net.input_zero_point, np.int64, channels, "input_zero_point")
    check_array(net.input_scale, np.float64, channels, "input_scale")
    check_array(net.input_offset, np.float64, channels, "input_offset")
    low, high = net.input_range
    inside = (net.input_zero_point >= low) & (net.input_zero_point <= high)
    need(bool(inside.all()), "input_zero_point", f"must lie in {low}..{high}")
    if net.input_levels is not None:
        check_ints(net.input_levels, 1, "input_levels")
        falls = all(one > next_one for one, next_one in pairwise(net.input_levels))
        fits = len(net.input_levels) > 0 and net.input_levels[0] <= high - low
        need(falls and fits, "input_levels", f"must fall, from {high - low} at most, not {net.input_levels}")
    need(len(net.layers) > 0, "layers", "a network needs at least one layer")
    known = {INPUT: net.input_shape}
    for layer in net.layers:
        need(layer.name not in known, layer.name, "two layers have this name")
        _check_layer(net, layer, known)
        known[layer.name] = layer.shape
    last = net.layers[-1]
    need(_integrates(last), last.name, "the last layer must integrate and not fire")
    for layer in net.layers[:-1]:
        need(bool(net.readers_of(layer.name)), layer.name, "no layer reads it; leave it out")


_ARRAYS = ("weight", "bias", "ladder", "scale", "full_scale", "phase_constants", "operand_weight")
_GRAPH_ARRAYS = ("row_start", "column", "edge_weight", "source_scale", "target_scale")
_NET_ARRAYS = ("phase_constants", "input_zero_point", "input_scale", "input_offset")


def to_bytes(net: Network) -> bytes:
    """The network as one npz archive (arrays and a JSON header), without pickle; the same network, the same bytes."""
    arrays: dict[str, NDArray[Any]] = {f"net/{field}": getattr(net, field) for field in _NET_ARRAYS}
    header: dict[str, Any] = {"format": _FORMAT_NAME, "version": FORMAT_VERSION, "layers": []}
    for field in dataclasses.fields(net):
        if field.name not in (*_NET_ARRAYS, "layers", "graph"):
            header[field.name] = getattr(net, field.name)
    if net.graph is not None:
        header["nodes"] = net.graph.nodes
        graph = {field: getattr(net.graph, field) for field in _GRAPH_ARRAYS}
        arrays |= {f"graph/{field}": value for field, value in graph.items() if value is not None}
    for index, layer in enumerate(net.layers):
        entry: dict[str, Any] = {"arrays": []}
        for field in dataclasses.fields(layer):
            value = getattr(layer, field.name)
            if field.name not in _ARRAYS:
                entry[field.name] = value
            elif value is not None:
                entry["arrays"].append(field.name)
                arrays[f"layer{index}/{field.name}"] = value
        header["layers"].append(entry)
    text = json.dumps(header, sort_keys=True).encode()
    stream = io.BytesIO()
    in_order = {key: np.ascontiguousarray(value) for key, value in arrays.items()}
    np.savez(stream, allow_pickle=False, header=np.frombuffer(text, np.uint8), **in_order)
    return stream.getvalue()


def _tuples(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}


def from_bytes(payload: bytes, where: str = "network file") -> Network:
    """Inverse of to_bytes; NetworkError for anything that is not such an archive."""
    try:
        with np.load(io.BytesIO(payload), allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
        header = json.loads(arrays["header"].tobytes())
    except Exception as error:  # zipfile and numpy raise a dozen sorts on damaged bytes
        way_out = "write it again with net.save()"
        raise NetworkError(f"{where}: not an onespike-hw network, or damaged ({error}); {way_out}") from error
    if not isinstance(header, dict) or header.get("format") != _FORMAT_NAME:
        raise NetworkError(f"{where}: an archive of something else; expected a file written by net.save()")
    version = header.get("version")
    if version not in _READ_VERSIONS:
        known = f"up to {FORMAT_VERSION}"
        raise NetworkError(f"{where}: format version {version}; this release reads {known}; convert again")
    try:
        layers = []
        for index, entry in enumerate(header.pop("layers")):
            fields = _tuples(entry)
            for name in fields.pop("arrays"):
                fields[name] = arrays[f"layer{index}/{name}"]
            layers.append(Layer(**fields))
        fields = _tuples(header)
        fields.pop("format")
        fields.pop("version")
        graph = _graph_of(arrays, fields.pop("nodes")) if "nodes" in fields else None
        own = {field: arrays[f"net/{field}"] for field in _NET_ARRAYS}
        return Network(layers=tuple(layers), graph=graph, **own, **fields)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise NetworkError(f"{where}: a field is missing, unknown or malformed ({error}); convert again") from error


def _graph_of(arrays: dict[str, NDArray[Any]], nodes: int) -> Graph:
    """Edge weights alone may be missing."""
    needed = {field: arrays[f"graph/{field}"] for field in _GRAPH_ARRAYS if field != "edge_weight"}
    return Graph(nodes=nodes, edge_weight=arrays.get("graph/edge_weight"), **needed)


def load(path: str | Path) -> Network:
    """Read a network that `Network.save` wrote; NetworkError where the file is absent, damaged or foreign."""
    try:
        payload = Path(path).read_bytes()
    except OSError as error:
        raise NetworkError(f"{path}: cannot be read ({error.strerror})") from error
    return from_bytes(payload, str(path))

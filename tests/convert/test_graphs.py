"""Graph convolutional networks: what GraphConv computes, what convert makes of it, and what it refuses."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from torch import Tensor, nn
from torch.nn import functional

import onespike_hw as oh
from onespike_hw.convert.adjacency import Adjacency, as_integers
from onespike_hw.convert.float_model import predict
from onespike_hw.convert.graphs import sent
from onespike_hw.errors import ConversionError, InputError
from onespike_hw.network import Network
from tests.convert.cases import chain, nearest_level, relative_difference

NODES, FEATURES, CLASSES = 60, 24, 4


def random_edges(seed: int = 0, share: float = 0.06, nodes: int = NODES) -> tuple[Tensor, Tensor]:
    """Directed edges; nothing goes into the last three nodes."""
    drawn = torch.rand(nodes, nodes, generator=torch.Generator().manual_seed(seed)) < share
    drawn[:, -3:] = False
    drawn.fill_diagonal_(False)
    source, target = drawn.nonzero().T
    return source, target


def features(seed: int = 1, channels: int = FEATURES) -> Tensor:
    """Binary words, a few a node; the first two nodes have none."""
    x = (torch.rand(NODES, channels, generator=torch.Generator().manual_seed(seed)) < 0.25).float()
    x[:2] = 0
    return x


EDGES = oh.nn.adjacency(NODES, *random_edges())


def gcn(
    edges: Adjacency = EDGES, layers: int = 2, width: int = 16, channels: int = FEATURES, seed: int = 0
) -> nn.Module:
    """GraphConv, BatchNorm1d, ReLU, Dropout; and so on; parameters drawn anew."""
    torch.manual_seed(seed)
    sizes = [channels, *[width] * (layers - 1), CLASSES]
    modules: dict[str, nn.Module] = {}
    for index, (inputs, outputs) in enumerate(pairwise(sizes), start=1):
        modules[f"conv{index}"] = oh.nn.GraphConv(inputs, outputs, edges)
        nn.init.normal_(modules[f"conv{index}"].bias, 0, 0.1)
        if index < layers:
            norm = modules[f"norm{index}"] = nn.BatchNorm1d(outputs)
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            norm.running_var.uniform_(0.3, 1.3)
            norm.running_mean.normal_(0, 0.1)
            modules |= {f"relu{index}": nn.ReLU(), f"drop{index}": nn.Dropout(0.5)}
    return chain(**modules).eval()


def dense(nodes: int, source: Tensor, target: Tensor, weight: Tensor, normalize: str | None, loops: bool) -> Tensor:
    """The normalised adjacency, by the book."""
    matrix = torch.zeros(nodes, nodes, dtype=torch.float64)
    matrix[target, source] = weight.double()
    if loops:
        missing = torch.diagonal(matrix) == 0
        matrix = matrix + torch.diag(missing.double())
    degree = matrix.sum(1)
    if normalize == "symmetric":
        factor = torch.where(degree > 0, degree, 1).rsqrt() * (degree > 0)
        return factor[:, None] * matrix * factor
    if normalize == "row":
        return matrix / torch.where(degree > 0, degree, 1)[:, None]
    return matrix


@pytest.mark.parametrize("normalize", ["symmetric", "row", None])
@pytest.mark.parametrize("loops", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_graph_conv_is_the_textbook_formula(normalize: str | None, loops: bool, weighted: bool) -> None:
    source, target = random_edges(3)
    weight = torch.rand(len(source)) + 0.1 if weighted else torch.ones(len(source))
    given = weight if weighted else None
    edges = oh.nn.adjacency(NODES, source, target, edge_weight=given, normalize=normalize, self_loops=loops)
    layer = oh.nn.GraphConv(FEATURES, 5, edges).double()
    x = features().double()
    matrix = dense(NODES, source, target, weight, normalize, loops)
    torch.testing.assert_close(layer(x), matrix @ x @ layer.weight.T + layer.bias)
    several = torch.stack([x, 2 * x, -x])
    torch.testing.assert_close(layer(several), torch.stack([layer(one) for one in several]))
    layer(x).square().sum().backward()
    wanted = 2 * (matrix @ x).T @ (matrix @ x @ layer.weight.T + layer.bias)
    torch.testing.assert_close(layer.weight.grad, wanted.T)


def test_an_adjacency_comes_from_a_matrix_of_any_sort() -> None:
    source, target = random_edges(4)
    matrix = torch.zeros(NODES, NODES)
    matrix[target, source] = torch.rand(len(source)) + 0.5
    weight = matrix[target, source].double()
    wanted = oh.nn.adjacency(NODES, source, target, edge_weight=weight)
    for form in (matrix, matrix.numpy(), csr_array(matrix.numpy()), matrix.to_sparse()):
        assert oh.nn.from_matrix(form).same_as(wanted)
    assert not oh.nn.from_matrix(matrix, normalize="row").same_as(wanted)


@given(st.lists(st.floats(0.001, 60000), min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_integer_scales_and_weights_are_as_long_as_they_may_be(weights: list[float]) -> None:
    nodes = len(weights)
    edges = oh.nn.adjacency(nodes, range(nodes), [0] * nodes, edge_weight=weights)
    integers = as_integers(edges)
    weight = np.ones(edges.graph.edges) if integers.graph.edge_weight is None else integers.graph.edge_weight
    target = np.repeat(np.arange(nodes), edges.graph.degrees)
    found = integers.graph.target_scale[target] * weight * integers.graph.source_scale[edges.graph.column]
    real = edges.target[target] * edges.weight * edges.source[edges.graph.column]
    largest = max(np.abs(edges.weight).max() * edges.source.max() * edges.target.max(), real.max())
    np.testing.assert_allclose(found / 2.0**integers.bits, real, rtol=0, atol=largest * 2.0**-12)


def test_without_normalisation_nothing_is_scaled() -> None:
    source, target = random_edges(5)
    integers = as_integers(oh.nn.adjacency(NODES, source, target, normalize=None))
    assert integers.bits == 0
    assert integers.graph.edge_weight is None
    assert (integers.graph.source_scale == 1).all()
    weighted = oh.nn.adjacency(NODES, source, target, edge_weight=torch.full((len(source),), -3.0), normalize=None)
    assert set(as_integers(weighted).graph.edge_weight) == {-3, 1}


def test_symmetric_factors_are_integers_of_a_node() -> None:
    """Three nodes in a row, both ways, with self loops: 2^15 / sqrt(2), 2^15 / sqrt(3), 2^15 / sqrt(2)."""
    graph = as_integers(oh.nn.adjacency(3, [0, 1, 1, 2], [1, 0, 2, 1])).graph
    assert graph.source_scale.tolist() == graph.target_scale.tolist() == [23170, 18919, 23170]
    assert graph.column.tolist() == [0, 1, 0, 1, 2, 1, 2]


def emulated(net: Network, x: Tensor, coded: bool) -> np.ndarray:
    """Logits [nodes, C] of a network in floats, with its own integer weights and graph, from the contract alone."""
    graph = net.graph
    into = np.repeat(np.arange(graph.nodes), graph.degrees)
    weight = 1.0 if graph.edge_weight is None else graph.edge_weight
    values = graph.target_scale[into] * weight * graph.source_scale[graph.column].astype(float)
    matrix = np.zeros((graph.nodes, graph.nodes))
    matrix[into, graph.column] = values
    units = np.rint(x.double().numpy() / net.input_scale + net.input_offset) - net.input_zero_point
    for layer in net.layers:
        potential = layer.bias + matrix @ (units @ layer.weight.T.astype(float)) * 2.0**-layer.shift
        real = potential * layer.scale
        if not layer.fires:
            return real
        normalised = torch.from_numpy(np.maximum(real, 0) / layer.full_scale)
        units = 2.0**net.fraction_bits * (nearest_level(normalised, net) if coded else normalised).numpy()
    raise AssertionError("the last layer fires")


@pytest.mark.parametrize("layers", [1, 2, 3, 4])
def test_a_converted_gcn_computes_what_the_trained_one_does(layers: int) -> None:
    """With real activations its integers differ by the rounding of weights, biases and degrees alone."""
    model, x = gcn(layers=layers), features()
    net = oh.convert(model, x, timesteps=8, calibrate=False, percentile=100, input_bits=1)
    assert [layer.kind for layer in net.layers] == ["graphconv"] * layers
    assert [layer.name for layer in net.layers] == [f"conv{index}" for index in range(1, layers + 1)]
    assert net.input_shape == (FEATURES, NODES)
    assert relative_difference(emulated(net, x, coded=False), model(x)) < 0.02
    run = oh.golden.run(net, x)
    found = run.logits[0] * run.scale
    expected = torch.from_numpy(emulated(net, x, coded=True))
    assert relative_difference(found, expected) < 0.03
    assert np.mean(found.argmax(1) == expected.numpy().argmax(1)) > 0.95


@pytest.mark.parametrize("normalize", ["row", None])
def test_other_normalisations_and_weights_are_converted(normalize: str | None) -> None:
    source, target = random_edges(6)
    weight = torch.rand(len(source)) * 2 - 0.5 if normalize is None else torch.rand(len(source)) + 0.1
    edges = oh.nn.adjacency(NODES, source, target, edge_weight=weight, normalize=normalize)
    model, x = gcn(edges), features()
    net = oh.convert(model, x, timesteps=16, input_bits=1)
    run = oh.golden.run(net, x)
    assert relative_difference(run.logits[0] * run.scale, model(x)) < 0.1


def test_signed_and_normalised_features_have_an_integer_for_zero() -> None:
    """A node's padding is nothing: what stands for 0 must be sent as 0 exactly, over however many edges."""
    x = torch.randn(NODES, FEATURES, generator=torch.Generator().manual_seed(2))
    model = gcn()
    net = oh.convert(model, x, timesteps=16)
    run = oh.golden.run(net, x)
    assert relative_difference(run.logits[0] * run.scale, model(x)) < 0.1
    zeros = oh.golden.quantize_input(net, torch.zeros(NODES, FEATURES))
    assert (zeros == net.input_zero_point).all()
    np.testing.assert_array_equal(net.input_offset, net.input_zero_point)
    scaled = nn.Sequential(nn.BatchNorm1d(FEATURES), gcn()).eval()
    scaled[0].running_mean.normal_(0, 0.3)
    normed = oh.convert(scaled, x, timesteps=16)
    run = oh.golden.run(normed, x)
    assert relative_difference(run.logits[0] * run.scale, scaled(x)) < 0.1


@pytest.mark.parametrize("node_bits", [12, 16, 20, 24])
def test_what_a_node_sends_has_the_bits_that_were_asked_for(node_bits: int) -> None:
    model, x = gcn(), features()
    net = oh.convert(model, x, input_bits=1, node_bits=node_bits)
    exact = oh.convert(model, x, input_bits=1, node_bits=48)
    assert [layer.shift for layer in exact.layers] == [0, 0]
    for layer, largest in zip(net.layers, (1, int(net.phase_constants[0])), strict=True):
        ends = [int(np.clip(sign * layer.weight.astype(int), 0, None).sum(1).max()) * largest for sign in (1, -1)]
        scale = int(net.graph.source_scale.max())
        wide = [sent(ends[0] * scale, layer.shift), sent(-ends[1] * scale, layer.shift)]
        assert -(1 << (node_bits - 1)) <= wide[1]
        assert wide[0] < 1 << (node_bits - 1)
        if layer.shift:
            narrow = [sent(ends[0] * scale, layer.shift - 1), sent(-ends[1] * scale, layer.shift - 1)]
            assert max(narrow[0] + 1, -narrow[1]) > 1 << (node_bits - 1)
    found, wanted = oh.golden.run(net, x), oh.golden.run(exact, x)
    difference = relative_difference(found.logits[0] * found.scale, torch.from_numpy(wanted.logits[0] * wanted.scale))
    assert difference < 2.0 ** (9 - node_bits) + 0.02


def test_calibration_lowers_the_error() -> None:
    """Full scales of least squares, and the correction of bias and slope over the edges, against the maximum."""
    model, x = gcn(layers=3), features()

    def error(**options: Any) -> float:
        run = oh.golden.run(oh.convert(model, x, timesteps=8, input_bits=1, **options), x)
        return relative_difference(run.logits[0] * run.scale, model(x))

    assert error(sparsity=0) < 0.9 * error(calibrate=False, percentile=100)


@pytest.mark.parametrize(
    "option", [{"base": "per-layer"}, {"normalization": "layer"}, {"weight_bits": 6}, {"start": 1}]
)
def test_the_options_of_other_networks_hold_for_a_gcn(option: dict[str, Any]) -> None:
    model, x = gcn(layers=3), features()
    run = oh.golden.run(oh.convert(model, x, timesteps=10, input_bits=1, **option), x)
    assert relative_difference(run.logits[0] * run.scale, model(x)) < 0.25


def test_the_spiking_network_with_float_weights_predicts_a_class_for_each_node() -> None:
    model, x = gcn(), features()
    found = predict(model, x, x.numpy(), timesteps=16, input_bits=1)
    assert found.shape == (NODES,)
    assert np.mean(found == model(x).argmax(1).numpy()) > 0.9
    with pytest.raises(InputError, match=r"shape \(59, 24\) does not fit this graph; give the features of all nodes"):
        predict(model, x, x[1:].numpy())


def test_a_linear_layer_without_a_relu_in_between_becomes_part_of_a_graph_convolution() -> None:
    torch.manual_seed(1)
    x = features()
    before = chain(fc=nn.Linear(FEATURES, 9, bias=False), conv=oh.nn.GraphConv(9, CLASSES, EDGES))
    behind = chain(conv=oh.nn.GraphConv(FEATURES, 9, EDGES), fc=nn.Linear(9, CLASSES))
    for model in (before.eval(), behind.eval()):
        net = oh.convert(model, x, input_bits=1)
        (layer,) = net.layers
        assert layer.weight.shape == (CLASSES, FEATURES)
        run = oh.golden.run(net, x)
        assert relative_difference(run.logits[0] * run.scale, model(x)) < 0.02


def other_edges() -> Adjacency:
    return oh.nn.adjacency(NODES, *random_edges(9))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            lambda: chain(a=oh.nn.GraphConv(24, 5, EDGES), r=nn.ReLU(), b=oh.nn.GraphConv(5, 3, other_edges())),
            r"^b: its graph \(60 nodes, \d+ edges\) differs from that of a \(60 nodes, \d+ edges\)",
        ),
        (
            lambda: chain(a=nn.Linear(24, 5), r=nn.ReLU(), b=oh.nn.GraphConv(5, 3, EDGES)),
            "^a: a linear layer between graph convolutions cannot be folded into one; leave its ReLU out",
        ),
        (
            lambda: chain(a=nn.Linear(24, 5), b=oh.nn.GraphConv(5, 3, EDGES)),
            "^b: has no ReLU between a and itself .* its bias is added up over the edges",
        ),
        (
            lambda: chain(a=oh.nn.GraphConv(24, 5, EDGES), b=oh.nn.GraphConv(5, 3, EDGES)),
            "^b: has no ReLU between a and itself .* edges of edges",
        ),
        (
            lambda: chain(
                a=oh.nn.GraphConv(24, 5, EDGES), r=nn.ReLU(), n=shifting_norm(5), b=oh.nn.GraphConv(5, 3, EDGES)
            ),
            "^b: has no ReLU between n and itself .* its shift is added up over the edges of each node",
        ),
        (lambda: chain(a=oh.nn.GraphConv(24, 3, EDGES), r=nn.ReLU()), "^a: the network ends in a ReLU"),
        (lambda: with_weight(float("nan")), "^a: weight holds 1 values that are NaN or infinite"),
        (lambda: Residual(), "a add layer between graph convolutions"),
    ],
)
def test_a_model_that_cannot_be_converted_is_refused(model: Callable[[], nn.Module], message: str) -> None:
    with pytest.raises(ConversionError, match=message):
        oh.convert(model().eval(), features(), input_bits=1)


def shifting_norm(channels: int) -> nn.Module:
    norm = nn.BatchNorm1d(channels)
    nn.init.constant_(norm.bias, 0.3)
    return norm


def with_weight(value: float) -> nn.Module:
    layer = oh.nn.GraphConv(FEATURES, 3, EDGES)
    layer.weight.data[0, 0] = value
    return chain(a=layer)


class Residual(nn.Module):
    """A skip connection around a graph convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.a = oh.nn.GraphConv(FEATURES, 5, EDGES)
        self.b = oh.nn.GraphConv(5, 5, EDGES)
        self.c = oh.nn.GraphConv(5, 3, EDGES)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.a(x).relu()
        return self.c((self.b(hidden) + hidden).relu())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: oh.nn.adjacency(3, [0, 1], [1, 3]), "^graph: edge 1, from node 1 into node 3: there is no node 3"),
        (lambda: oh.nn.adjacency(3, [0, 0], [1, 1]), "comes from node 0, the one before it from 0; columns must rise"),
        (
            lambda: oh.nn.adjacency(3, [0, 1], [1, 2], edge_weight=[1.0, np.nan]),
            "^graph: edge 1, from node 1 into node 2, has the weight nan; give finite weights",
        ),
        (lambda: oh.nn.adjacency(3, [0], [1], edge_weight=[1.0, 2.0]), "^graph: 2 edge weights for 1 edges"),
        (lambda: oh.nn.adjacency(3, [0.5], [1]), "^graph: source has type float64"),
        (lambda: oh.nn.adjacency(3, [0], [1], normalize="both"), "^graph: normalize='both' is unknown"),
        (
            lambda: oh.nn.adjacency(2, [0], [1], edge_weight=[-2.0]),
            '^graph: the edges into node 1 add up to -1, below 0, which normalize="symmetric" cannot take',
        ),
        (lambda: oh.nn.from_matrix(np.ones((3, 4))), r"^graph: an adjacency of shape \(3, 4\); it must be \[nodes"),
    ],
)
def test_edges_that_make_no_graph_are_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ConversionError, match=message):
        make()


def test_features_of_another_graph_are_refused() -> None:
    with pytest.raises(InputError, match=r"GraphConv: features of shape \(59, 24\), .* need \[60 nodes, 24\]"):
        gcn()(features()[1:])
    with pytest.raises(oh.OneSpikeError, match=r"features of shape \(59, 24\)"):
        oh.convert(gcn(), features()[1:])
    with pytest.raises(ConversionError, match=r"^node_bits: 7 is not an integer from 8 to 48"):
        oh.convert(gcn(), features(), node_bits=7)


class GCNConv(nn.Module):
    """Stands in for torch_geometric's layer (2.8.1): its attributes, and its formula for in-degrees."""

    def __init__(
        self, in_channels: int, out_channels: int, improved: bool = False, add_self_loops: bool = True
    ) -> None:
        super().__init__()
        self.in_channels, self.out_channels = in_channels, out_channels
        self.improved, self.add_self_loops, self.normalize, self.flow = (
            improved,
            add_self_loops,
            True,
            "source_to_target",
        )
        self.lin = nn.Linear(in_channels, out_channels, bias=False)
        self.bias = nn.Parameter(torch.rand(out_channels))

    def forward(self, x: Tensor, edge_index: Tensor, edge_weight: Tensor | None = None) -> Tensor:
        weight = torch.ones(edge_index.shape[1]) if edge_weight is None else edge_weight
        matrix = dense(len(x), edge_index[0], edge_index[1], weight, "symmetric", self.add_self_loops)
        return matrix.float() @ self.lin(x) + self.bias


class Geometric(nn.Module):
    """A model in the manner of torch_geometric."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.conv1, self.norm = GCNConv(FEATURES, 8, **options), nn.BatchNorm1d(8)
        self.conv2 = GCNConv(8, CLASSES, **options)

    def forward(self, x: Tensor, edge_index: Tensor, edge_weight: Tensor | None = None) -> Tensor:
        x = self.norm(self.conv1(x, edge_index, edge_weight)).relu()
        x = functional.dropout(x, training=self.training)
        return self.conv2(x, edge_index=edge_index, edge_weight=edge_weight)


@pytest.fixture
def geometric(monkeypatch: pytest.MonkeyPatch) -> None:
    package, modules = ModuleType("torch_geometric"), ModuleType("torch_geometric.nn")
    modules.GCNConv = GCNConv
    monkeypatch.setitem(sys.modules, "torch_geometric", package)
    monkeypatch.setitem(sys.modules, "torch_geometric.nn", modules)


@pytest.mark.usefixtures("geometric")
@pytest.mark.parametrize("loops", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_a_model_of_torch_geometric_is_converted(loops: bool, weighted: bool) -> None:
    torch.manual_seed(0)
    model, x = Geometric(add_self_loops=loops).eval(), features()
    edge_index = torch.stack(random_edges(7))
    weight = torch.rand(edge_index.shape[1]) + 0.2 if weighted else None
    own = oh.nn.with_edges(model, NODES, edge_index, weight)
    torch.testing.assert_close(own(x), model(x, edge_index, weight))
    net = oh.convert(own, x, timesteps=16, input_bits=1)
    assert [layer.name for layer in net.layers] == ["conv1", "conv2"]
    run = oh.golden.run(net, x)
    assert relative_difference(run.logits[0] * run.scale, own(x)) < 0.1


@pytest.mark.usefixtures("geometric")
def test_what_is_not_a_plain_gcn_of_torch_geometric_is_refused() -> None:
    edge_index = torch.stack(random_edges(7))
    with pytest.raises(ConversionError, match=r"^conv1: GCNConv with improved=True is not supported; use False"):
        oh.nn.with_edges(Geometric(improved=True), NODES, edge_index)
    with pytest.raises(ConversionError, match=r"^model: there is no GCNConv of torch_geometric in it"):
        oh.nn.with_edges(gcn(), NODES, edge_index)

    class Counts(Geometric):
        def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
            return super().forward(x, edge_index) * edge_index.shape[1]

    with pytest.raises(ConversionError, match="reads edge_index as well, and only GCNConv layers may"):
        oh.nn.with_edges(Counts(), NODES, edge_index)


def test_a_missing_torch_geometric_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch_geometric", None)
    with pytest.raises(ConversionError, match=r"torch_geometric is not installed; .*onespike-hw\[graphs\]"):
        oh.nn.with_edges(gcn(), NODES, torch.stack(random_edges()))

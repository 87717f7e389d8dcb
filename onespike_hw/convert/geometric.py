"""Models of torch_geometric: their GCNConv layers become GraphConv layers over given edges."""

from __future__ import annotations

import copy
from typing import Any

from torch import Tensor, fx, nn

from onespike_hw.convert.adjacency import adjacency
from onespike_hw.convert.graph_conv import GraphConv
from onespike_hw.errors import ConversionError

_DEFAULTS = {"improved": False, "flow": "source_to_target"}


def with_edges(model: nn.Module, nodes: int, edge_index: Tensor, edge_weight: Tensor | None = None) -> fx.GraphModule:
    """A model of torch_geometric over one graph, as a module that takes features [nodes, C] alone and can be converted.

        logits = model(x, edge_index)                              # forward(x, edge_index[, edge_weight])
        own = oh.nn.with_edges(model, len(x), edge_index)          # own(x) is the same; oh.convert(own, x) takes it

    Each GCNConv that the model holds becomes a GraphConv with the same weights, normalisation and self loops.

    Raises ConversionError where torch_geometric is not installed, torch.fx cannot trace the model, or it uses its edges
    for anything but GCNConv.
    """
    gcn = _gcn_conv()
    if not any(isinstance(module, gcn) for module in model.modules()):
        raise ConversionError("model: there is no GCNConv of torch_geometric in it; convert it as it is")
    own = copy.deepcopy(model).eval()
    try:
        graph = _Tracer(gcn).trace(own)
    except Exception as error:  # whatever the user's forward raises when it is traced
        way_out = "write its forward without loops and conditions that depend on the data"
        raise ConversionError(f"model: torch.fx cannot trace it ({error}); {way_out}") from error
    calls = [node for node in graph.nodes if node.op == "call_module" and isinstance(_module(own, node), gcn)]
    for node in calls:
        conv: Any = _module(own, node)
        own.set_submodule(str(node.target), _converted(str(node.target), conv, nodes, edge_index, edge_weight))
        node.args, node.kwargs = (node.kwargs.get("x", node.args[0] if node.args else None),), {}
    edges = [node for node in graph.nodes if node.op == "placeholder"][1:]
    for node in reversed(edges):
        if node.users:
            reader = next(iter(node.users)).name
            what = f"reads {node.name} as well, and only GCNConv layers may"
            raise ConversionError(f"{reader}: {what}; build it of GCNConv, BatchNorm1d, ReLU and Dropout")
        graph.erase_node(node)
    return fx.GraphModule(own, graph)


class _Tracer(fx.Tracer):
    def __init__(self, gcn: type[nn.Module]) -> None:
        super().__init__()
        self.gcn = gcn

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, self.gcn) or super().is_leaf_module(m, module_qualified_name)


def _gcn_conv() -> type[nn.Module]:
    try:
        from torch_geometric.nn import GCNConv
    except ImportError as error:
        way_out = "install it (pip install onespike-hw[graphs]), or build the model of oh.nn.GraphConv"
        raise ConversionError(f"model: torch_geometric is not installed; {way_out}") from error
    found: type[nn.Module] = GCNConv
    return found


def _module(model: nn.Module, node: fx.Node) -> nn.Module:
    return model.get_submodule(str(node.target))


def _converted(name: str, conv: Any, nodes: int, edge_index: Tensor, edge_weight: Tensor | None) -> GraphConv:
    for option, default in _DEFAULTS.items():
        value = getattr(conv, option)
        if value != default:
            raise ConversionError(f"{name}: GCNConv with {option}={value!r} is not supported; use {default!r}")
    edges = adjacency(
        nodes,
        edge_index[0],
        edge_index[1],
        edge_weight=edge_weight,
        normalize="symmetric" if conv.normalize else None,
        self_loops=bool(conv.add_self_loops),
    )
    layer = GraphConv(conv.in_channels, conv.out_channels, edges, bias=conv.bias is not None)
    layer.weight.data.copy_(conv.lin.weight.data)
    if layer.bias is not None:
        layer.bias.data.copy_(conv.bias.data)
    return layer.eval()

"""From a torch module to a plain graph of operations, by torch.fx."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, fx, nn

from onespike_hw.convert import operations
from onespike_hw.convert.layers import FloatLayer, Shape
from onespike_hw.errors import ConversionError
from onespike_hw.network import INPUT


class _Tracer(fx.Tracer):
    """Keeps modules of torch.nn whole, plain subclasses of them, and Brevitas's; looks into all others."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        plain = any(isinstance(m, kind) and type(m).forward is kind.forward for kind in operations.SUPPORTED_MODULES)
        brevitas = type(m).__module__.startswith("brevitas.")
        return plain or brevitas or super().is_leaf_module(m, module_qualified_name)


class _ShapeRun(fx.Interpreter):
    """Runs the graph on a few images.

    shapes     of every tensor, an image; None for what is no tensor
    constants  tensors that do not depend on the images: parameters, buffers, and what is computed of them
    """

    def __init__(self, graph: fx.GraphModule) -> None:
        super().__init__(graph)
        self.extra_traceback = False
        self.shapes: dict[fx.Node, Shape | None] = {}
        self.constants: dict[fx.Node, Tensor] = {}

    def run_node(self, n: fx.Node) -> Any:
        try:
            result = super().run_node(n)
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            read = [self.shapes[source] for source in n.all_input_nodes]
            what = f"cannot read a tensor of shape {read[0] if read else ()} an image"
            way_out = "give calibration images of the shape that the network takes"
            raise ConversionError(f"{_title(n)}: {what} ({_first_line(error)}); {way_out}") from error
        constant = n.op != "placeholder" and all(source in self.constants for source in n.all_input_nodes)
        if constant and isinstance(result, Tensor):
            self.constants[n] = result
        self.shapes[n] = tuple(result.shape[1:]) if isinstance(result, Tensor) else None
        return result


def trace(model: nn.Module, images: Tensor) -> list[FloatLayer]:
    """The operations that `model` applies to its input, each behind those that it reads; the model is in eval mode.

    images    a few calibration images, float32 [N, ...]; they give the shapes

    Raises ConversionError for a module that torch.fx cannot trace, or that holds unsupported operations.
    """
    graph = _graph(model)
    modules = dict(graph.named_modules())
    placeholders = [node for node in graph.graph.nodes if node.op == "placeholder"]
    if len(placeholders) != 1:
        names = ", ".join(node.name for node in placeholders) or "none"
        raise ConversionError(
            f"model: its forward takes {len(placeholders)} arguments ({names}); it must take one tensor"
        )
    for node in graph.graph.nodes:
        if node.op == "call_module" and not isinstance(modules[node.target], operations.SUPPORTED_MODULES):
            raise operations.unsupported_module(node.target, modules[node.target])
    run = _ShapeRun(graph)
    with torch.no_grad():
        run.run(images)
    (output,) = (node for node in graph.graph.nodes if node.op == "output")
    result = output.args[0]
    if not isinstance(result, fx.Node) or run.shapes[result] is None or result in run.constants:
        raise ConversionError("model: it must return one tensor, the logits; wrap it in a module that does")
    found: list[FloatLayer] = []
    named: dict[fx.Node, str] = {placeholders[0]: INPUT}
    used = {INPUT}
    for node in _needed(graph, result, run):
        if node in named:
            continue
        layers = _layers(node, modules, run, _unused(_title(node), used))
        source = named[_read(node, run)[0]]
        for layer in layers:
            inputs = (source,) if layer.kind != "add" else tuple(named[read] for read in _read(node, run))
            found.append(replace(layer, inputs=inputs))
            source = layer.name
        named[node] = source
    return found


def _needed(graph: fx.GraphModule, result: fx.Node, run: _ShapeRun) -> list[fx.Node]:
    """The nodes that compute the tensors on which the result depends, in their order."""
    needed = {result}
    for node in reversed(graph.graph.nodes):
        if node in needed:
            needed.update(_read(node, run))
    return [node for node in graph.graph.nodes if node in needed]


def _read(node: fx.Node, run: _ShapeRun) -> list[fx.Node]:
    """The tensors that a node reads, constants left out."""
    return [source for source in node.all_input_nodes if run.shapes[source] is not None and source not in run.constants]


def _graph(model: nn.Module) -> fx.GraphModule:
    try:
        return fx.GraphModule(model, _Tracer().trace(model))
    except Exception as error:  # whatever the user's forward raises when it is traced
        way_out = "write its forward without loops and conditions that depend on the data"
        raise ConversionError(f"model: torch.fx cannot trace it ({_first_line(error)}); {way_out}") from error


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def _title(node: fx.Node) -> str:
    """The module's qualified name, or the name that torch.fx gives to a function's call."""
    return str(node.target) if node.op == "call_module" else node.name


def _unused(name: str, used: set[str]) -> str:
    """The name, numbered from its second use on; noted as used."""
    unused, count = name, 1
    while unused in used:
        count += 1
        unused = f"{name}_{count}"
    used.add(unused)
    return unused


def _called(node: fx.Node) -> str:
    target = node.target
    return target if isinstance(target, str) else getattr(target, "__name__", str(target))


def _layers(node: fx.Node, modules: dict[str, nn.Module], run: _ShapeRun, name: str) -> list[FloatLayer]:
    """What a node is as layers that follow each other; their inputs are left open."""
    read = _read(node, run)
    before, after = run.shapes[read[0]] if read else None, run.shapes[node]
    if len(read) > 1 and operations.joins(node.target):
        return [_sum(node, run, name, read)]
    if len(read) != 1:
        raise operations.unsupported_call(name, _called(node))
    assert before is not None
    assert after is not None
    if node.op == "call_module":
        return operations.from_module(name, modules[str(node.target)], before, after)
    if node.target in operations.ARITHMETIC:
        return _arithmetic(node, run.constants, name, before)
    keywords = {key: value for key, value in node.kwargs.items() if key != "input"}
    positional = node.args if "input" in node.kwargs else node.args[1:]
    table: dict[Any, Any] = operations.METHODS if node.op == "call_method" else operations.FUNCTIONS
    if node.target not in table:
        raise operations.unsupported_call(name, _called(node))
    result: list[FloatLayer] = table[node.target](name, before, after, *positional, **keywords)
    return result


def _sum(node: fx.Node, run: _ShapeRun, name: str, read: list[fx.Node]) -> FloatLayer:
    """Two branches added up."""
    first, *others = (_title(source) for source in read)
    if operations.ARITHMETIC.get(node.target) != "+":
        branches = ", ".join([first, *others[:-1]]) + f" and {others[-1]}"
        raise ConversionError(
            f"{name}: joins the branches {branches} by {_called(node)}; only a sum of two is supported"
        )
    keywords = {key: value for key, value in node.kwargs.items() if key not in ("input", "other")}
    _refuse_keywords(name, keywords)
    shapes = [run.shapes[source] for source in read]
    assert shapes[0] is not None
    if shapes[0] != shapes[1]:
        what = f"{first} has shape {shapes[0]} an image, {others[0]} {shapes[1]}"
        raise ConversionError(f"{name}: {what}; give both the same shape, as nothing is repeated")
    return operations.add(name, shapes[0])


def _arithmetic(node: fx.Node, constants: dict[fx.Node, Tensor], name: str, before: Shape) -> list[FloatLayer]:
    given = dict(zip(("input", "other"), node.args, strict=False)) | dict(node.kwargs)
    operands = [given.pop("input", None), given.pop("other", None)]
    _refuse_keywords(name, given)
    tensors = [isinstance(operand, fx.Node) and operand not in constants for operand in operands]
    known = [constants.get(operand, operand) if isinstance(operand, fx.Node) else operand for operand in operands]
    if sum(tensors) != 1:
        raise ConversionError(f"{name}: combines a tensor with itself; only constants may be added or multiplied")
    return operations.arithmetic(name, node.target, before, known, tensors.index(True))


def _refuse_keywords(name: str, keywords: dict[str, Any]) -> None:
    for keyword, value in keywords.items():
        raise ConversionError(f"{name}: {keyword}={value!r} is not supported; leave it out")

"""Renders a plan as a Vitis HLS project: C++ for the whole network, a test bench, scripts, and a C model of it all.

Everything lies under hls/ of the output folder: src/ (what is synthesized), tb/ (test bench and golden vectors),
model/ (plain C functions around it, for onespike_hw.hls_model) and the Tcl scripts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from onespike_hw import resources
from onespike_hw.codegen.board import Board
from onespike_hw.codegen.engine_plan import SETTLE, EnginePlan
from onespike_hw.codegen.forks import Queue, all_queues, inputs_of, reader_number
from onespike_hw.codegen.hls_add import branches, shortcut_tables
from onespike_hw.codegen.hls_graph import constants_of, tables_of
from onespike_hw.codegen.initializers import braced, rows
from onespike_hw.codegen.memories import weight_rows
from onespike_hw.codegen.plan import AddPlan, GraphPlan, Plan, Stage
from onespike_hw.codegen.schedule import Schedule
from onespike_hw.codegen.streams import LinePlan, PoolPlan, Stream, bits_for
from onespike_hw.codegen.strips import with_engines
from onespike_hw.codegen.verilog import describe, environment
from onespike_hw.errors import BoardError, OutputError
from onespike_hw.network import INPUT, Int64, Layer, Network

LAYER_KINDS = ("conv", "linear", "graphconv", "maxpool", "avgpool", "add")
"""Layers that this backend emits code for; flatten needs none."""

MOST_ROWS = 64
"""Rows of a kernel: lowest_bit (templates/hls/onespike/words.h) looks at 64 bits."""

_ENGINE_FIELDS = (
    *("units", "rows", "cols", "depth", "slot_bits", "unit_bits"),
    *("engines", "windows", "row_windows", "columns", "stride"),
    *("passes", "tiles", "pass_units", "bundle", "groups", "j"),
    *("lanes", "group_lanes", "lane_groups", "classes", "wait"),
    *("pass_rows", "weight_rows", "base_bits", "weight_bits", "acc_bits", "potential_bits", "code_bits"),
)
_ADD_FIELDS = (
    *("engines", "windows", "passes", "lanes", "group_lanes", "lane_groups", "classes", "wait"),
    *("acc_bits", "potential_bits", "code_bits"),
)
_LINE_FIELDS = ("kernel_h", "kernel_w", "stride_h", "stride_w", "padding_h", "padding_w", "rows_out", "columns")

Constants = list[tuple[str, int]]
_File = tuple[str, str, dict[str, Any]]
"""Template, name under src/, and what the template shows."""
_Engines = TypeVar("_Engines", EnginePlan, AddPlan)


def render(plan: Plan, board: Board, vectors: tuple[Int64, Int64] | None = None) -> dict[str, bytes | str]:
    """Path relative to hls/ -> content of the whole project. Equal arguments give equal bytes.

    vectors   golden vectors for the test bench: input integers [N, *net.input_shape] and the logits of the golden
              model, [N, classes] or [N, C, H, W]; None: the test bench has nothing to compare and says so
    Raises BoardError where Vitis HLS does not know the board's FPGA, OutputError where a layer is of a kind that this
    backend lacks.
    """
    if board.toolchain != "vivado":
        raise BoardError(
            f"{board.name}: Vitis HLS makes nothing for {board.part} ({board.vendor}); "
            "use the Verilog backend, or a board with an AMD FPGA such as pynq"
        )
    _check_layers(plan)
    plan = _aligned(plan)
    jinja = environment()
    files: dict[str, bytes | str] = {}
    for number, stage in enumerate(plan.stages, 1):
        for template, name, context in _stage_files(plan, stage, number):
            files[f"src/{name}"] = jinja.get_template(f"hls/{template}").render(context)
    for name in ("onespike_top.h", "onespike_top.cpp"):
        files[f"src/{name}"] = jinja.get_template(f"hls/{name}.j2").render(_top(plan))
    hand_written = resources.templates() / "hls"
    for path in sorted((hand_written / "onespike").glob("*.h")):
        files[f"src/onespike/{path.name}"] = path.read_text()
    files["tb/images.h"] = (hand_written / "images.h").read_text()
    files["tb/tb.cpp"] = (hand_written / "tb.cpp").read_text()
    files["model/wrapper.cpp"] = (hand_written / "wrapper.cpp").read_text()
    files["model/model.json"] = json.dumps(_model(plan), indent=2) + "\n"
    files["project.tcl"] = jinja.get_template("hls/project/project.tcl.j2").render(
        board=board, period=f"{1000 / board.clock_mhz:g}", has_vectors=vectors is not None
    )
    for path in sorted((hand_written / "project").glob("*.tcl")):
        files[path.name] = path.read_text()
    if vectors is not None:
        integers, logits = vectors
        files["tb/pixels.dat"] = _lines(channels_last(plan.net, integers))
        files["tb/logits.dat"] = _lines(channels_last(plan.net, logits))
    return {name: files[name] for name in sorted(files)}


def _check_layers(plan: Plan) -> None:
    for layer in plan.net.layers:
        if layer.kind not in (*LAYER_KINDS, "flatten"):
            raise OutputError(
                f"{layer.name}: the HLS backend has no {layer.kind} layers, only {', '.join(LAYER_KINDS)} and flatten; "
                "use the Verilog backend"
            )
    for engine in plan.engines:
        if engine.rows > MOST_ROWS:
            raise OutputError(
                f"{engine.layer.name}: a kernel of {engine.rows} rows; the HLS backend takes {MOST_ROWS} at most; "
                "use the Verilog backend"
            )


def channels_last(net: Network, values: NDArray[Any]) -> NDArray[Any]:
    """[N, C, H, W] or [N, C] as the streams carry it, [N, pixels * channels]: pixel by pixel, channel by channel.

    [N, nodes, C] over a graph, node by node.
    """
    if net.graph is None:
        values = np.moveaxis(values, 1, -1)
    return values.reshape(len(values), -1)


def side_by_side(engine: _Engines) -> _Engines:
    """The plan of an engine or an add with no more engines than an image has windows.

    The Verilog gives whole images to the engines of a linear layer in turn; here every process works on every image.
    """
    return replace(engine, engines=min(engine.engines, engine.windows))


def _aligned(plan: Plan) -> Plan:
    """The plan with as many engines on each branch of an add as on the other: here they stand side by side."""
    adds = [stage for stage in plan.stages if isinstance(stage, AddPlan)]
    feeders = {
        read.name: with_engines(read, add.engines)
        for add in adds
        for read in add.inputs
        if isinstance(read, EnginePlan)
    }
    return replace(plan, stages=tuple(_with_feeders(stage, feeders) for stage in plan.stages))


def _with_feeders(stage: Stage, feeders: dict[str, EnginePlan]) -> Stage:
    if isinstance(stage, AddPlan):
        first, second = (feeders.get(read.name, read) for read in stage.inputs)
        return replace(stage, inputs=(first, second))
    return feeders.get(stage.name, stage) if isinstance(stage, EnginePlan) else stage


def _one_a_clock(engine: EnginePlan) -> EnginePlan:
    """The plan of an engine whose lanes add one weight a clock: only the Verilog adds pairs."""
    return with_engines(replace(engine, pairs=False), engine.engines)


def _stage_files(plan: Plan, stage: Stage, number: int) -> Iterable[_File]:
    if isinstance(stage, PoolPlan):
        return _pool_files(plan, stage, number)
    if isinstance(stage, AddPlan):
        return _add_files(side_by_side(stage), number)
    if isinstance(stage, GraphPlan):
        return _graph_files(plan, stage, number)
    return _engine_files(plan, side_by_side(_one_a_clock(stage)), number)


def _engine_files(plan: Plan, engine: EnginePlan, number: int) -> Iterable[_File]:
    schedule = engine.schedule
    context: dict[str, Any] = {
        "e": engine,
        "title": _title(engine.layer),
        "value_type": _value_type(engine.source),
        "logit_bits": plan.logit_bits,
        **_constants(schedule),
    }
    config = _engine_constants(engine, context["constant_bits"], number)
    if not engine.neurons.fires:
        config.append(("logit_bits", plan.logit_bits))
    line = None if engine.line is None else _line_constants(plan, engine.line, engine.source, number)
    yield "engine_layer.h.j2", f"layers/{engine.name}.h", {**context, "config": config, "line": line}
    tables: dict[str, Any] = {"weights": rows(weight_rows(engine))}
    if schedule is not None:
        tables["order"] = braced(schedule.order)
        tables["shifts"] = braced(int(shift) for shift in schedule.shifts)
        tables["drains"] = braced(int(drain) for drain in schedule.drains)
    if engine.joins is None:
        tables |= _neuron_tables(engine)
    yield "engine_tables.h.j2", f"tables/{engine.name}.h", {**context, **tables}


def _constants(schedule: Schedule | None) -> dict[str, Any]:
    """By what sums are multiplied, class by class."""
    multipliers = (1,) if schedule is None else schedule.multipliers
    return {"constant_bits": max(multipliers).bit_length() + 1, "constants": braced(multipliers)}


def _neuron_tables(engine: EnginePlan | AddPlan) -> dict[str, str]:
    """Biases, and the ladders of neurons that fire."""
    tables = {"bias": rows(_by_group(engine, _bias(engine)))}
    if engine.layer.fires:
        tables["ladder"] = rows(_by_group(engine, _ladder(engine)))
    return tables


def _add_files(add: AddPlan, number: int) -> Iterable[_File]:
    context = {"a": add, "title": _title(add.layer), **_constants(add.schedule)}
    config = [("stage", number), ("phases", add.timesteps)]
    config += [(name, int(getattr(add, name))) for name in _ADD_FIELDS]
    config += [("constant_bits", context["constant_bits"]), ("period", _period(add)), ("out_n", add.out.n)]
    context |= {"config": config, "branches": branches(add)}
    yield "add_layer.h.j2", f"layers/{add.name}.h", context
    tables = {**context, **_neuron_tables(add), **shortcut_tables(add.schedule)}
    yield "add_tables.h.j2", f"tables/{add.name}.h", tables


def _graph_files(plan: Plan, layer: GraphPlan, number: int) -> Iterable[_File]:
    layer = replace(layer, source=side_by_side(_one_a_clock(layer.source)))
    context = {"g": layer, "title": _title(layer.layer), "logit_bits": plan.logit_bits}
    context |= _constants(layer.source.schedule)
    constant_bits = max(layer.constants).bit_length() + 1
    config = constants_of(layer, number, constant_bits, plan.logit_bits)
    yield "graph_layer.h.j2", f"layers/{layer.name}.h", {**context, "config": config}
    yield "graph_tables.h.j2", f"tables/{layer.name}.h", {**context, **tables_of(layer)}


def _pool_files(plan: Plan, pool: PoolPlan, number: int) -> Iterable[_File]:
    config = [
        ("stage", number),
        ("n", pool.source.n),
        ("windows", pool.out.height * pool.out.width * pool.source.words),
        ("kernel", pool.line.kernel_h * pool.line.kernel_w),
    ]
    yield (
        "pool_layer.h.j2",
        f"layers/{pool.name}.h",
        {
            "p": pool,
            "title": _title(pool.layer),
            "value_type": _value_type(pool.source),
            "config": config,
            "line": _line_constants(plan, pool.line, pool.source, number),
        },
    )


def _engine_constants(engine: EnginePlan, constant_bits: int, number: int) -> Constants:
    """What the functions of templates/hls/onespike/ know of an engine, by the names that they use."""
    constants = [("stage", number), ("n", engine.source.n), ("phases", engine.timesteps)]
    constants += [(name, int(getattr(engine, name))) for name in _ENGINE_FIELDS]
    constants += [("constant_bits", constant_bits), ("period", _period(engine))]
    constants += [("shift", 0 if engine.schedule is None else engine.schedule.shift), ("out_n", engine.out.n)]
    return constants


def _period(engine: EnginePlan | AddPlan) -> int:
    """Clocks from drain to drain, at least."""
    return engine.group_lanes if engine.classes == 1 else max(engine.group_lanes, SETTLE)


def _line_constants(plan: Plan, line: LinePlan, source: Stream, number: int) -> Constants:
    constants = [("stage", number), ("height", source.height), ("width", source.width), ("words", source.words)]
    constants += [(name, int(getattr(line, name))) for name in _LINE_FIELDS]
    return [*constants, ("line_bits", bits_for(line.lines)), ("fill", plan.net.timesteps if source.is_codes else 0)]


def _top(plan: Plan) -> dict[str, Any]:
    net, source = plan.net, plan.input
    config = [
        ("stage", 0),
        ("n", source.n),
        ("words", source.words),
        ("pixels", source.height * source.width),
        ("field_bits", plan.field_bits),
        ("beat_bits", -(-source.n * plan.field_bits // 8) * 8),
        ("input_bits", net.input_bits),
        ("value_bits", source.bits),
        ("is_signed", int(net.input_signed)),
    ]
    image = [
        ("values", source.channels * source.height * source.width),
        ("logits", plan.logits),
        ("logit_bits", plan.logit_bits),
        ("codes", sum(stream.channels * stream.height * stream.width for stream in plan.streams)),
        ("stages", len(plan.stages) + 1),
    ]
    lanes = sum(e.lanes * e.engines for e in map(side_by_side, plan.engines) if e.schedule is not None)
    zeros = rows(np.resize(plan.zero_points, (source.words, source.n)))
    feeding = [stage for stage in plan.engines if stage.joins is not None]
    streams = [source, *(stage.out for stage in plan.stages[:-1] if stage not in feeding)]
    forks = all_queues(plan)
    return {
        "plan": plan,
        "layers": len({stage.layer.name for stage in plan.stages}),
        "reads": {stage.name: _reads(forks, place, stage) for place, stage in enumerate(plan.stages)},
        "streams": streams,
        "forks": forks,
        "feeding": feeding,
        "stage_numbers": {source.name: 0, **{stage.name: number for number, stage in enumerate(plan.stages, 1)}},
        "config": config,
        "beat_bits": dict(config)["beat_bits"],
        "image": image,
        "lanes": lanes,
        "zeros": zeros,
    }


def _reads(forks: dict[str, list[Queue]], place: int, stage: Stage) -> list[str]:
    """Names of the C++ streams that a stage reads."""
    names = []
    for slot, read in enumerate(inputs_of(stage)):
        if isinstance(read, EnginePlan):
            names.append(f"{read.name}_sums")
            continue
        number = reader_number(forks[read.name], place, slot)
        names.append(f"{read.name}_words" if number is None else f"{read.name}_words_{number}")
    return names


def _model(plan: Plan) -> dict[str, object]:
    """What the C model needs to know of the network: the order in which codes and iterations come."""
    streams = [{"layer": s.source, "channels": s.channels, "height": s.height, "width": s.width} for s in plan.streams]
    return {"streams": streams, "stages": [INPUT, *(stage.layer.name for stage in plan.stages)]}


def _title(layer: Layer) -> str:
    """Name and kind of a layer, as a comment of one line takes them."""
    return f"{layer.name if layer.name.isprintable() else ascii(layer.name)}: {describe(layer)}"


def _value_type(stream: Stream) -> str:
    return "ap_uint" if stream.is_codes else "ap_int"


def _bias(engine: EnginePlan | AddPlan) -> Int64:
    assert engine.layer.bias is not None
    return engine.layer.bias


def _ladder(engine: EnginePlan | AddPlan) -> Int64:
    """The ladder in the width of the potentials: the largest number is above every potential, the least below none."""
    assert engine.layer.ladder is not None
    top = (1 << (engine.potential_bits - 1)) - 1
    return np.clip(engine.layer.ladder, -top - 1, top)


def _by_group(engine: EnginePlan | AddPlan, table: Int64) -> Int64:
    """A table by channel as [lane groups, passes * group lanes, ...]: channels of a pass lie group behind group."""
    rest = table.shape[1:]
    grouped = table.reshape(engine.passes, engine.lane_groups, engine.group_lanes, *rest)
    return np.moveaxis(grouped, 1, 0).reshape(engine.lane_groups, engine.passes * engine.group_lanes, *rest)


def _lines(table: NDArray[Any]) -> str:
    return "".join(f"{value}\n" for value in table.reshape(-1).tolist())

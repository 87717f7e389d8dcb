"""Renders a plan as SystemVerilog, one module a file, with the memory files beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from onespike_hw import resources
from onespike_hw.codegen.area import LUT_ROM_ROWS
from onespike_hw.codegen.board import SYNTHESIS, Board
from onespike_hw.codegen.engine_plan import EnginePlan
from onespike_hw.codegen.forks import Queue, all_queues, inputs_of, reader_number
from onespike_hw.codegen.memories import (
    add_channels,
    biases,
    cut,
    early_steps,
    early_thresholds,
    edge_entries,
    engine_channels,
    graph_channels,
    hex_lines,
    ladder_level,
    ladder_nodes,
    packed_parts,
    packed_words,
    pair_rows,
    shortcut_rows,
    weight_rows,
)
from onespike_hw.codegen.plan import AddPlan, GraphPlan, Plan, Stage
from onespike_hw.codegen.streams import PoolPlan, Stream, bits_for, signed_bits
from onespike_hw.errors import OutputError
from onespike_hw.network import Int64, Layer

COUNTS = ("pairs", "singles", "empty", "drain_waits", "room_waits", "starved")
"""What the engines count (templates/verilog/top.sv.j2)."""
COUNT_BITS = 32 * len(COUNTS)

ADD_QUEUE_BITS = 4
"""Address bits of the queue behind an add: more words than its pipeline is long."""


def environment() -> Environment:
    """Jinja over templates/, where an undefined name is an error."""
    return Environment(
        loader=FileSystemLoader(resources.templates()),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
    )


def render(plan: Plan, board: Board) -> dict[str, str]:
    """File name -> text of everything under rtl/. The same plan gives the same text.

    Raises OutputError for a shortcut from a flattened map of several pixels.
    """
    jinja = environment()
    files: dict[str, str] = {}
    for path in sorted((resources.templates() / "verilog").glob("*.sv")):
        files[path.name] = path.read_text()
    for stage in plan.stages:
        if isinstance(stage, AddPlan):
            files |= _render_add(jinja, stage)
        elif isinstance(stage, GraphPlan):
            files |= _render_graph(jinja, plan, stage)
        elif isinstance(stage, PoolPlan):
            files[f"{stage.name}_layer.sv"] = jinja.get_template("verilog/pool_layer.sv.j2").render(
                p=stage, describe=describe(stage.layer), silent=silent(stage.source, plan)
            )
        else:
            files |= _render_engine(jinja, plan, stage, board)
    forks = all_queues(plan)
    files["onespike_top.sv"] = jinja.get_template("verilog/top.sv.j2").render(
        plan=plan,
        layers=len({stage.layer.name for stage in plan.stages}),
        zeros=_zero_points(plan),
        adding=[stage for stage in plan.engines if stage.schedule is not None],
        counted=plan.counted,
        count_bits=COUNT_BITS,
        depth_bits={name: [bits_for(queue.depth) for queue in waiting] for name, waiting in forks.items()},
        reads=[_reads(forks, place, stage) for place, stage in enumerate(plan.stages)],
    )
    return {name: files[name] for name in sorted(files)}


def _reads(forks: dict[str, list[Queue]], place: int, stage: Stage) -> list[str]:
    """The wires that a stage reads, without their endings."""
    names = []
    for slot, read in enumerate(inputs_of(stage)):
        number = None if isinstance(read, EnginePlan) else reader_number(forks[read.name], place, slot)
        names.append(read.name if number is None else f"{read.name}__{number}")
    return names


def render_simulation(plan: Plan) -> dict[str, str]:
    """File name -> text of the test bench under sim/."""
    jinja = environment()
    edges = sum(stage.entries * stage.out_words for stage in plan.stages if isinstance(stage, GraphPlan))
    slowest = edges + sum(stage.windows * stage.passes * stage.pass_rows * plan.net.timesteps for stage in plan.engines)
    words = sum(stage.out.image_words for stage in plan.stages) + plan.input.image_words
    return {
        "tb.sv": jinja.get_template("sim/tb.sv.j2").render(
            plan=plan, patience=10_000 + 2 * slowest + 64 * words, counted=plan.counted, count_bits=COUNT_BITS
        ),
        "tb_clock.sv": (resources.templates() / "sim" / "tb_clock.sv").read_text(),
        "main.cpp": (resources.templates() / "sim" / "main.cpp").read_text(),
    }


def render_synthesis(board: Board, files: list[str]) -> dict[str, str]:
    """File name -> text of what lies under synth/, for a design of `files`.

    Modules made of the board's own primitives take the place of portable ones with the same ports and bits.
    """
    own = {}
    if board.primitives != "portable":
        folder = resources.templates() / "verilog" / board.primitives
        own = {path.name: path.read_text() for path in sorted(folder.glob("*.sv"))}
    modules = [Path(name).name for name in files if name.startswith("rtl/") and name.endswith(".sv")]
    sources = [f"../synth/{name}" if name in own else name for name in modules]
    script = (
        environment()
        .get_template("synth/yosys.ys.j2")
        .render(board=board, sources=sources, synth=SYNTHESIS[board.yosys_family])
    )
    return {**own, "yosys.ys": script}


ECP5_BLOCK_SHAPES = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))
"""Words and width of a block RAM of ECP5."""


def rom_kind(engine: EnginePlan) -> str:
    """The memory module that holds the weights of an engine that reads one row of them a clock."""
    if engine.loaded:
        return "loaded_ram"
    return "lut_rom" if engine.weight_rows <= LUT_ROM_ROWS else "block_rom"


def block_widths(engine: EnginePlan, board: Board) -> tuple[int, ...]:
    """Bits of the parts of a weight memory with one read port, each as deep as one block RAM where that is possible.

    Where block RAM is slow, a multiplexer between blocks and the register behind them would cost half a clock.
    """
    bits = engine.lanes * engine.weight_bits
    if engine.pairs or rom_kind(engine) != "block_rom" or not board.slow_blocks:
        return (bits,)
    width = next((width for rows, width in ECP5_BLOCK_SHAPES if rows >= engine.weight_rows), bits)
    return (*(width,) * (bits // width), *((bits % width,) if bits % width else ()))


def describe(layer: Layer) -> str:
    """A layer in a few words, as torch would print it."""
    if layer.kind == "add":
        return f"sum of {' and '.join(layer.inputs)}"
    if layer.kind in ("linear", "graphconv"):
        assert layer.weight is not None
        what = "linear" if layer.kind == "linear" else "graph convolution"
        return f"{what}, {layer.weight.shape[1]} to {layer.weight.shape[0]}"
    kernel, stride, padding = ("x".join(map(str, pair)) for pair in (layer.kernel_size, layer.stride, layer.padding))
    window = f"{kernel}, stride {stride}, padding {padding}"
    if layer.kind == "conv":
        assert layer.weight is not None
        channels = f"{layer.weight.shape[1] * layer.groups} to {layer.shape[0]} channels"
        return f"convolution {window}, {channels}" + (f", {layer.groups} groups" if layer.groups > 1 else "")
    return f"{'max' if layer.kind == 'maxpool' else 'average'} pooling {window}"


def silent(stream: Stream, plan: Plan) -> str:
    """A word of padding: silent codes, or differences of zero."""
    if not stream.is_codes:
        return f"{stream.word_bits}'d0"
    return "{" + f"{stream.n}{{{stream.bits}'d{plan.net.timesteps}}}" + "}"


def _zero_points(plan: Plan) -> str:
    bits = plan.input.bits
    mask = (1 << bits) - 1
    fields = [f"{bits}'d{zero & mask}" for zero in reversed(plan.zero_points)]
    return "{" + ", ".join(fields) + "}"


def _render_engine(jinja: Environment, plan: Plan, engine: EnginePlan, board: Board) -> dict[str, str]:
    last = engine is plan.output
    kind = "dense" if engine.schedule is None else "pair" if engine.pairs else "spike"
    weights = pair_rows(engine) if engine.pairs else weight_rows(engine)
    far_blocks = board.slow_blocks and engine.schedule is not None
    constants = (1,) if engine.schedule is None else engine.schedule.multipliers
    blocks = block_widths(engine, board)
    files = {
        f"{engine.name}_engine.sv": jinja.get_template(f"verilog/{kind}_engine.sv.j2").render(
            e=engine,
            rom_kind=rom_kind(engine),
            lane_dsps=(2 if board.lut_inputs == 6 else 1) if board.lane_dsps else 0,  # what mac_lane.sv is made for
            far_blocks=far_blocks,
            latency=engine.latency + far_blocks * (2 if engine.pairs else 1),
            blocks=cut(blocks),
            logit_bits=plan.logit_bits,
            q_bits=max(constants).bit_length(),
            counters=plan.counters,
            count_bits=COUNT_BITS,
        ),
        f"{engine.name}_layer.sv": jinja.get_template("verilog/engine_layer.sv.j2").render(
            e=engine,
            describe=describe(engine.layer),
            silent=silent(engine.source, plan),
            out_bits=plan.logit_bits if last else engine.out.word_bits,
            last=last,
            counted=plan.counters and engine in plan.counted,
            count_bits=COUNT_BITS,
        ),
    }
    if engine.rest_bits:
        widths = (engine.lanes * engine.weight_bits - engine.rest_bits, engine.rest_bits)
        low, high = packed_parts(weights, engine.weight_bits, widths)
        files |= {f"{engine.name}_weights.hex": low, f"{engine.name}_weights_rest.hex": high}
    elif len(blocks) > 1:
        parts = packed_parts(weights, engine.weight_bits, blocks)
        files |= {f"{engine.name}_weights_{number}.hex": part for number, part in enumerate(parts)}
    else:
        files[f"{engine.name}_weights.hex"] = packed_words(weights, engine.weight_bits)
    if engine.joins is not None:
        return files
    for group in range(engine.lane_groups):
        if engine.pipelined:
            for level in range(engine.levels):
                steps = ladder_level(engine, engine_channels(engine, group), level)
                files[f"{engine.name}_ladder_{group}_{level}.hex"] = _step_pairs(steps, engine.sum_bits)
            continue
        files[f"{engine.name}_bias_{group}.hex"] = hex_lines(biases(engine, group), engine.potential_bits)
        if engine.layer.fires:
            files[f"{engine.name}_ladder_{group}.hex"] = _step_pairs(ladder_nodes(engine, group), engine.potential_bits)
        if engine.early:
            files[f"{engine.name}_early_{group}.hex"] = hex_lines(
                early_thresholds(engine, group), engine.potential_bits
            )
    return files


def _render_add(jinja: Environment, add: AddPlan) -> dict[str, str]:
    for read in add.inputs:
        if isinstance(read, Stream) and len(add.layer.shape) == 1 and read.height * read.width > 1:
            raise OutputError(
                f"{add.layer.name}: the Verilog backend has no shortcut from a flattened map of {read.height} x "
                f"{read.width} pixels; generate HLS (backend='hls') instead"
            )
    assert add.layer.operand_weight is not None
    name, shifts = add.name, add.schedule.shift_of
    shortcuts = {slot: read for slot, read in enumerate(add.inputs) if isinstance(read, Stream)}
    weight_bits = [signed_bits(int(weight.min()), int(weight.max())) for weight in add.layer.operand_weight]
    files = {
        f"{name}_layer.sv": jinja.get_template("verilog/add_layer.sv.j2").render(
            a=add,
            describe=describe(add.layer),
            shortcuts=shortcuts,
            weight_bits=weight_bits,
            word_bits=[read.word_bits if isinstance(read, Stream) else read.out.word_bits for read in add.inputs],
            class_of=add.schedule.class_of,
            shift_of=shifts,
            shift_bits=max(1, max(shifts).bit_length()),
            q_bits=max(add.schedule.multipliers).bit_length(),
            queue_bits=ADD_QUEUE_BITS,
        )
    }
    for slot in shortcuts:
        files[f"{name}_shortcut_{slot}.hex"] = packed_words(shortcut_rows(add, slot), weight_bits[slot])
    for number in range(add.out.n):
        channels = add_channels(add, number)
        for level in range(add.levels):
            files[f"{name}_ladder_{number}_{level}.hex"] = _step_pairs(ladder_level(add, channels, level), add.sum_bits)
        if add.early:
            files[f"{name}_early_{number}.hex"] = hex_lines(early_steps(add, channels), add.sum_bits)
    return files


def _render_graph(jinja: Environment, plan: Plan, layer: GraphPlan) -> dict[str, str]:
    name, graph = layer.name, layer.graph
    files = {
        f"{name}_layer.sv": jinja.get_template("verilog/graph_layer.sv.j2").render(
            g=layer,
            describe=describe(layer.layer),
            logit_bits=plan.logit_bits,
            q_bits=max(layer.constants).bit_length(),
            sent_word_bits=bits_for(layer.node_words),
            entry_place_bits=bits_for(layer.entries),
            queue_bits=ADD_QUEUE_BITS,
        ),
        f"{name}_source_scale.hex": hex_lines(graph.source_scale, layer.scale_bits[0]),
        f"{name}_target_scale.hex": hex_lines(graph.target_scale, layer.scale_bits[1]),
        f"{name}_edges.hex": hex_lines(edge_entries(layer), layer.entry_bits),
    }
    if not layer.layer.fires:
        assert layer.layer.bias is not None
        bias = np.zeros(1 << layer.word_number_bits, np.int64)
        bias[: layer.channels] = layer.layer.bias
        return files | {f"{name}_bias.hex": hex_lines(bias, layer.potential_bits)}
    for number in range(layer.out.n):
        channels = graph_channels(layer, number)
        for level in range(layer.levels):
            steps = ladder_level(layer, channels, level)
            files[f"{name}_ladder_{number}_{level}.hex"] = _step_pairs(steps, layer.sum_bits)
    return files


def _step_pairs(steps: tuple[Int64, Int64], bits: int) -> str:
    """Words of an earlier step (lower half) and a later one."""
    mask = (1 << bits) - 1
    return hex_lines([(int(b) & mask) << bits | (int(a) & mask) for a, b in zip(*steps, strict=True)], 2 * bits)

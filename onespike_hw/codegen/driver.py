"""Renders driver/: Python for a board with PYNQ, or for a host at a UART, with the facts of one accelerator."""

from __future__ import annotations

import io
import json
import re

import numpy as np

from onespike_hw import resources
from onespike_hw.codegen import uart
from onespike_hw.codegen.board import Board
from onespike_hw.codegen.plan import Plan
from onespike_hw.codegen.registers import beat_bytes, register_map
from onespike_hw.codegen.verilog import environment
from onespike_hw.network import Int64

SAMPLES = 16
"""Images of noise in a folder that was made without images."""


def render(plan: Plan, board: Board, vectors: tuple[Int64, Int64] | None) -> dict[str, bytes | str]:
    """File name -> content of everything under driver/.

    vectors  input integers [N, *net.sample_shape] and their golden logits, for the demonstration
    """
    folder = resources.templates() / "driver"
    kind = "uart" if board.system == "uart" else "pynq"
    sources = [path for part in ("common", kind) for path in sorted((folder / part).glob("*.py"))]
    files: dict[str, bytes | str] = {f"onespike/{path.name}": path.read_text() for path in sources}
    demo = str(files.pop("onespike/demo.py"))
    known = facts(plan, board)
    if kind == "uart":
        known |= uart_facts(plan, board)
        files["demo.py"] = demo
        if plan.loaded:
            files["onespike/weights.bin"] = uart.weights(plan)
    else:
        template = environment().get_template("driver/pynq/registers.py.j2")
        files["onespike/registers.py"] = template.render(map=register_map(plan))
        files["demo.ipynb"] = notebook(demo)
    files["onespike/network.json"] = json.dumps(known, indent=2) + "\n"
    files["samples.npz"] = _samples(plan, vectors)
    return files


def uart_facts(plan: Plan, board: Board) -> dict[str, object]:
    """What the driver must know of the line, and of the chip at its end."""
    line = board.uart_facts
    assert line is not None
    return {
        "beat_bytes": uart.request_beat_bytes(plan),
        "baud": line.baud,
        "info": [[part.name, part.size, part.value] for part in uart.info_parts(plan)],
        "load_bytes": uart.load_bytes(plan),
        "load_chunk": uart.CHUNK,
    }


def facts(plan: Plan, board: Board) -> dict[str, object]:
    """What the driver must know to send images and read logits."""
    net, scale = plan.net, plan.output.layer.scale
    assert scale is not None
    return {
        "board": board.name,
        "clock_mhz": board.clock_mhz,
        "input_shape": list(net.sample_shape),
        "over_graph": net.graph is not None,
        "input_bits": net.input_bits,
        "input_signed": net.input_signed,
        "input_scale": net.input_scale.tolist(),
        "input_offset": net.input_offset.tolist(),
        "input_zero_point": net.input_zero_point.tolist(),
        "input_levels": None if net.input_levels is None else list(net.input_levels),
        "field_bits": plan.field_bits,
        "beat_channels": plan.input.channels,
        "beat_values": plan.input.n,
        "beat_bytes": beat_bytes(plan),
        "logit_shape": _logit_shape(plan),
        "logit_bits": plan.logit_bits,
        "logit_scale": scale.tolist(),
        "timesteps": net.timesteps,
    }


def _logit_shape(plan: Plan) -> list[int]:
    """Of the logits of one image, or of one graph, as golden.run gives them."""
    shape = plan.net.layers[-1].shape
    if plan.net.graph is not None:
        return list(reversed(shape))
    return [shape[0]] if plan.logits == shape[0] else list(shape)


def notebook(script: str) -> str:
    """A Jupyter notebook of a script whose cells begin with `# %%` or `# %% [markdown]`; equal scripts, equal bytes."""
    cells: list[dict[str, object]] = []
    for head, body in re.findall(r"^# %%(.*)\n((?:(?!# %%).*\n?)*)", script, re.MULTILINE):
        text = body.strip("\n")
        if "[markdown]" in head:
            cells.append({"cell_type": "markdown", "metadata": {}, "source": _lines(re.sub(r"(?m)^# ?", "", text))})
        else:
            cells.append(
                {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": _lines(text)}
            )
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    document = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 4}
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def _samples(plan: Plan, vectors: tuple[Int64, Int64] | None) -> bytes:
    net, stream = plan.net, io.BytesIO()
    if vectors is None:
        low, high = net.input_range
        noise = np.random.default_rng(0).integers(low, high, (SAMPLES, *net.sample_shape), endpoint=True)
        np.savez_compressed(stream, images=_narrow(noise, low, high))
    else:
        integers, logits = vectors
        np.savez_compressed(stream, images=_narrow(integers, *net.input_range), logits=logits)
    return stream.getvalue()


def _narrow(integers: Int64, low: int, high: int) -> Int64:
    """The same integers in the smallest type that holds the input's range."""
    return integers.astype(np.promote_types(np.min_scalar_type(low), np.min_scalar_type(high)))

"""Renders the accelerator's place on a bus: registers on AXI4-Lite, batches of images on AXI4-Stream, an interrupt."""

from __future__ import annotations

from onespike_hw import resources
from onespike_hw.codegen.plan import Plan
from onespike_hw.codegen.registers import RegisterMap, beat_bytes, register_map, source
from onespike_hw.codegen.verilog import environment

TOP = "onespike_axi"
MARKS = 16
"""Images that may be in the accelerator at a time; another one waits at its last beat."""

KINDS = {
    "constant": "constant",
    "setting": "read, write",
    "command": "write 1: a command",
    "input": "read",
    "sticky": "read, write 1 to clear",
    "counter": "read: a counter",
}
"""What software may do with a field, for people."""


def render(plan: Plan) -> dict[str, str]:
    """File name -> text of everything under axi/. The same plan gives the same text."""
    jinja = environment()
    registers = register_map(plan)
    files = {path.name: path.read_text() for path in sorted((resources.templates() / "board").glob("*.sv"))}
    files["onespike_registers.sv"] = jinja.get_template("board/registers.sv.j2").render(
        map=registers, ports=registers.ports
    )
    files[f"{TOP}.v"] = jinja.get_template("board/axi.v.j2").render(
        plan=plan,
        map=registers,
        ports=registers.ports,
        errors=[field.name for field in registers.errors],
        interrupts=[field.name for field in registers.interrupts],
        beat_bytes=beat_bytes(plan),
        data_bits=plan.input.n * plan.field_bits,
        marks=MARKS,
    )
    files["registers.rdl"] = source().read_text()
    files["onespike_registers.h"] = jinja.get_template("board/registers.h.j2").render(map=registers)
    files["registers.md"] = render_page(registers)
    return {name: files[name] for name in sorted(files)}


def render_page(registers: RegisterMap) -> str:
    """The registers as a page of Markdown."""
    return environment().get_template("board/registers.md.j2").render(map=registers, kinds=KINDS)

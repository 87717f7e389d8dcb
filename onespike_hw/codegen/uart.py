"""Renders the accelerator behind a UART: the chip of a board with open tools, its top and its pins (docs/uart.md)."""

from __future__ import annotations

from dataclasses import dataclass

from onespike_hw import resources
from onespike_hw.codegen.board import Board
from onespike_hw.codegen.memories import load_image
from onespike_hw.codegen.parts import gowin_device, synthesis_command
from onespike_hw.codegen.plan import Plan
from onespike_hw.codegen.pll import settings
from onespike_hw.codegen.registers import fingerprint
from onespike_hw.codegen.verilog import environment
from onespike_hw.network import to_bytes

TOP = "board_top"
CHIP = "onespike_uart"
MAGIC = 0x4F53504B
VERSION = 1
CHUNK = 128
"""Bytes of weights in a request that loads."""
MARK_BITS = 3
"""Requests that may wait for their answer: 2 to the power of this."""
PATIENCE_SECONDS = 0.25
"""A pause that cuts a request: longer than a host's scheduler sleeps."""

PINS = {"ecp5": "pins.lpf", "ice40": "pins.pcf", "gowin": "pins.cst"}
"""The file of pins, by family."""


@dataclass(frozen=True)
class Part:
    """Some bytes of the answer to a query.

    name    for the driver
    size    bytes, the lowest first
    value   None where the chip says it
    signal  the Verilog of it
    """

    name: str
    size: int
    value: int | None
    signal: str


def render_chip(plan: Plan, board: Board) -> dict[str, str]:
    """File name -> text of everything under uart/: all modules of the chip that are not in rtl/."""
    jinja = environment()
    folder = resources.templates() / "uart"
    files = {path.name: path.read_text() for path in sorted(folder.glob("*.sv"))}
    info = info_parts(plan)
    files[f"{CHIP}.sv"] = jinja.get_template("uart/chip.sv.j2").render(
        plan=plan,
        beat_bytes=request_beat_bytes(plan),
        divisor=board.uart_divisor,
        patience=round(board.clock_mhz * 1e6 * PATIENCE_SECONDS),
        load_bytes=load_bytes(plan),
        loads=bool(plan.loaded),
        chunk=CHUNK,
        mark_bits=MARK_BITS,
        info=info,
        info_bytes=sum(part.size for part in info),
    )
    family, oscillator = board.yosys_family, board.oscillator_facts
    assert oscillator is not None
    pll = None if oscillator.mhz == board.clock_mhz else settings(family, oscillator.mhz, board.clock_mhz)
    files[f"{TOP}.sv"] = jinja.get_template(f"uart/{family}/top.sv.j2").render(
        board=board,
        pll=pll,
        held_high=board.pins_held_high,
        clock="the oscillator's clock" if pll is None else "a PLL's clock",
        device=gowin_device(board) if family == "gowin" else None,
    )
    return {name: files[name] for name in sorted(files)}


def render_build(plan: Plan, board: Board, sources: list[str]) -> dict[str, str]:
    """File name -> text of everything under pnr/: the script of yosys, and the pins.

    sources  paths of all files so far, from the design's folder
    """
    jinja = environment()
    pins = PINS[board.yosys_family]
    modules = [name for name in sources if name.startswith(("rtl/", "uart/")) and name.endswith(".sv")]
    return {
        "synth.ys": jinja.get_template("uart/synth.ys.j2").render(
            board=board,
            command=synthesis_command(board),
            second="flatten" if board.yosys_family == "ice40" else "coarse",
            sources=modules,
            top=TOP,
        ),
        pins: jinja.get_template(f"uart/{board.yosys_family}/{pins}.j2").render(
            board=board, oscillator=board.oscillator_facts, uart=board.uart_facts, held_high=board.pins_held_high
        ),
    }


def request_beat_bytes(plan: Plan) -> int:
    """Bytes of a beat of pixels in a request."""
    return plan.input.n * plan.field_bits // 8


def request_bytes(plan: Plan) -> int:
    """Bytes on the line for an image: head, pixels, check sum."""
    return 3 + plan.input.image_words * request_beat_bytes(plan) + 2


def weights(plan: Plan) -> bytes:
    """What a host loads at start, in whole chunks."""
    return load_image(plan).ljust(load_bytes(plan), b"\0")


def load_bytes(plan: Plan) -> int:
    """Bytes of weights that a host loads, in whole chunks."""
    return -(-len(load_image(plan)) // CHUNK) * CHUNK


def info_parts(plan: Plan) -> list[Part]:
    """What a chip says of itself, from the first byte; numbers with their lowest byte first."""
    net = plan.net

    def number(name: str, size: int, value: int) -> Part:
        return Part(name, size, value, f"{8 * size}'d{value}")

    return [
        number("magic", 4, MAGIC),
        number("version", 1, VERSION),
        Part("loaded", 1, None, "{7'd0, loaded}"),
        number("network", 4, fingerprint(to_bytes(net))),
        number("width", 2, plan.input.width),
        number("height", 2, plan.input.height),
        number("channels", 2, plan.input.channels),
        number("input_bits", 1, net.input_bits),
        number("input_signed", 1, int(net.input_signed)),
        number("beat_bytes", 1, request_beat_bytes(plan)),
        number("beat_values", 2, plan.input.n),
        number("logits", 4, plan.logits),
        number("logit_bits", 1, plan.logit_bits),
        number("timesteps", 1, net.timesteps),
        number("load_bytes", 4, load_bytes(plan)),
    ]

"""The registers of an accelerator, compiled from their one description in SystemRDL (templates/board/registers.rdl).

From the compiled map come the Verilog register file, the driver's Python map, a C header and a page of documentation.
PeakRDL-regblock would write the Verilog too, but in unpacked structs, which neither Icarus 11 nor yosys 0.23 takes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from systemrdl.compiler import RDLCompiler
from systemrdl.messages import MessagePrinter, RDLCompileError
from systemrdl.node import FieldNode, RegNode
from systemrdl.rdltypes.builtin_enums import AccessType, OnWriteType

from onespike_hw import resources
from onespike_hw.codegen.plan import Plan
from onespike_hw.errors import OutputError
from onespike_hw.network import to_bytes

ADDRESS_BITS = 12
"""Of the registers' address space: 4 KiB, the least that an AXI interconnect gives."""

STATUS = "status"
INTERRUPTS = "interrupt_status"


@dataclass(frozen=True)
class Field:
    """Some bits of a register.

    kind  "constant": reads as its reset; "setting": software's; "command": a pulse of one clock, reads as 0;
          "input": the hardware's; "sticky": set by the hardware, cleared by writing 1; "counter": rises as the
          hardware says
    seen  the hardware sees a sticky field too
    step  bits of what a counter rises by in a clock
    """

    name: str
    low: int
    width: int
    reset: int
    kind: str
    text: str
    seen: bool = True
    step: int = 1

    @property
    def high(self) -> int:
        return self.low + self.width - 1


@dataclass(frozen=True)
class Register:
    """32 bits at a byte offset."""

    name: str
    offset: int
    text: str
    fields: tuple[Field, ...]

    @property
    def writable(self) -> bool:
        return any(field.kind in ("setting", "command", "sticky") for field in self.fields)


@dataclass(frozen=True)
class Port:
    """A signal between the register file and the accelerator, as the register file sees it."""

    direction: str
    width: int
    name: str


@dataclass(frozen=True)
class RegisterMap:
    """All registers, in the order of their offsets."""

    registers: tuple[Register, ...]
    address_bits: int = ADDRESS_BITS

    def __getitem__(self, name: str) -> Register:
        return next(register for register in self.registers if register.name == name)

    def of_kind(self, *kinds: str) -> list[tuple[Register, Field]]:
        """Fields of some kinds, each with its register."""
        return [(reg, field) for reg in self.registers for field in reg.fields if field.kind in kinds]

    @property
    def counters(self) -> list[tuple[Register, Field]]:
        return self.of_kind("counter")

    @property
    def hidden(self) -> list[tuple[Register, Field]]:
        """State that no port shows."""
        return [(register, field) for register, field in self.state if field.kind == "counter" or not field.seen]

    @property
    def state(self) -> list[tuple[Register, Field]]:
        """Fields that are flip-flops."""
        return self.of_kind("setting", "command", "sticky", "counter")

    @property
    def ports(self) -> tuple[Port, ...]:
        """The signals of the register file, beside its bus."""
        ports = []
        for register, field in self.of_kind("setting", "command", "sticky", "input", "counter"):
            name = f"{register.name}_{field.name}"
            if field.kind in ("setting", "command"):
                ports.append(Port("output reg ", field.width, name))
            elif field.kind == "input":
                ports.append(Port("input  wire", field.width, name))
            elif field.kind == "counter":
                ports.append(Port("input  wire", field.step, f"{register.name}_up"))
            else:
                ports.append(Port("input  wire", 1, f"{name}_set"))
                if field.seen:
                    ports.append(Port("output reg ", 1, name))
        return tuple(ports)

    @property
    def errors(self) -> tuple[Field, ...]:
        """The faults that stand in the status register."""
        return tuple(field for field in self[STATUS].fields if field.kind == "sticky")

    @property
    def interrupts(self) -> tuple[Field, ...]:
        return self[INTERRUPTS].fields


def source() -> Path:
    """The description."""
    return resources.templates() / "board" / "registers.rdl"


def register_map(plan: Plan) -> RegisterMap:
    """The registers of a planned accelerator."""
    net = plan.net
    return compile_map(
        source(),
        {
            "NETWORK": fingerprint(to_bytes(net)),
            "WIDTH": plan.input.width,
            "HEIGHT": plan.input.height,
            "CHANNELS": plan.input.channels,
            "BITS": net.input_bits,
            "SIGNED": int(net.input_signed),
            "BEAT_BYTES": beat_bytes(plan),
            "BEAT_VALUES": plan.input.n,
            "LOGITS": plan.logits,
            "LOGIT_BITS": plan.logit_bits,
            "TIMESTEPS": net.timesteps,
            "SOPS_BITS": plan.sops_bits,
        },
    )


def fingerprint(network: bytes) -> int:
    """The first 32 bits of the SHA-256 of network.onespike."""
    return int.from_bytes(hashlib.sha256(network).digest()[:4], "big")


def beat_bytes(plan: Plan) -> int:
    """Bytes of a beat of pixels on the wrapper's stream: a power of two, as an AXI DMA has them."""
    size = -(-plan.input.n * plan.field_bits // 8)
    return 1 << (size - 1).bit_length()


class _Messages(MessagePrinter):
    """Keeps what the compiler says, for the exception."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def print_message(self, severity: Any, text: str, src_ref: Any) -> None:
        self.messages.append(text)


def compile_map(path: Path, parameters: Mapping[str, int]) -> RegisterMap:
    """The registers that a file in SystemRDL describes.

    Raises OutputError where it does not compile, or holds a field of a kind that `Field` does not know.
    """
    printer = _Messages()
    compiler = RDLCompiler(message_printer=printer)
    try:
        compiler.compile_file(str(path))
        top = compiler.elaborate(parameters=dict(parameters)).top
    except RDLCompileError as error:
        raise OutputError(f"{path}: not a register description: {'; '.join(printer.messages) or error}") from error
    return RegisterMap(tuple(_register(path, node) for node in top.registers()))


def _register(path: Path, node: RegNode) -> Register:
    fields = tuple(_field(path, field) for field in node.fields())
    return Register(node.inst_name, node.absolute_address, _text(node), fields)


def _field(path: Path, node: FieldNode) -> Field:
    reset = node.get_property("reset")
    seen = node.get_property("hw") != AccessType.na
    value = reset if isinstance(reset, int) else 0
    step = node.get_property("incrwidth")
    return Field(
        node.inst_name,
        node.low,
        node.width,
        value,
        _kind(path, node),
        _text(node),
        seen,
        step if isinstance(step, int) else 1,
    )


def _kind(path: Path, node: FieldNode) -> str:
    software, hardware = node.get_property("sw"), node.get_property("hw")
    if node.get_property("counter"):
        return "counter"
    if software == AccessType.r and hardware == AccessType.w:
        return "input"
    if software == AccessType.r and hardware == AccessType.na and node.get_property("reset") is not None:
        return "constant"
    if software == AccessType.rw and node.get_property("hwset"):
        if node.get_property("onwrite") == OnWriteType.woclr and node.width == 1:
            return "sticky"
    elif software == AccessType.rw and hardware == AccessType.r and node.get_property("onwrite") is None:
        return "command" if node.get_property("singlepulse") else "setting"
    raise OutputError(
        f"{path}: {node.parent.inst_name}.{node.inst_name}: sw={software.name}, hw={hardware.name} with these "
        "properties is no kind of field that is made here; onespike_hw/codegen/registers.py says which are"
    )


def _text(node: RegNode | FieldNode) -> str:
    return " ".join(str(node.get_property("desc") or "").split())

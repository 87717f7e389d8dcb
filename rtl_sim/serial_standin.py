"""A stand-in for the part of pyserial that the driver uses, in front of a simulated chip (cocotb).

Blocking calls, as pyserial's are: run what uses them in cocotb.task.bridge.
"""

from __future__ import annotations

import sys
from types import ModuleType

from cocotb.task import resume

from rtl_sim.uart_line import UartLine

CLOCKS_A_SECOND = 100_000
"""Simulated clocks in a second of a time-out: enough for any answer, and soon over."""
BREAK_BITS = 40


class Serial:
    """pyserial's Serial on a line; faults can be put on its way."""

    line: UartLine
    dead = False
    """Nothing that is written arrives."""
    deaf_to_breaks = False
    """The bridge cannot send a break."""
    wrong_byte: int | None = None
    """The number of the byte, from the next write on, whose lowest bit changes on its way."""
    lost_byte: int | None = None
    """The same of a byte that does not arrive."""

    def __init__(self, port: str, baudrate: int, timeout: float) -> None:
        self.port, self.baudrate, self.timeout = port, baudrate, timeout

    def write(self, data: bytes) -> int:
        sent = bytearray(data)
        if Serial.wrong_byte is not None and Serial.wrong_byte < len(sent):
            sent[Serial.wrong_byte] ^= 1
            Serial.wrong_byte = None
        if Serial.lost_byte is not None and Serial.lost_byte < len(sent):
            del sent[Serial.lost_byte]
            Serial.lost_byte = None
        if not Serial.dead:
            resume(Serial.line.send)(bytes(sent))
        return len(data)

    def read(self, size: int) -> bytes:
        return resume(Serial.line.read)(size, round(self.timeout * CLOCKS_A_SECOND))

    def send_break(self, duration: float) -> None:
        if not Serial.deaf_to_breaks:
            resume(Serial.line.pull_low)(BREAK_BITS)

    def reset_input_buffer(self) -> None:
        Serial.line.received.clear()

    def close(self) -> None:
        pass


def install(line: UartLine) -> None:
    """`import serial` gives this line from now on."""
    Serial.line = line
    Serial.dead = Serial.deaf_to_breaks = False
    Serial.wrong_byte = Serial.lost_byte = None
    module = ModuleType("serial")
    vars(module).update(Serial=Serial)
    sys.modules["serial"] = module

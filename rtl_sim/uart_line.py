"""The host's end of a UART (cocotb): sends bytes, right ones and wrong ones, and receives them."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, FallingEdge, RisingEdge, Timer

PERIOD_NS = 10


class UartLine:
    """Eight data bits, no parity, one stop bit, on the ports rx and tx of a chip.

    divisor  clocks a bit; clock: the chip's, where it is not called clk
    received what came and has not been read; misframed: bytes whose stop bit was low
    """

    def __init__(self, dut: Any, divisor: int, clock: Any = None) -> None:
        self._dut, self._bit = dut, divisor * PERIOD_NS
        self._clock = dut.clk if clock is None else clock
        self.received = bytearray()
        self.misframed = 0
        dut.rx.value = 1
        cocotb.start_soon(self._listen())

    async def send(self, data: bytes, stop: int = 1) -> None:
        """Send bytes one behind the other; stop: the level of their stop bits."""
        for byte in data:
            for level in (0, *(byte >> place & 1 for place in range(8)), stop):
                self._dut.rx.value = level
                await Timer(self._bit, unit="ns")
            self._dut.rx.value = 1

    async def pull_low(self, bits: int) -> None:
        """A break of so many bits, and a bit of rest behind it."""
        self._dut.rx.value = 0
        await Timer(bits * self._bit, unit="ns")
        self._dut.rx.value = 1
        await Timer(self._bit, unit="ns")

    async def read(self, count: int, clocks: int) -> bytes:
        """So many bytes, or those that came within so many clocks."""
        found = await self.peek(count, clocks)
        del self.received[: len(found)]
        return found

    async def peek(self, count: int, clocks: int) -> bytes:
        """The same, which stay unread."""
        for _ in range(clocks * PERIOD_NS // self._bit):
            if len(self.received) >= count:
                break
            await Timer(self._bit, unit="ns")
        return bytes(self.received[:count])

    def forget(self) -> None:
        """What came."""
        self.received.clear()
        self.misframed = 0

    async def rest(self, bits: int) -> None:
        await Timer(bits * self._bit, unit="ns")

    async def _listen(self) -> None:
        tx = self._dut.tx
        await ClockCycles(self._clock, 1)
        while True:
            if tx.value != 0:
                await FallingEdge(tx)
            await Timer(self._bit // 2, unit="ns")
            if tx.value != 0:
                continue
            byte = 0
            for place in range(8):
                await Timer(self._bit, unit="ns")
                byte |= int(tx.value) << place
            await Timer(self._bit, unit="ns")
            if tx.value == 1:
                self.received.append(byte)
            else:
                self.misframed += 1
                await RisingEdge(tx)

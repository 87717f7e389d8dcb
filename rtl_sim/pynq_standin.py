"""A stand-in for the parts of `pynq` that the driver uses, in front of a simulated onespike_axi (cocotb).

Blocking calls, as pynq's are: run what uses them in cocotb.task.bridge. Buffers are as incoherent as a board's can be:
the DMA sees what was flushed, software sees what was invalidated, and pynq's transfer() and wait() do both.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import cocotb
import numpy as np
from cocotb.task import Task, resume
from cocotb.triggers import ClockCycles
from cocotbext.axi import (
    AxiLiteBus,
    AxiLiteMaster,
    AxiResp,
    AxiStreamBus,
    AxiStreamFrame,
    AxiStreamSink,
    AxiStreamSource,
)
from numpy.typing import NDArray

POLL_CLOCKS = 40
"""Clocks that pass while software looks at a register of the DMA."""

Bytes = NDArray[np.uint8]


class Buffer(np.ndarray[Any, np.dtype[Any]]):
    """What `allocate` gives: an array in a cache, and the memory behind it."""

    memory: Bytes

    def flush(self) -> None:
        self.memory[:] = self.view(np.ndarray).reshape(-1).view(np.uint8)

    def invalidate(self) -> None:
        self.view(np.ndarray).reshape(-1).view(np.uint8)[:] = self.memory

    def freebuffer(self) -> None:
        self.memory = np.zeros(0, np.uint8)


def allocate(shape: tuple[int, ...], dtype: type) -> Buffer:
    """A buffer full of noise, as memory is."""
    buffer = np.zeros(shape, dtype).view(Buffer)
    buffer.memory = np.random.default_rng(1).integers(0, 256, buffer.nbytes, dtype=np.uint8)
    return buffer


class Core:
    """pynq's DefaultIP in front of the registers."""

    def __init__(self, bus: AxiLiteMaster) -> None:
        self._bus = bus

    def read(self, offset: int) -> int:
        response = resume(self._bus.read)(offset, 4)
        assert response.resp == AxiResp.OKAY, f"read of 0x{offset:x}"
        return int.from_bytes(response.data, "little")

    def write(self, offset: int, value: int) -> None:
        response = resume(self._bus.write)(offset, value.to_bytes(4, "little"))
        assert response.resp == AxiResp.OKAY, f"write to 0x{offset:x}"


class Channel:
    """A channel of pynq's DMA, and the half of an AXI DMA behind it."""

    def __init__(self, clock: Any, stream: AxiStreamSource | AxiStreamSink) -> None:
        self.clock = clock
        self._stream = stream
        self.dead = False
        """A transfer never begins: the DMA's clock is off, say."""
        self.error = False
        self._task: Task[None] | None = None
        self._buffer: Buffer | None = None
        self._running = self._first = False

    @property
    def idle(self) -> bool:
        resume(_clocks)(self.clock)
        return self._running and not self._first and (self._task is None or self._task.done()) and not self.dead

    def start(self) -> None:
        self._running = self._first = True

    def transfer(self, array: Buffer, start: int = 0, nbytes: int = 0) -> None:
        if not self._running:
            raise RuntimeError("DMA channel not started")
        if not self._first and not self.idle:
            raise RuntimeError("DMA channel not idle")
        self._first = False
        self._buffer = array
        array.flush()
        if not self.dead:
            self._task = cocotb.start_soon(self._move(array.memory[start : start + (nbytes or array.nbytes - start)]))

    def wait(self) -> None:
        while not self.idle:
            pass
        assert self._buffer is not None
        self._buffer.invalidate()

    def reset(self) -> None:
        """What writing the DMA's reset bit does to the channel: half a packet is gone, on either side."""
        if self._task is not None:
            self._task.cancel()
        self._task = None
        self._stream.assert_reset()
        self._stream.clear()
        self._running = self.error = False

    async def _move(self, memory: Bytes) -> None:
        raise NotImplementedError  # each direction moves its own way; this class is never a channel itself


class SendChannel(Channel):
    """MM2S: memory to stream, tlast with the last byte."""

    def __init__(self, clock: Any, source: AxiStreamSource) -> None:
        super().__init__(clock, source)
        self._source = source
        self.cut = 0
        """Bytes by which the next transfer is too short."""

    async def _move(self, memory: Bytes) -> None:
        payload, self.cut = memory.tobytes()[: len(memory) - self.cut], 0
        await self._source.send(AxiStreamFrame(payload))
        await self._source.wait()
        assert self._buffer is not None
        sent = self._buffer.view(np.ndarray).tobytes()[: len(payload)]
        assert sent == payload, "the buffer was written to while it was being sent"


class ReceiveChannel(Channel):
    """S2MM: stream to memory, until tlast. It takes nothing while no transfer is under way."""

    def __init__(self, clock: Any, sink: AxiStreamSink) -> None:
        super().__init__(clock, sink)
        self._sink = sink
        sink.pause = True

    async def _move(self, memory: Bytes) -> None:
        self._sink.pause = False
        try:
            payload = bytes((await self._sink.recv()).tdata)
        finally:
            self._sink.pause = True
        self.error = len(payload) > len(memory)
        memory[: len(payload)] = np.frombuffer(payload, np.uint8)[: len(memory)]


class Dma:
    """pynq's DMA: two channels, and registers of which the driver uses the reset bits."""

    def __init__(self, send: SendChannel, receive: ReceiveChannel) -> None:
        self.sendchannel, self.recvchannel = send, receive

    def write(self, offset: int, value: int) -> None:
        assert (offset in (0x00, 0x30), value) == (True, 0x4), "the driver writes the reset bits alone"
        self.sendchannel.reset()
        self.recvchannel.reset()

    def read(self, offset: int) -> int:
        resume(_clocks)(self.sendchannel.clock)
        return 0


class Board:
    """The simulated board: what Overlay(bitfile) finds, whatever the file is called."""

    def __init__(self, dut: Any) -> None:
        reset = {"reset": dut.aresetn, "reset_active_level": False}
        self.core = Core(AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), dut.aclk, **reset))
        source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), dut.aclk, **reset)
        sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), dut.aclk, **reset)
        self.dma = Dma(SendChannel(dut.aclk, source), ReceiveChannel(dut.aclk, sink))
        self.blocks = {"onespike": self.core, "dma": self.dma}

    def install(self) -> None:
        """`import pynq` gives this board from now on."""
        board = self

        class Overlay:
            def __init__(self, bitfile: str) -> None:
                self.ip_dict = dict.fromkeys(board.blocks)

            def __getattr__(self, name: str) -> Any:
                return board.blocks[name]

        module = ModuleType("pynq")
        vars(module).update(Overlay=Overlay, allocate=allocate)
        sys.modules["pynq"] = module


async def _clocks(clock: Any) -> None:
    await ClockCycles(clock, POLL_CLOCKS)

"""cocotb test bench of an accelerator on its bus: batches, registers, and every fault that a stream or a host can make.

Run by rtl_sim.cocotb_runner on onespike_axi. Whatever went wrong, the last batch of each test is right, bit for bit.
"""

from __future__ import annotations

import os
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.task import Task
from cocotb.triggers import ClockCycles, with_timeout
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp, AxiStreamBus, AxiStreamSink

from onespike_hw import golden
from onespike_hw.codegen.registers import RegisterMap, compile_map, source
from rtl_sim.scoreboard import Expectation, read_expectation, signed
from rtl_sim.streams import Beat, BeatSource

PERIOD_NS = 10
PATIENCE_CLOCKS = 20_000
"""Of the bench: a packet that takes longer is a hang."""
MORE_THAN_IT_HOLDS = 6
"""Times the images of a bench that no accelerator takes while its output stands."""

Image = list[int]


class Bench:
    """A host around the accelerator: it writes registers, sends batches, receives packets."""

    def __init__(self, dut: Any, expectation: Expectation) -> None:
        self.dut = dut
        self.map: RegisterMap = compile_map(source(), {})
        self.images = expectation.beats
        self.bits = expectation.logit_bits
        logits = golden.run(expectation.net, expectation.integers, codes=False).logits
        if expectation.net.graph is None:
            logits = logits.reshape(len(logits), logits.shape[1], -1).transpose(0, 2, 1)
        self.logits = logits.reshape(len(logits), -1).tolist()
        Clock(dut.aclk, PERIOD_NS, unit="ns").start()
        dut.aresetn.value = 0
        self.bus = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), dut.aclk, dut.aresetn, reset_active_level=False)
        self.source = BeatSource(dut, "s_axis")
        self.sink = AxiStreamSink(
            AxiStreamBus.from_prefix(dut, "m_axis"), dut.aclk, dut.aresetn, reset_active_level=False
        )

    async def reset(self) -> None:
        """Hold aresetn for three clocks."""
        self.dut.aresetn.value = 0
        await ClockCycles(self.dut.aclk, 3)
        self.dut.aresetn.value = 1
        await ClockCycles(self.dut.aclk, 2)

    # registers, by the names of registers.rdl

    async def write(self, name: str, value: int) -> None:
        response = await self.bus.write(self.map[name].offset, value.to_bytes(4, "little"))
        assert response.resp == AxiResp.OKAY, name

    async def read(self, name: str) -> int:
        response = await self.bus.read(self.map[name].offset, 4)
        assert response.resp == AxiResp.OKAY, name
        return int.from_bytes(response.data, "little")

    async def status(self) -> set[str]:
        """Names of the fields of `status` that stand."""
        value = await self.read("status")
        return {field.name for field in self.map["status"].fields if value >> field.low & 1}

    async def errors(self) -> set[str]:
        """The errors that stand; they are cleared."""
        await ClockCycles(self.dut.aclk, 2)
        found = await self.status() - {"busy", "loading", "flushing"}
        await self.write("status", 0xFFFF_FFFF)
        return found

    # batches

    async def start(self, images: int) -> None:
        await self.write("batch", images)
        await self.write("control", 1)

    def beats(self, images: Sequence[Image], last: bool = True) -> list[Beat]:
        """The beats of a batch."""
        words = [word for image in images for word in image]
        return [Beat(word, last and index == len(words) - 1) for index, word in enumerate(words)]

    async def packet(self) -> list[int]:
        """The logits of the next packet."""
        frame = await with_timeout(self.sink.recv(), PATIENCE_CLOCKS * PERIOD_NS, "ns")
        payload, size = bytes(frame.tdata), self.bits // 8
        words = [int.from_bytes(payload[at : at + size], "little") for at in range(0, len(payload), size)]
        return [signed(word, self.bits) for word in words]

    async def timely(self, work: Coroutine[Any, Any, None]) -> None:
        """Fail where something takes so long that it must be a hang."""
        await with_timeout(work, PATIENCE_CLOCKS * PERIOD_NS, "ns")

    async def batch(self, first: int, count: int) -> None:
        """Send some images as a batch that is as it should be, and compare its logits."""
        await self.start(count)
        sending = cocotb.start_soon(self.source.send(self.beats(self.images[first : first + count])))
        assert await self.packet() == self.expected(first, count)
        await sending

    def expected(self, first: int, count: int) -> list[int]:
        return [value for logits in self.logits[first : first + count] for value in logits]

    def sending(self, beats: Sequence[Beat]) -> Task[None]:
        return cocotb.start_soon(self.source.send(beats))

    async def all_is_well(self) -> None:
        """Nothing is under way, no error stands, and a batch behind it is right."""
        await ClockCycles(self.dut.aclk, 2)
        assert await self.status() <= {"flushing"}
        await self.batch(1, 2)
        assert await self.errors() == set()
        assert self.sink.empty()
        assert await self.status() == set()


async def _bench(dut: Any) -> Bench:
    bench = Bench(dut, read_expectation(Path(os.environ["ONESPIKE_WORK"])))
    await bench.reset()
    return bench


@cocotb.test()
async def batches_one_behind_the_other(dut: Any) -> None:
    """A batch is one packet in and one packet out; the next may start as soon as the input of the last one is in."""
    bench = await _bench(dut)
    await bench.write("interrupt_enable", 0b011)
    await bench.batch(0, 1)
    assert dut.irq.value == 1
    assert await bench.read("interrupt_status") == 0b011
    await bench.write("interrupt_status", 0b011)
    assert dut.irq.value == 0
    images = len(bench.images)
    for _ in range(2):
        await bench.start(images)
        await ClockCycles(dut.aclk, 20)
        await bench.timely(bench.source.send(bench.beats(bench.images)))
        while "loading" in await bench.status():
            pass
    for _ in range(2):
        assert await bench.packet() == bench.expected(0, images)
    assert await bench.errors() == set()
    assert await bench.read("images") == 1 + 2 * images
    assert await bench.read("dropped") == 0
    cycles, waits = await bench.read("cycles"), await bench.read("input_waits")
    assert cycles > (1 + 2 * images) * len(bench.images[0])
    assert 2 * 20 - 2 <= waits < cycles
    await bench.all_is_well()


@cocotb.test()
async def registers(dut: Any) -> None:
    """Constants read as they are; settings take bytes; what is not there is answered SLVERR and noted."""
    bench = await _bench(dut)
    constants = bench.map.of_kind("constant")
    assert await bench.read("magic") == 0x4F53504B
    assert await bench.read("logits") == len(bench.logits[0])
    await bench.write("patience", 0x11223344)
    await bench.bus.write(bench.map["patience"].offset + 2, b"\xaa")
    assert await bench.read("patience") == 0x11AA3344
    mapped = {register.offset for register in bench.map.registers}
    for offset in sorted(set(range(0, 0x100, 4)) - mapped | {0x1FC, 0x800, 0xFFC}):
        assert (await bench.bus.read(offset, 4)).resp == AxiResp.SLVERR, hex(offset)
        assert await bench.errors() == {"bad_access"}
        assert (await bench.bus.write(offset, bytes(4))).resp == AxiResp.SLVERR, hex(offset)
        assert await bench.errors() == {"bad_access"}
    for register in {register.name: register for register, _ in constants}.values():
        before = await bench.read(register.name)
        assert (await bench.bus.write(register.offset, b"\x55" * 4)).resp == AxiResp.SLVERR
        assert await bench.read(register.name) == before
        assert await bench.errors() == {"bad_access"}
    await bench.write("interrupt_status", 7)
    await bench.all_is_well()


@cocotb.test()
async def a_transfer_cut_short(dut: Any) -> None:
    """tlast in mid-image: the image is filled up and marked, the packet ends with it, and nothing later is lost."""
    bench = await _bench(dut)
    size = len(bench.images[0])
    await bench.write("interrupt_enable", 0b100)
    for whole, part in ((0, 1), (1, size // 2), (1, size - 1)):
        beats = bench.beats(bench.images[: whole + 1])[: whole * size + part]
        beats[-1] = Beat(beats[-1].data, last=True)
        await bench.start(3)
        sending = bench.sending(beats)
        logits = await bench.packet()
        await sending
        assert logits[: whole * len(bench.logits[0])] == bench.expected(0, whole)
        assert len(logits) == (whole + 1) * len(bench.logits[0])
        assert logits[-1] == -(1 << (bench.bits - 1))
        assert dut.irq.value == 1
        await bench.write("interrupt_status", 7)
        assert await bench.errors() == {"cut_short"}
    assert await bench.read("dropped") == 3
    assert await bench.read("images") == 2
    await bench.all_is_well()


@cocotb.test()
async def tlast_early(dut: Any) -> None:
    """tlast behind a whole image, but before the batch is complete: what came is answered, and the batch is over."""
    bench = await _bench(dut)
    await bench.start(3)
    sending = bench.sending(bench.beats(bench.images[:2]))
    assert await bench.packet() == bench.expected(0, 2)
    await sending
    assert await bench.errors() == {"early_last"}
    await bench.all_is_well()


@cocotb.test()
async def tlast_late(dut: Any) -> None:
    """Beats behind the batch are dropped up to tlast."""
    bench = await _bench(dut)
    await bench.start(1)
    sending = bench.sending(bench.beats(bench.images[:3]))
    assert await bench.packet() == bench.expected(0, 1)
    await bench.timely(_finish(sending))
    assert await bench.errors() == {"late_last"}
    assert await bench.status() == set()
    await bench.all_is_well()


async def _finish(task: Task[None]) -> None:
    await task


@cocotb.test()
async def tlast_missing(dut: Any) -> None:
    """No tlast at all: the packet out ends all the same, and the next start begins a new batch."""
    bench = await _bench(dut)
    for _ in range(2):
        await bench.start(2)
        sending = bench.sending(bench.beats(bench.images[:2], last=False))
        assert await bench.packet() == bench.expected(0, 2)
        await sending
        assert await bench.errors() == {"late_last"}
        assert await bench.status() == {"flushing"}
    await bench.all_is_well()


@cocotb.test()
async def a_beat_without_all_its_bytes(dut: Any) -> None:
    """A transfer whose length is no whole number of beats spoils its last image."""
    bench = await _bench(dut)
    beats = bench.beats(bench.images[:1])
    beats[-1] = Beat(beats[-1].data, last=True, keep=0)
    await bench.start(1)
    sending = bench.sending(beats)
    logits = await bench.packet()
    await sending
    assert logits[-1] == -(1 << (bench.bits - 1))
    assert await bench.errors() == {"cut_short"}
    await bench.all_is_well()


@cocotb.test()
async def a_stream_that_stops(dut: Any) -> None:
    """No beat for `patience` clocks: the batch is closed; the rest of the transfer, when it comes, is dropped."""
    bench = await _bench(dut)
    size = len(bench.images[0])
    beats = bench.beats(bench.images[:2])
    await bench.write("patience", 300)
    await bench.start(2)
    await bench.timely(bench.source.send(beats[: size + size // 2]))
    logits = await bench.packet()
    assert logits[: len(bench.logits[0])] == bench.expected(0, 1)
    assert len(logits) == 2 * len(bench.logits[0])
    assert logits[-1] == -(1 << (bench.bits - 1))
    assert await bench.errors() == {"input_timeout"}
    assert await bench.status() == {"flushing"}
    await bench.timely(bench.source.send(beats[size + size // 2 :]))
    assert await bench.status() == set()
    await bench.all_is_well()


@cocotb.test()
async def a_stream_that_rests(dut: Any) -> None:
    """Pixels that nobody reads may come when all logits are ready: no image ends before it is in."""
    bench = await _bench(dut)
    beats = bench.beats(bench.images[:2])
    await bench.start(2)
    for part in (beats[:1], beats[1:-1], beats[-1:]):
        assert bench.sink.empty()
        await bench.timely(bench.source.send(part))
        await ClockCycles(dut.aclk, 1000)
    assert await bench.packet() == bench.expected(0, 2)
    await bench.all_is_well()


@cocotb.test()
async def start_while_busy(dut: Any) -> None:
    """A start in the middle of a batch, and one of no images, change nothing but the status."""
    bench = await _bench(dut)
    await bench.start(2)
    await bench.start(1)
    assert await bench.errors() == {"start_busy"}
    sending = bench.sending(bench.beats(bench.images[:2]))
    assert await bench.packet() == bench.expected(0, 2)
    await sending
    await bench.start(0)
    assert await bench.errors() == {"empty_batch"}
    await bench.all_is_well()


@cocotb.test()
async def an_output_that_nobody_empties(dut: Any) -> None:
    """The logits wait, the status says so, the registers answer; when somebody reads at last, nothing is lost."""
    bench = await _bench(dut)
    await bench.write("patience", 200)
    bench.sink.pause = True
    images = bench.images * MORE_THAN_IT_HOLDS
    await bench.start(len(images))
    sending = bench.sending(bench.beats(images))
    await ClockCycles(dut.aclk, 4000)
    assert "output_timeout" in await bench.status()
    assert "input_timeout" not in await bench.status()
    assert await bench.read("output_stalls") > 200
    assert await bench.read("input_stalls") > 200
    bench.sink.pause = False
    assert await bench.packet() == bench.expected(0, len(bench.images)) * MORE_THAN_IT_HOLDS
    await sending
    assert await bench.errors() == {"output_timeout"}
    await bench.all_is_well()


@cocotb.test()
async def soft_reset_in_mid_image(dut: Any) -> None:
    """What is under way is gone, the rest of its transfer is dropped, errors and counters stay."""
    bench = await _bench(dut)
    size = len(bench.images[0])
    beats = bench.beats(bench.images[:2])
    await bench.start(2)
    bench.sink.pause = True
    await bench.timely(bench.source.send(beats[: size + size // 2]))
    await bench.start(1)
    await ClockCycles(dut.aclk, 100)
    await bench.write("control", 2)
    bench.sink.pause = False
    assert await bench.status() == {"flushing", "start_busy"}
    await bench.timely(bench.source.send(beats[size + size // 2 :]))
    assert await bench.errors() == {"start_busy"}
    await ClockCycles(dut.aclk, 500)
    bench.sink.clear()
    await bench.all_is_well()


@cocotb.test()
async def reset_in_mid_image(dut: Any) -> None:
    """aresetn in the middle of an image: as after power-up."""
    bench = await _bench(dut)
    size = len(bench.images[0])
    await bench.start(2)
    await bench.timely(bench.source.send(bench.beats(bench.images[:2])[: size + size // 2]))
    await bench.reset()
    bench.sink.clear()
    assert await bench.status() == set()
    assert await bench.read("images") == 0
    await bench.all_is_well()

"""cocotb test bench of a chip behind its UART, with the emitted driver and with bytes of its own.

Run by rtl_sim.cocotb_runner on onespike_uart. Whatever went wrong, the last images of each test are right, bit for bit.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.task import bridge
from cocotb.triggers import ClockCycles

from onespike_hw import golden
from onespike_hw.network import Int64
from rtl_sim.scoreboard import Expectation, read_expectation
from rtl_sim.serial_standin import Serial, install
from rtl_sim.uart_line import PERIOD_NS, UartLine

sys.path.insert(0, str(Path(os.environ["ONESPIKE_DESIGN"]) / "driver"))

PORT = "/dev/ttyUSB0"
LONG, SHORT = 10.0, 0.05
"""Seconds of a time-out that is not met, and of one that is (serial_standin.CLOCKS_A_SECOND)."""
ANSWER_CLOCKS = 200_000
"""Clocks in which an answer must come."""
BABBLE = 24
"""Requests one behind the other that no chip answers as fast as they come."""


class Bench:
    """A powered chip with its network and the images of the expectation."""

    def __init__(self, dut: Any, expectation: Expectation) -> None:
        self.dut = dut
        self.net = expectation.net
        self.integers: Int64 = expectation.integers
        self.logits = golden.run(self.net, self.integers, codes=False).logits
        self.line = UartLine(dut, int(os.environ["ONESPIKE_DIVISOR"]))
        self.patience = int(os.environ["ONESPIKE_PATIENCE"])
        install(self.line)

    async def power_up(self) -> None:
        Clock(self.dut.clk, PERIOD_NS, unit="ns").start()
        self.dut.rst.value = 1
        await ClockCycles(self.dut.clk, 4)
        self.dut.rst.value = 0
        await ClockCycles(self.dut.clk, 2)

    # requests and answers, as bytes

    async def send(self, command: int, sequence: int, payload: bytes = b"") -> None:
        from onespike.protocol import REQUEST, frame

        await self.line.send(frame(REQUEST, command, sequence, payload))

    async def answer(self, kind: int, sequence: int, payload: bytes | None = None) -> bytes:
        """The next answer must be this one, and whole; returns its payload."""
        from onespike.protocol import is_whole

        size = self.payload_bytes(kind)
        found = await self.line.read(5 + size, ANSWER_CLOCKS)
        assert found[:3] == bytes([0x5A, kind, sequence]), found.hex()
        assert is_whole(found[1:]), found.hex()
        assert payload is None or found[3 : 3 + size] == payload, found.hex()
        return found[3 : 3 + size]

    async def error(self, code: int, sequence: int) -> None:
        await self.answer(0xEE, sequence, bytes([code]))

    async def silence(self) -> None:
        """No byte comes."""
        assert await self.line.read(1, 20 * self.patience) == b""

    def payload_bytes(self, kind: int) -> int:
        from onespike.network import Network

        network = Network.load()
        sizes = {0x81: sum(size for _, size, _ in network.facts["info"]), 0x82: network.result_bytes, 0x83: 0, 0xEE: 1}
        return int(sizes[kind])

    def pixels(self, number: int) -> bytes:
        from onespike.network import Network

        network = Network.load()
        memory = np.zeros(network.image_bytes, np.uint8)
        network.pack(self.integers[number : number + 1], memory)
        return memory.tobytes()

    async def image(self, number: int, sequence: int) -> None:
        """Send an image, and compare its logits."""
        await self.send(0x02, sequence, self.pixels(number))
        await self.logits_of(number, sequence)

    async def logits_of(self, number: int, sequence: int) -> None:
        from onespike.network import Network

        payload = await self.answer(0x82, sequence)
        found = Network.load().unpack(np.frombuffer(payload, np.uint8), 1)
        assert np.array_equal(found[0], self.logits[number])

    async def load(self) -> None:
        """The weights, where the chip needs them."""
        from onespike import protocol
        from onespike.network import Network

        facts = Network.load().facts
        if facts["load_bytes"]:
            weights = (Path(protocol.__file__).with_name("weights.bin")).read_bytes()
            for start in range(0, len(weights), facts["load_chunk"]):
                await self.send(0x03, 7, start.to_bytes(3, "little") + weights[start : start + facts["load_chunk"]])
                await self.answer(0x83, 7)

    async def all_is_well(self) -> None:
        """Nothing is under way, and two images are right, behind each other where the answers leave the time for it."""
        assert self.line.received == b""
        assert self.line.misframed == 0
        if self.payload_bytes(0x82) > len(self.pixels(0)):
            await self.image(1, 201)
            await self.image(0, 202)
        else:
            await self.send(0x02, 201, self.pixels(1))
            await self.send(0x02, 202, self.pixels(0))
            await self.logits_of(1, 201)
            await self.logits_of(0, 202)
        await self.line.rest(100)
        assert self.line.received == b""


async def _powered(dut: Any) -> Bench:
    bench = Bench(dut, read_expectation(Path(os.environ["ONESPIKE_WORK"])))
    await bench.power_up()
    return bench


def with_driver(test: Callable[[Bench], None]) -> Any:
    """A cocotb test of a blocking function of a bench."""

    async def run(dut: Any) -> None:
        await bridge(test)(await _powered(dut))

    return _named(run, test)


def with_bytes(test: Callable[[Bench], Coroutine[Any, Any, None]]) -> Any:
    """A cocotb test of a chip whose weights are loaded."""

    async def run(dut: Any) -> None:
        bench = await _powered(dut)
        await bench.load()
        await test(bench)
        await bench.all_is_well()

    return _named(run, test)


def _named(run: Any, test: Any) -> Any:
    run.__name__ = run.__qualname__ = test.__name__
    run.__doc__ = test.__doc__
    return cocotb.test()(run)


def _raises(kind: type[Exception], says: str, call: Callable[[], Any]) -> None:
    said = f"no {kind.__name__}"
    try:
        call()
    except kind as error:
        said = str(error)
    assert says in said, said


@with_driver
def every_bit(bench: Bench) -> None:
    """Integers and real values, one image and many, give the logits of the golden model."""
    from onespike import OneSpike

    net = OneSpike(PORT, timeout=LONG)
    assert np.array_equal(net.logits(bench.integers), bench.logits)
    assert net.logits(bench.integers[:0]).shape == (0, *bench.logits.shape[1:])
    column = (-1, *[1] * (len(bench.net.input_shape) - 1))
    offset, scale = bench.net.input_offset.reshape(column), bench.net.input_scale.reshape(column)
    x = ((bench.integers[:1] - offset) * scale).astype(np.float32)
    run = golden.run(bench.net, x)
    assert np.array_equal(net.predict(x), run.logits * run.scale.reshape(-1, *[1] * (run.logits.ndim - 2)))
    assert net.info()["timesteps"] == bench.net.timesteps
    net.close()


@with_driver
def images_that_are_refused(bench: Bench) -> None:
    """Before anything is sent."""
    from onespike import ImageError, OneSpike

    net = OneSpike(PORT, timeout=LONG)
    _raises(ImageError, "put a batch axis in front", lambda: net.logits(bench.integers[0]))
    _raises(ImageError, "not a number", lambda: net.logits(np.full(bench.integers.shape, np.nan)))
    assert np.array_equal(net.logits(bench.integers[:1]), bench.logits[:1])


@with_driver
def another_design(bench: Bench) -> None:
    """A chip of another network is refused by name."""
    from onespike import OneSpike, WrongDesign
    from onespike.network import Network

    load = Network.load
    for name in ("magic", "version", "network", "channels", "logits"):
        network = load()
        wrong = [[n, size, value ^ 1 if n == name else value] for n, size, value in network.facts["info"]]
        network.facts["info"] = wrong
        Network.load = staticmethod(lambda network=network: network)
        try:
            _raises(WrongDesign, f"{PORT}: {name} reads", lambda: OneSpike(PORT, timeout=LONG))
        finally:
            Network.load = load


@with_driver
def a_line_that_is_dead(bench: Bench) -> None:
    """A time-out instead of a hang."""
    from onespike import OneSpike, TimedOut

    Serial.dead = True
    _raises(TimedOut, "an answer did not come within", lambda: OneSpike(PORT, timeout=SHORT))
    Serial.dead = False
    assert np.array_equal(OneSpike(PORT, timeout=LONG).logits(bench.integers[:1]), bench.logits[:1])


@with_driver
def a_byte_that_changes_or_is_lost(bench: Bench) -> None:
    """The driver says so; the next call works, with a bridge that sends breaks and with one that does not."""
    from onespike import AcceleratorFault, OneSpike

    net = OneSpike(PORT, timeout=LONG)
    for deaf in (False, True):
        Serial.deaf_to_breaks = deaf
        Serial.wrong_byte = 4
        _raises(AcceleratorFault, "code 2, wrong check sum", lambda: net.logits(bench.integers[:1]))
        Serial.lost_byte = 4
        _raises(AcceleratorFault, "code 3, cut", lambda: net.logits(bench.integers[:1]))
        assert np.array_equal(net.logits(bench.integers), bench.logits)


@with_bytes
async def wrong_bytes(bench: Bench) -> None:
    """Every byte of a short request, changed in turn; noise in front of one."""
    from onespike.protocol import REQUEST, frame

    whole = frame(REQUEST, 0x01, 9)
    for place in range(1, len(whole)):
        wrong = bytearray(whole)
        wrong[place] ^= 0x40
        await bench.line.send(bytes(wrong))
        await bench.error(1 if place == 1 else 2, wrong[2])
        await bench.line.rest(bench.patience)
        bench.line.forget()
    await bench.line.send(b"\x00\xff\x5a\x01" + whole)
    await bench.answer(0x81, 9)


@with_bytes
async def a_request_cut_short(bench: Bench) -> None:
    """After any of its bytes: the pause is answered, and an image that had begun loses no later one."""
    from onespike.protocol import REQUEST, frame

    whole = frame(REQUEST, 0x02, 5, bench.pixels(0))
    for length in (1, 2, 3, 4, len(whole) // 2, len(whole) - 1):
        await bench.line.send(whole[:length])
        await bench.error(3, 5 if length > 2 else 0)
        await bench.image(1, 6)


@with_bytes
async def an_unknown_command(bench: Bench) -> None:
    await bench.send(0x44, 3)
    await bench.error(1, 3)


@with_bytes
async def a_stop_bit_that_is_low(bench: Bench) -> None:
    """In mid-image, and outside a request, where it is noise."""
    from onespike.protocol import REQUEST, frame

    await bench.line.send(b"\xa5", stop=0)
    await bench.line.rest(20)
    whole = frame(REQUEST, 0x02, 5, bench.pixels(0))
    await bench.line.send(whole[:9])
    await bench.line.send(whole[9:10], stop=0)
    await bench.error(5, 5)


@with_bytes
async def a_break_in_mid_request(bench: Bench) -> None:
    """All is forgotten, and nothing answers; an answer to its first bits, a misframed byte, is cut."""
    from onespike.protocol import REQUEST, frame

    whole = frame(REQUEST, 0x02, 5, bench.pixels(0))
    for length in (3, len(whole) // 2, len(whole) - 1):
        await bench.line.send(whole[:length])
        await bench.line.pull_low(40)
        await bench.line.rest(20)
        assert len(bench.line.received) + bench.line.misframed <= 3
        bench.line.forget()
        await bench.silence()


@with_bytes
async def a_break_in_mid_answer(bench: Bench) -> None:
    await bench.send(0x01, 5)
    assert len(await bench.line.read(4, ANSWER_CLOCKS)) == 4
    await bench.line.pull_low(40)
    await bench.line.rest(20)
    bench.line.forget()


@with_bytes
async def reset_in_mid_image(bench: Bench) -> None:
    from onespike.protocol import REQUEST, frame

    await bench.line.send(frame(REQUEST, 0x02, 5, bench.pixels(0))[:8])
    bench.dut.rst.value = 1
    await ClockCycles(bench.dut.clk, 3)
    bench.dut.rst.value = 0
    await bench.silence()
    await bench.load()


@with_bytes
async def more_requests_than_there_is_room_for(bench: Bench) -> None:
    """Answers in order, up to one that says that requests were lost."""
    for number in range(BABBLE):
        await bench.send(0x01, number)
    kinds = bytearray()
    while head := await bench.line.peek(3, 4 * bench.patience):
        kinds.append(head[1])
        await bench.answer(head[1], head[2])
    assert kinds[0] == 0x81
    assert 0xEE in kinds
    assert len(kinds) < BABBLE


@with_bytes
async def images_faster_than_they_leave(bench: Bench) -> None:
    """Images whose pixels find no room are answered with errors; those that are answered with logits are right."""
    for number in range(12):
        await bench.send(0x02, number, bench.pixels(number % 2))
    kinds = bytearray()
    while head := await bench.line.peek(3, 4 * bench.patience):
        kinds.append(head[1])
        if head[1] == 0xEE:
            await bench.answer(0xEE, head[2])
        else:
            await bench.logits_of(head[2] % 2, head[2])
    assert kinds[0] == 0x82
    assert (0xEE in kinds) == (bench.payload_bytes(0x82) > len(bench.pixels(0)))


@cocotb.test()
async def an_image_before_the_weights(dut: Any) -> None:
    """It is answered with an error; once they are loaded, images are right, behind a break too."""
    bench = await _powered(dut)
    await bench.send(0x02, 5, bench.pixels(0))
    if bench.payload_bytes(0x83) == 0 and _needs_weights():
        await bench.error(6, 5)
        await bench.load()
        await bench.line.pull_low(40)
    else:
        await bench.logits_of(0, 5)
    await bench.all_is_well()


def _needs_weights() -> bool:
    from onespike.network import Network

    return bool(Network.load().facts["load_bytes"])

"""cocotb test bench of an emitted design: images in, logits and every layer's codes out, against the golden model.

Run by rtl_sim.cocotb_runner. The folder named by ONESPIKE_WORK holds what is played (rtl_sim.scoreboard).
ONESPIKE_PAUSE_IN and ONESPIKE_PAUSE_OUT are the chances that source and sink pause, repeatable by ONESPIKE_SEED.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, with_timeout
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

from rtl_sim.scoreboard import Expectation, read_expectation
from rtl_sim.streams import CodeMonitor, random_pauses

PERIOD_NS = 10
PATIENCE_CLOCKS = 100_000


class Bench:
    """Drivers and monitors around one design."""

    def __init__(self, dut: Any, expectation: Expectation) -> None:
        self.dut = dut
        self.expectation = expectation
        Clock(dut.clk, PERIOD_NS, unit="ns").start()
        self.source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), dut.clk, dut.rst)
        self.sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), dut.clk, dut.rst)
        self.codes = CodeMonitor(dut, [stream.name for stream in expectation.streams])
        seed = int(os.environ.get("ONESPIKE_SEED", "1"))
        self.source.set_pause_generator(random_pauses(float(os.environ.get("ONESPIKE_PAUSE_IN", "0")), seed))
        self.sink.set_pause_generator(random_pauses(float(os.environ.get("ONESPIKE_PAUSE_OUT", "0")), seed + 1))

    async def reset(self) -> None:
        """Hold rst for three clocks and forget what passed."""
        self.dut.rst.value = 1
        await ClockCycles(self.dut.clk, 3)
        self.source.clear()
        self.sink.clear()
        self.codes.clear()
        self.dut.rst.value = 0
        await RisingEdge(self.dut.clk)

    def frame(self, beats: list[int]) -> AxiStreamFrame:
        """Beats as the bytes that AXI4-Stream carries, lowest first."""
        size = len(self.dut.s_axis_tdata) // 8
        return AxiStreamFrame(b"".join(beat.to_bytes(size, "little") for beat in beats))

    async def play(self) -> list[list[int]]:
        """Send every image, one behind the other; returns the logits of each."""
        for beats in self.expectation.beats:
            await self.source.send(self.frame(beats))
        frames = []
        for _ in self.expectation.beats:
            frame = await with_timeout(self.sink.recv(), PATIENCE_CLOCKS * PERIOD_NS, "ns")
            frames.append(_words(bytes(frame.tdata), len(self.dut.m_axis_tdata) // 8))
        await self._last_words()
        return frames

    async def _last_words(self) -> None:
        """Words that no window reads may leave a layer after the last logit."""
        images = len(self.expectation.beats)
        for _ in range(PATIENCE_CLOCKS):
            if all(len(self.codes.words[s.name]) >= images * s.image_words for s in self.expectation.streams):
                return
            await RisingEdge(self.dut.clk)

    async def check(self) -> None:
        """Play, and fail with the first difference."""
        logits = await self.play()
        difference = self.expectation.difference(self.codes.words, logits)
        assert difference is None, difference


def _words(payload: bytes, size: int) -> list[int]:
    return [int.from_bytes(payload[first : first + size], "little") for first in range(0, len(payload), size)]


def _bench(dut: Any) -> Bench:
    return Bench(dut, read_expectation(Path(os.environ["ONESPIKE_WORK"])))


@cocotb.test()
async def images_back_to_back(dut: Any) -> None:
    """Every bit of every layer, images without a gap, random pauses at both ends."""
    bench = _bench(dut)
    await bench.reset()
    await bench.check()


@cocotb.test()
async def reset_in_mid_image(dut: Any) -> None:
    """A reset in the middle of an image drops it; the images behind it come out right."""
    bench = _bench(dut)
    await bench.reset()
    beats = bench.expectation.beats[0]
    await bench.source.send(bench.frame(beats[: max(1, 2 * len(beats) // 3)]))
    await ClockCycles(dut.clk, 2 * len(beats) + 40)
    await bench.reset()
    await bench.check()

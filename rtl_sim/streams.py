"""Monitors and pauses for the valid-ready streams inside an emitted design (cocotb)."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge


class CodeMonitor:
    """Writes down every word that passes on the streams NAME_valid, NAME_ready, NAME_word.

    It looks in the middle of a clock, when all signals have settled: what is valid and ready then passes with the edge.
    """

    def __init__(self, dut: Any, names: Sequence[str]) -> None:
        self.words: dict[str, list[int]] = {name: [] for name in names}
        self._dut = dut
        self._signals = [
            (
                self.words[name],
                getattr(dut, f"{name}_valid"),
                getattr(dut, f"{name}_ready"),
                getattr(dut, f"{name}_word"),
            )
            for name in names
        ]
        cocotb.start_soon(self._watch())

    def clear(self) -> None:
        """Forget what passed."""
        for words in self.words.values():
            words.clear()

    async def _watch(self) -> None:
        edge = FallingEdge(self._dut.clk)
        while True:
            await edge
            if self._dut.rst.value == 1:
                continue
            for words, valid, ready, word in self._signals:
                if valid.value == 1 and ready.value == 1:
                    words.append(word.value.to_unsigned())


def random_pauses(chance: float, seed: int) -> Iterator[bool]:
    """True where a source or sink pauses in a clock; the same seed, the same pauses."""
    generator = random.Random(seed)
    while True:
        yield generator.random() < chance


@dataclass(frozen=True)
class Beat:
    """One beat of an AXI4-Stream as it stands on the wires; keep None: all bytes."""

    data: int
    last: bool = False
    keep: int | None = None


class BeatSource:
    """Plays beats on an AXI4-Stream exactly as given: a tlast may be missing, early or late, a stream may just stop."""

    def __init__(self, dut: Any, prefix: str) -> None:
        self._clock = dut.aclk
        self._valid = getattr(dut, f"{prefix}_tvalid")
        self._ready = getattr(dut, f"{prefix}_tready")
        self._data = getattr(dut, f"{prefix}_tdata")
        self._keep = getattr(dut, f"{prefix}_tkeep")
        self._last = getattr(dut, f"{prefix}_tlast")
        self._valid.value = 0

    async def send(self, beats: Iterable[Beat]) -> None:
        """Returns when the last beat was taken; cancelled, it takes its beat back."""
        try:
            for beat in beats:
                self._valid.value = 1
                self._data.value = beat.data
                self._last.value = beat.last
                self._keep.value = (1 << len(self._keep)) - 1 if beat.keep is None else beat.keep
                await FallingEdge(self._clock)
                while self._ready.value != 1:
                    await FallingEdge(self._clock)
                await RisingEdge(self._clock)
        finally:
            self._valid.value = 0

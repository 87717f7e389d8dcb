"""Monitors and pauses for the valid-ready streams inside an emitted design (cocotb)."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge


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

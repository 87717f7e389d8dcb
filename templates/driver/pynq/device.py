"""The accelerator on a board: loads the bitstream, checks it, and runs batches through the two channels of a DMA."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from onespike.errors import AcceleratorFault, TimedOut, WrongDesign
from onespike.network import Network
from onespike.registers import CONSTANTS, COUNTERS, ERRORS, FIELDS

CORE, DMA = "onespike", "dma"
"""Names of the blocks in the block design."""

DMA_CONTROL = (0x00, 0x30)
DMA_RESET = 0x4


class OneSpike:
    """A network on the board.

    bitfile  path of the bitstream; its .hwh lies beside it
    batch    images in a transfer; two batches are in memory at a time
    timeout  seconds in which a batch must get on

    Raises WrongDesign where the bitstream holds another accelerator than the one that this driver was made for.
    """

    def __init__(self, bitfile: str, batch: int = 64, timeout: float = 5.0) -> None:
        import pynq

        self.network = Network.load()
        self._batch, self._timeout = batch, timeout
        self._overlay = pynq.Overlay(bitfile)
        self._core = self._block(bitfile, CORE)
        self._dma = self._block(bitfile, DMA)
        self._check_design(bitfile)
        self._slots = [
            (
                pynq.allocate(shape=(batch * self.network.image_bytes,), dtype=np.uint8),
                pynq.allocate(shape=(batch * self.network.result_bytes,), dtype=np.uint8),
            )
            for _ in range(2)
        ]
        self.reset()

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Logits float64 [N, *logit_shape], in the units of the trained network.

        images: [N, *input_shape], real values as the trained network takes them, or input integers.
        Raises ImageError, AcceleratorFault, TimedOut; after each of them the accelerator is ready again.
        """
        return self.network.real(self.logits(images))

    def logits(self, images: np.ndarray) -> np.ndarray:
        """Logits as the integers that the accelerator computes: int64 [N, *logit_shape]. See `predict`."""
        integers = self.network.quantize(images)
        try:
            return self._run(integers)
        except BaseException:
            self.reset()
            raise

    def counters(self) -> dict[str, int]:
        """What the accelerator has counted since power-up, by name; each wraps at 2^32."""
        return {name.split(".")[0]: self._read(name) for name in COUNTERS}

    def benchmark(self, images: np.ndarray, repeat: int = 1) -> dict[str, float]:
        """Run a batch `repeat` times; returns images a second, and by name what the counters rose by, per image."""
        integers = self.network.quantize(images)
        before, begin = self.counters(), time.monotonic()
        for _ in range(repeat):
            self.logits(integers)
        seconds, after = time.monotonic() - begin, self.counters()
        count = repeat * len(integers)
        figures = {name: ((after[name] - before[name]) % (1 << 32)) / count for name in after}
        return dict(figures, images_per_second=count / seconds)

    def reset(self) -> None:
        """Drop all that is under way, here and in the DMA; also the errors."""
        self._write("control.soft_reset", 1)
        self._clear_errors()
        for control in DMA_CONTROL:
            self._dma.write(control, DMA_RESET)
        self._wait(lambda: not any(self._dma.read(control) & DMA_RESET for control in DMA_CONTROL), "reset of the DMA")
        self._dma.sendchannel.start()
        self._dma.recvchannel.start()
        clocks = self._timeout / 2 * self.network.clock_mhz * 1e6
        self._write("patience.clocks", min(int(clocks), (1 << 32) - 1))

    def close(self) -> None:
        """Give the buffers back."""
        for pair in self._slots:
            for buffer in pair:
                buffer.freebuffer()

    # batches

    def _run(self, integers: np.ndarray) -> np.ndarray:
        """Each batch is packed while the one before it is computed, and sent while that one's logits come back."""
        results, waiting = [], None
        for number, first in enumerate(range(0, len(integers), self._batch)):
            part = integers[first : first + self._batch]
            pixels, logits = self._slots[number % 2]
            self.network.pack(part, pixels)
            if waiting is not None:
                self._wait(self._input_is_in, "input of a batch")
            self._send(pixels, len(part))
            if waiting is not None:
                results.append(self._collect(*waiting))
            self._dma.recvchannel.transfer(logits, nbytes=len(part) * self.network.result_bytes)
            waiting = (logits, len(part))
        if waiting is not None:
            results.append(self._collect(*waiting))
        return np.concatenate([np.zeros((0, *self.network.logit_shape), np.int64), *results])

    def _send(self, pixels: np.ndarray, images: int) -> None:
        self._write("batch.images", images)
        self._write("control.start", 1)
        self._dma.sendchannel.transfer(pixels, nbytes=images * self.network.image_bytes)

    def _collect(self, logits: np.ndarray, images: int) -> np.ndarray:
        channel = self._dma.recvchannel
        self._wait(lambda: channel.idle, "logits of a batch")
        channel.wait()
        return self.network.unpack(logits, images)

    def _input_is_in(self) -> bool:
        return self._dma.sendchannel.idle and not self._read("status.loading")

    def _wait(self, done: Callable[[], bool], what: str) -> None:
        """Until done() is true and nothing is wrong; both are looked at once more after the time is over."""
        end = time.monotonic() + self._timeout
        while True:
            late = time.monotonic() > end
            ended = done()
            self._check_status()
            for channel in (self._dma.sendchannel, self._dma.recvchannel):
                if channel.error:
                    raise AcceleratorFault(f"{what}: the DMA stopped with an error; is the address map complete?")
            if ended:
                return
            if late:
                status = self._core.read(FIELDS["status.busy"].offset)
                raise TimedOut(
                    f"{what}: not there after {self._timeout:g} s (status 0x{status:x}, counters {self.counters()}); "
                    "the accelerator was reset, try again, with a longer timeout where the batch is large"
                )

    # registers

    def _read(self, name: str) -> int:
        field = FIELDS[name]
        return self._core.read(field.offset) >> field.low & ((1 << field.width) - 1)

    def _write(self, name: str, value: int) -> None:
        field = FIELDS[name]
        self._core.write(field.offset, value << field.low)

    def _clear_errors(self) -> None:
        mask = sum(1 << FIELDS[name].low for name in ERRORS)
        self._core.write(FIELDS[ERRORS[0]].offset, mask)

    def _check_status(self) -> None:
        status = self._core.read(FIELDS[ERRORS[0]].offset)
        faults = [name for name in ERRORS if status >> FIELDS[name].low & 1]
        if faults:
            what = "; ".join(f"{name}: {FIELDS[name].text}" for name in faults)
            raise AcceleratorFault(f"{what}. The batch is lost; the accelerator was reset, send it again")

    # the design

    def _block(self, bitfile: str, name: str) -> Any:
        if name not in self._overlay.ip_dict:
            there = ", ".join(sorted(self._overlay.ip_dict)) or "none"
            raise WrongDesign(
                f"{bitfile}: has no block {name!r}, only {there}; load the bitstream that lies beside this driver"
            )
        return getattr(self._overlay, name)

    def _check_design(self, bitfile: str) -> None:
        for name in CONSTANTS:
            found, wanted = self._read(name), FIELDS[name].reset
            if name == "version.minor" and found >= wanted:
                continue
            if found != wanted:
                raise WrongDesign(
                    f"{bitfile}: {name} reads 0x{found:x}, this driver was made for 0x{wanted:x} "
                    f"({FIELDS[name].text}); bitstream and driver must be of one emitted folder"
                )

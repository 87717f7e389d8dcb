"""cocotb test bench of the emitted driver: the Python that runs on the board, against the emitted Verilog.

Run by rtl_sim.cocotb_runner on onespike_axi; rtl_sim.pynq_standin is the board.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.task import bridge
from cocotb.triggers import ClockCycles

from onespike_hw import golden
from onespike_hw.network import Int64
from rtl_sim.pynq_standin import Board
from rtl_sim.scoreboard import Expectation, lane_sops, read_expectation

sys.path.insert(0, str(Path(os.environ["ONESPIKE_DESIGN"]) / "driver"))

BIT = "design.bit"
LONG = 60.0
"""Seconds: a time-out that a slow machine does not meet."""
SHORT = 0.2


class Bench:
    """A powered board with its network and the images of the expectation."""

    def __init__(self, dut: Any, expectation: Expectation) -> None:
        self.dut = dut
        self.net = expectation.net
        self.integers: Int64 = expectation.integers
        run = golden.run(self.net, self.integers, codes=False)
        self.logits, self.sops = run.logits, lane_sops(self.net, run)
        self.board = Board(dut)
        self.board.install()

    async def power_up(self) -> None:
        Clock(self.dut.aclk, 10, unit="ns").start()
        self.dut.aresetn.value = 0
        await ClockCycles(self.dut.aclk, 4)
        self.dut.aresetn.value = 1
        await ClockCycles(self.dut.aclk, 2)


def on_board(test: Callable[[Bench], None]) -> Any:
    """A cocotb test of a blocking function of a bench."""

    async def run(dut: Any) -> None:
        bench = Bench(dut, read_expectation(Path(os.environ["ONESPIKE_WORK"])))
        await bench.power_up()
        await bridge(test)(bench)

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


@on_board
def every_bit_in_every_split(bench: Bench) -> None:
    """Batches of any size give the golden logits, twice in a row; counters tell the images."""
    from onespike import OneSpike

    for batch in (1, 2, len(bench.integers), 64):
        net = OneSpike(BIT, batch=batch, timeout=LONG)
        before = net.counters()
        for _ in range(2):
            assert np.array_equal(net.logits(bench.integers), bench.logits)
        after = net.counters()
        assert after["images"] - before["images"] == 2 * len(bench.integers)
        assert after["sops"] - before["sops"] == 2 * bench.sops
        assert net.logits(bench.integers[:0]).shape == (0, *bench.logits.shape[1:])
        net.close()


@on_board
def real_values(bench: Bench) -> None:
    """Images as the trained network takes them, to logits in its units, as the golden model does both."""
    from onespike import OneSpike

    net = OneSpike(BIT, timeout=LONG)
    column = (-1, *[1] * (0 if bench.net.graph else len(bench.net.input_shape) - 1))
    offset, scale = bench.net.input_offset.reshape(column), bench.net.input_scale.reshape(column)
    x = ((bench.integers - offset) * scale).astype(np.float32)
    run = golden.run(bench.net, x)
    assert np.array_equal(net.logits(x), run.logits)
    assert np.array_equal(
        net.predict(x),
        run.logits * run.scale.reshape(column if bench.net.graph else (-1, *[1] * (run.logits.ndim - 2))),
    )
    assert np.array_equal(net.network.quantize(x), golden.quantize_input(bench.net, x))


@on_board
def images_that_are_refused(bench: Bench) -> None:
    """Wrong shapes, types and ranges, before anything is sent."""
    from onespike import ImageError, OneSpike

    net = OneSpike(BIT, timeout=LONG)
    x = bench.integers
    _raises(ImageError, "put a batch axis in front", lambda: net.logits(x[0]))
    _raises(ImageError, "does not fit; give a batch of shape [N", lambda: net.logits(x[..., :1]))
    _raises(ImageError, "neither real nor integer", lambda: net.logits(x.astype(str)))
    _raises(ImageError, "the integers of the input", lambda: net.logits(np.full_like(x, bench.net.input_range[1] + 1)))
    _raises(ImageError, "not a number", lambda: net.logits(np.full(x.shape, np.nan)))
    _raises(ImageError, "scale the data as in training", lambda: net.logits(np.full(x.shape, 1e9)))
    assert net.counters()["images"] == 0


@on_board
def another_design(bench: Bench) -> None:
    """A bitstream of another network, another map, or without the blocks is refused by name."""
    from onespike import OneSpike, WrongDesign, device
    from onespike.registers import FIELDS

    for name in ("magic.value", "version.major", "network.fingerprint", "channels.values", "logits.count"):
        fields = dict(FIELDS)
        fields[name] = FIELDS[name]._replace(reset=FIELDS[name].reset ^ 1)
        device.FIELDS = fields
        _raises(WrongDesign, f"{BIT}: {name} reads 0x{FIELDS[name].reset:x}", lambda: OneSpike(BIT))
    device.FIELDS = FIELDS
    del bench.board.blocks["dma"]
    _raises(WrongDesign, "has no block 'dma', only onespike", lambda: OneSpike(BIT))


@on_board
def a_dma_that_does_not_move(bench: Bench) -> None:
    """A time-out instead of a hang, in either direction; the next call works."""
    from onespike import OneSpike, TimedOut

    for channel, what in ((bench.board.dma.sendchannel, "logits of a batch"), (bench.board.dma.recvchannel, "logits")):
        net = OneSpike(BIT, batch=1, timeout=SHORT)
        channel.dead = True
        _raises(TimedOut, what, partial(net.logits, bench.integers[:1]))
        channel.dead = False
        patient = OneSpike(BIT, timeout=LONG)
        assert np.array_equal(patient.logits(bench.integers), bench.logits)


@on_board
def a_transfer_cut_short(bench: Bench) -> None:
    """What the accelerator's status says becomes an error in words; the next call works."""
    from onespike import AcceleratorFault, OneSpike

    net = OneSpike(BIT, batch=2, timeout=LONG)
    bench.board.dma.sendchannel.cut = net.network.image_bytes // 2
    _raises(AcceleratorFault, "status.cut_short: a transfer ended in mid-image", lambda: net.logits(bench.integers))
    bench.board.dma.sendchannel.cut = net.network.image_bytes
    _raises(AcceleratorFault, "status.early_last: tlast behind a whole", lambda: net.logits(bench.integers))
    assert np.array_equal(net.logits(bench.integers), bench.logits)


@on_board
def the_notebook(bench: Bench) -> None:
    """Every code cell of the emitted notebook runs."""
    import json

    import matplotlib

    matplotlib.use("Agg")
    folder = Path(os.environ["ONESPIKE_DESIGN"]) / "driver"
    cells = json.loads((folder / "demo.ipynb").read_text())["cells"]
    names: dict[str, Any] = {}
    back = Path.cwd()
    os.chdir(folder)
    try:
        for cell in cells:
            if cell["cell_type"] == "code":
                exec("".join(cell["source"]), names)
    finally:
        os.chdir(back)
    assert names["figures"]["images"] == 1

"""nngen 1.3.4: a dense INT8 accelerator that walks through the layers, its weights in a memory outside.

Weights and images are drawn at random: neither cycles nor resources depend on them, as nngen's schedule is fixed and
its weights come from memory. The simulation compares the logits with nngen's own model.
"""

from __future__ import annotations

import contextlib
import io
import math
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nngen
import numpy as np
import veriloggen.thread as vthread
from veriloggen import Delay, Module, Not, Seq, Systask, simulation
from veriloggen.types import axi

from benchmarks.peers.shapes import Conv, Shape
from onespike_hw.errors import SimulatorError
from rtl_sim import tools

TOP = "peer"
MEMORY_BITS = 32
PATIENCE = 100_000_000
"""Time units, of which a clock takes ten, after which the simulation gives up."""


@dataclass(frozen=True)
class Options:
    """nngen's own: channels, columns and rows that a layer works on at once; bits of its memory bus.

    A layer has at most as many input and output channels at once as it has channels, rounded up to a power of two.
    """

    inputs: int
    outputs: int
    columns: int = 1
    rows: int = 1
    bus_bits: int = 128

    @property
    def multipliers(self) -> int:
        """8 x 8 bits, in the engine that all 3x3 convolutions share."""
        return 9 * self.inputs * self.outputs * self.columns * self.rows

    def __str__(self) -> str:
        return f"par {self.inputs} x {self.outputs} x {self.columns} x {self.rows}, bus {self.bus_bits}"


@dataclass(frozen=True)
class Emitted:
    """accelerator  path of the Verilog that is synthesised; bench: path of the test bench with it."""

    accelerator: Path
    bench: Path


def emit(shape: Shape, options: Options, folder: Path) -> Emitted:
    """Write the accelerator and a test bench with a memory that holds weights, an image and the right logits."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    image = nngen.placeholder(dtype=nngen.int8, shape=_image_shape(shape), name="image")
    logits = _network(shape, options, image, rng)
    pixels = rng.integers(-128, 128, image.shape)
    with contextlib.redirect_stdout(io.StringIO()):
        expected = nngen.eval([logits], image=pixels)[0]
        accelerator = nngen.to_veriloggen([logits], TOP, silent=True, config={"maxi_datawidth": options.bus_bits})
    emitted = Emitted(folder / "peer.v", folder / "bench.v")
    accelerator.to_verilog(str(emitted.accelerator))
    bench = _bench(accelerator, options, folder, image, pixels, logits, expected)
    bench.to_verilog(str(emitted.bench))
    return emitted


def cycles(emitted: Emitted) -> int:
    """Clocks from start to done, on Verilator; SimulatorError where a logit differs from nngen's model."""
    verilator = tools.find_verilator()
    work = emitted.bench.resolve().parent / "work"
    command = [str(verilator.program), "--binary", "--timing", "-j", "2", "-Wno-fatal", "-Wno-lint", "-Wno-style"]
    command += ["--output-split", "20000", "-O3", "--top-module", "test", "--prefix", "Vpeer", "-Mdir", str(work)]
    for flag in ("CFG_CXXFLAGS_COROUTINES=-fcoroutines", *tools.make_variables("-O1")):
        command += ["-MAKEFLAGS", flag]
    _run([*command, str(emitted.bench.resolve())], emitted.bench.parent, verilator.environment())
    said = _run([str(work / "Vpeer")], emitted.bench.parent, verilator.environment())
    counted = re.search(r"execution cycles: +(\d+)", said)
    if counted is None or "verify: PASSED" not in said:
        raise SimulatorError(f"nngen: its simulation did not pass its own check: {said[-400:]}")
    return int(counted[1])


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SimulatorError(f"nngen: {Path(command[0]).name} failed: {(done.stdout + done.stderr)[-400:]}")
    return done.stdout


def _image_shape(shape: Shape) -> tuple[int, ...]:
    return (1, shape.side, shape.side, 1) if isinstance(shape.layers[0], Conv) else (1, shape.side**2)


def _network(shape: Shape, options: Options, image: Any, rng: np.random.Generator) -> Any:
    value, channels, side = image, image.shape[-1], shape.side
    for number, layer in enumerate(shape.layers):
        last = layer is shape.layers[-1]
        act = None if last else nngen.relu
        at_once = {
            "par_ich": min(options.inputs, _power(channels)),
            "par_och": min(options.outputs, _power(layer.channels)),
        }
        if isinstance(layer, Conv):
            weight = _variable(rng, (layer.channels, 3, 3, channels), f"w{number}")
            value = nngen.conv2d(
                value,
                weight,
                strides=(1, 1, 1, 1),
                act_func=act,
                dtype=nngen.int8,
                sum_dtype=nngen.int32,
                **_affine(rng, layer, number),
            )
            value.attribute(cshamt_out=9, par_col=options.columns, par_row=options.rows, **at_once)
            if layer.pool:
                value = nngen.max_pool_serial(value, ksize=(1, 2, 2, 1), strides=(1, 2, 2, 1))
                value.attribute(par=at_once["par_och"])
                side //= 2
            channels = layer.channels
            continue
        if len(value.shape) == 4:
            value = nngen.reshape(value, [1, -1])
            channels *= side * side
            at_once["par_ich"] = min(options.inputs, _power(channels))
        weight = _variable(rng, (layer.channels, channels), f"w{number}")
        value = nngen.matmul(
            value,
            weight,
            transposed_b=True,
            act_func=act,
            dtype=nngen.int8,
            sum_dtype=nngen.int32,
            **_affine(rng, layer, number),
        )
        value.attribute(cshamt_out=9, **at_once)
        channels = layer.channels
    return value


def _affine(rng: np.random.Generator, layer: Any, number: int) -> dict[str, Any]:
    bias = nngen.variable(dtype=nngen.int32, shape=(layer.channels,), name=f"b{number}")
    bias.set_value(rng.integers(-500, 500, bias.shape))
    scale = nngen.variable(dtype=nngen.int8, shape=(layer.channels,), name=f"s{number}")
    scale.set_value(rng.integers(1, 8, scale.shape))
    return {"bias": bias, "scale": scale}


def _variable(rng: np.random.Generator, shape: tuple[int, ...], name: str) -> Any:
    weight = nngen.variable(dtype=nngen.int8, shape=shape, name=name)
    weight.set_value(rng.integers(-127, 128, shape))
    return weight


def _power(channels: int) -> int:
    return 1 << (channels - 1).bit_length()


def _bench(
    accelerator: Any, options: Options, folder: Path, image: Any, pixels: Any, logits: Any, expected: Any
) -> Any:
    chunk = 64
    weights = nngen.export_ndarray([logits], chunk)

    def behind(address: int, size: int) -> int:
        return math.ceil((address + size) / chunk) * chunk

    weight_address = behind(image.addr, image.memory_size)
    check_address = behind(weight_address, len(weights))
    scratch = behind(check_address, logits.memory_size)
    words = 1 << 19
    memory = np.zeros(words, np.int64)
    axi.set_memory(memory, pixels, MEMORY_BITS, 8, image.addr, image.get_word_alignment())
    axi.set_memory(memory, weights, MEMORY_BITS, 8, weight_address)
    axi.set_memory(memory, expected, MEMORY_BITS, 8, check_address, logits.get_word_alignment())

    bench = Module("test")
    bench.copy_params(accelerator)
    ports = bench.copy_sim_ports(accelerator)
    clock, resetn = ports["CLK"], ports["RESETN"]
    reset = bench.Wire("RST")
    reset.assign(Not(resetn))
    outside = axi.AxiMemoryModel(
        bench,
        "memory",
        clock,
        reset,
        datawidth=options.bus_bits,
        mem_addrwidth=int(math.log2(words * MEMORY_BITS // 8)),
        memimg=memory,
        memimg_name=str(folder.resolve() / "memory.txt"),
        memimg_datawidth=MEMORY_BITS,
    )
    outside.connect(ports, "maxi")
    control = vthread.AXIMLite(bench, "_saxi", clock, reset, noio=True)
    control.connect(ports, "saxi")
    counter = bench.Reg("time_counter", 32, initval=0)
    Seq(bench, "seq", clock, reset)(counter.inc())

    def play() -> None:  # veriloggen turns this function into a state machine
        for _ in range(100):
            pass
        nngen.sim.set_global_addrs(control, scratch)
        start = counter.value
        nngen.sim.start(control)
        nngen.sim.wait(control)
        end = counter.value
        print("execution cycles:", end - start)
        right = True
        for channel in range(logits.shape[1]):
            came = outside.read_word(channel, logits.addr, 8)
            wanted = outside.read_word(channel, check_address, 8)
            if vthread.verilog.NotEql(came, wanted):
                print("channel", channel, "is", came, "not", wanted)
                right = False
        if right:
            print("verify: PASSED")
        vthread.finish()

    vthread.Thread(bench, "play", clock, reset, play).start()
    bench.Instance(accelerator, "dut", params=bench.connect_params(accelerator), ports=bench.connect_ports(accelerator))
    simulation.setup_clock(bench, clock, hperiod=5)
    start = simulation.setup_reset(bench, resetn, bench.make_reset(), period=100, polarity="low")
    start.add(Delay(PATIENCE), Systask("finish"))
    return bench

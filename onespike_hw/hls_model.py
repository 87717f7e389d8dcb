"""Runs the emitted HLS C++ here: compiled with g++, called from Python, like hls4ml's compile() and predict().

    model = hls_model.build("build/pynq")
    result = model.predict(x)        # .logits, .codes, .iterations, .estimated_cycles

The headers ap_int.h and hls_stream.h are those that hls4ml ships (pip install 'onespike-hw[hls]'); no tool of a vendor
is needed.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onespike_hw import golden
from onespike_hw.codegen.hls import channels_last
from onespike_hw.errors import SimulatorError
from onespike_hw.golden.streamed import all_codes, image_logits
from onespike_hw.network import Int64, Network, load

STANDARD = "-std=c++14"
WARNINGS = ("-Wall", "-Wextra", "-Wno-unknown-pragmas", "-Wno-uninitialized", "-Wno-maybe-uninitialized")
"""HLS pragmas mean nothing to g++; the constructor of ap_int reads the value that it is about to set."""
SANITIZERS = ("-std=c++20", "-O0", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
"""ap_int shifts negative numbers to the left, which is defined from C++20 on."""

_BATCH = 64
_COMPLAINTS = {
    1: "last is not with the last logit of an image",
    2: "a stream was read while empty, or not to its end",
}


@dataclass(frozen=True)
class Prediction:
    """What the C model computed.

    logits      int64 [N, classes], or [N, C, H, W] where it is a map of more than one position; [N, nodes, classes]
    codes       layer name -> uint8 phase codes [N, C, H, W], [N, C] or [N, C, nodes], as golden.run gives them
    iterations  layer name, or "input" -> int64 [N]: iterations that the layer's busiest process spent in its loops of
                II = 1. The processes of a layer (line buffer, dealer, and a few for each engine) run side by side;
                over a graph, the edges come behind the nodes, and both count
    """

    logits: Int64
    codes: dict[str, NDArray[np.uint8]]
    iterations: dict[str, Int64]

    @property
    def estimated_cycles(self) -> Int64:
        """Estimate: clocks from image to image if every loop reaches II = 1 and no stream makes its writer wait; [N].

        The iterations of the busiest process of all. What fills a pipeline at the start of a loop is not counted.
        """
        cycles: Int64 = np.stack(list(self.iterations.values())).max(axis=0)
        return cycles


class CModel:
    """The compiled C++ of a network."""

    def __init__(self, net: Network, library: Path, layout: dict[str, Any]) -> None:
        """net: the network; library: the shared library made of model/wrapper.cpp; layout: model/model.json."""
        self.net = net
        self._layout = layout
        self._run = ctypes.CDLL(str(library)).onespike_run
        self._run.restype = ctypes.c_int
        self._run.argtypes = [ctypes.c_void_p, ctypes.c_longlong, *[ctypes.c_void_p] * 3]

    def predict(self, x: NDArray[Any]) -> Prediction:
        """Run a batch.

        x     float batch as the ANN takes it, or input integers, [N, *net.input_shape]
        Raises InputError for another batch, SimulatorError for an empty one, and where streams of the C++ do not fit.
        """
        integers = golden.quantize_input(self.net, x)
        if len(integers) == 0:
            raise SimulatorError("no images; give at least one")
        parts = [self._predict(integers[first : first + _BATCH]) for first in range(0, len(integers), _BATCH)]
        return Prediction(
            np.concatenate([part.logits for part in parts]),
            {name: np.concatenate([part.codes[name] for part in parts]) for name in parts[0].codes},
            {name: np.concatenate([part.iterations[name] for part in parts]) for name in parts[0].iterations},
        )

    def _predict(self, integers: Int64) -> Prediction:
        images, net = len(integers), self.net
        streams, stages = self._layout["streams"], self._layout["stages"]
        sizes = [stream["channels"] * stream["height"] * stream["width"] for stream in streams]
        values = np.ascontiguousarray(channels_last(net, integers))
        logits = np.empty((images, int(np.prod(net.layers[-1].shape))), np.int64)
        codes = np.empty((images, sum(sizes)), np.uint8)
        iterations = np.empty((images, len(stages)), np.int64)
        failure = self._run(values.ctypes.data, images, logits.ctypes.data, codes.ctypes.data, iterations.ctypes.data)
        if failure:
            raise SimulatorError(f"the C model is broken: {_COMPLAINTS[failure]}")
        streamed = {}
        for stream, end, size in zip(streams, np.cumsum(sizes), sizes, strict=True):
            part = codes[:, end - size : end]
            maps = part.reshape(images, stream["height"], stream["width"], stream["channels"]).transpose(0, 3, 1, 2)
            streamed[stream["layer"]] = maps.reshape(images, *net.shape_of(stream["layer"]))
        spent: dict[str, Int64] = {}
        for i, stage in enumerate(stages):
            spent[stage] = spent.get(stage, np.zeros(images, np.int64)) + iterations[:, i]
        return Prediction(image_logits(net, logits, images), all_codes(net, streamed), spent)


def build(folder: str | Path, work: str | Path | None = None, *, optimize: str = "-O2") -> CModel:
    """Compile the C++ under hls/ of a design's folder, and load it.

    work      folder that keeps the library, so that the next call need not compile; None: a temporary one
    optimize  optimization level of the compiler
    Raises SimulatorError where the compiler or hls4ml's headers are missing, or the C++ does not compile.
    """
    hls = _project(Path(folder))
    arguments = ["-shared", "-fPIC", "-DONESPIKE_MODEL", str(hls / "model" / "wrapper.cpp")]
    with _work_folder(work) as place:
        library = _compile(hls, arguments, (STANDARD, optimize), place, "onespike-model")
        return CModel(load(Path(folder) / "network.onespike"), library, json.loads(_read(hls / "model" / "model.json")))


def run_bench(folder: str | Path, work: str | Path | None = None, flags: Sequence[str] = (STANDARD, "-O1")) -> str:
    """Compile and run the emitted test bench (hls/tb/tb.cpp), as csim of Vitis HLS does; returns what it says.

    flags   of the compiler, such as SANITIZERS
    Raises SimulatorError where it does not compile, or finds a difference.
    """
    hls = _project(Path(folder))
    sources = ["-include", "onespike_top.cpp", str(hls / "tb" / "tb.cpp")]  # in one: half the time
    with _work_folder(work) as place:
        program = _compile(hls, sources, flags, place, "onespike-bench")
        done = subprocess.run([program, str(hls / "tb")], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SimulatorError(f"{folder}: the test bench failed: {_tail(done.stdout + done.stderr)}")
    return done.stdout


def find_compiler() -> str:
    """The C++ compiler: $CXX, else g++. SimulatorError where it is missing or knows no C++14."""
    name = os.environ.get("CXX") or "g++"
    found = shutil.which(name)
    if found is None:
        raise SimulatorError(f"{name}: no such compiler on PATH; `apt-get install g++` brings one, or set CXX")
    probe = [found, STANDARD, "-fsyntax-only", "-x", "c++", "-"]
    done = subprocess.run(
        probe, input='static_assert(__cplusplus >= 201402L, "");', capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SimulatorError(f"{found}: too old, it does not take {STANDARD}; use g++ 5 or newer, or set CXX")
    return found


def find_headers() -> Path:
    """Folder of ap_int.h and hls_stream.h in hls4ml, which is looked up, not imported. SimulatorError without it."""
    spec = importlib.util.find_spec("hls4ml")
    if spec is None or spec.origin is None:
        raise SimulatorError("hls4ml: not installed, and its ap_int.h is needed; `pip install 'onespike-hw[hls]'`")
    headers = Path(spec.origin).parent / "templates" / "vivado" / "ap_types"
    if not (headers / "ap_int.h").exists():
        raise SimulatorError(f"hls4ml: {headers} holds no ap_int.h; `pip install 'hls4ml>=1.3'` brings it")
    return headers


def _project(folder: Path) -> Path:
    hls = folder.resolve() / "hls"
    if not (hls / "src" / "onespike_top.cpp").exists():
        raise SimulatorError(f"{folder}: holds no C++ under hls/; generate it with backend='hls'")
    return hls


@contextlib.contextmanager
def _work_folder(work: str | Path | None) -> Iterator[Path]:
    if work is None:
        with tempfile.TemporaryDirectory(prefix="onespike-") as temporary:
            yield Path(temporary)
        return
    Path(work).mkdir(parents=True, exist_ok=True)
    yield Path(work).resolve()


def _compile(hls: Path, arguments: Sequence[str], flags: Sequence[str], work: Path, name: str) -> Path:
    """Compile, unless `work` holds the result of the same sources, flags and compiler."""
    compiler = find_compiler()
    includes = [f"-I{hls / 'src'}", f"-I{hls / 'tb'}", "-isystem", str(find_headers())]
    command = [compiler, *flags, *WARNINGS, *includes, *arguments]
    target = work / f"{name}-{_fingerprint(hls, command)}"
    if target.exists():
        return target
    with tempfile.TemporaryDirectory(dir=work) as aside:
        made = Path(aside) / name
        done = subprocess.run([*command, "-o", str(made)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SimulatorError(f"{compiler} failed: {_tail(done.stderr)}")
        os.replace(made, target)
    return target


def _fingerprint(hls: Path, command: Sequence[str]) -> str:
    digest = hashlib.sha256("\0".join(command).encode())
    for path in sorted(hls.rglob("*")):
        if path.suffix in (".h", ".cpp"):
            digest.update(f"{path.relative_to(hls)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _tail(text: str) -> str:
    return " | ".join(text.strip().splitlines()[-8:]) or "no output"

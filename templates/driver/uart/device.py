"""The accelerator at a serial port: checks it, loads its weights where it needs that, and sends images."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path

import numpy as np
from onespike.errors import AcceleratorFault, DriverError, TimedOut, WrongDesign
from onespike.network import Network
from onespike.protocol import (
    ANSWER,
    ANSWERS,
    CHECK_BYTES,
    ERROR,
    FAULTS,
    IMAGE,
    INFO,
    LOAD,
    REQUEST,
    Answer,
    frame,
    is_whole,
)

WINDOW = 2
"""Images under way at a time: one on the line while the one before it is computed."""
BREAK_SECONDS = 0.03
"""Long enough for what is still in the USB bridge to come out."""
TRIES = 2
"""A bridge that cannot send a break leaves a request open: it swallows the first query, and is cut by a pause."""
ADDRESS_BYTES = 3


class OneSpike:
    """A network on the board.

    port     name of the serial port, such as /dev/ttyUSB0 or COM3
    timeout  seconds in which an answer must come
    baud     bits a second; None: those that the chip was made for

    Raises WrongDesign where the board holds another accelerator than the one that this driver was made for, TimedOut
    where nothing answers.
    """

    def __init__(self, port: str, timeout: float = 2.0, baud: int | None = None) -> None:
        import serial

        self.network = Network.load()
        self._line = serial.Serial(port, baud or self.network.facts["baud"], timeout=timeout)
        self._port, self._timeout, self._sequence = port, timeout, 0
        self.reset()
        self._check_design()
        self._load_weights()

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
        except DriverError:
            self.reset()
            raise

    def info(self) -> dict[str, int]:
        """What the chip says of itself, by name."""
        return self._parse_info(self._ask(INFO))

    def benchmark(self, images: np.ndarray, repeat: int = 1) -> dict[str, float]:
        """Run a batch `repeat` times; returns images a second."""
        integers, begin = self.network.quantize(images), time.monotonic()
        for _ in range(repeat):
            self.logits(integers)
        return {"images_per_second": repeat * len(integers) / (time.monotonic() - begin)}

    def reset(self) -> None:
        """Drop all that is under way, on the board and on the line; weights stay loaded."""
        self._line.send_break(BREAK_SECONDS)
        self._line.reset_input_buffer()
        for left in reversed(range(TRIES)):
            sequence = self._send(INFO)
            try:
                while not self._is_answered(sequence):
                    pass
                return
            except TimedOut:
                if not left:
                    raise

    def _is_answered(self, sequence: int) -> bool:
        """Is the next answer the one to this query? Answers to earlier ones, or what is left of them, are not."""
        try:
            answer = self._receive()
        except AcceleratorFault:
            return False
        return answer.kind == ANSWERS[INFO] and answer.sequence == sequence

    def close(self) -> None:
        """Give the port back."""
        self._line.close()

    # images

    def _run(self, integers: np.ndarray) -> np.ndarray:
        """An image is on its way while the one before it is computed."""
        pixels = np.zeros(self.network.image_bytes, np.uint8)
        window = WINDOW if self.network.result_bytes <= self.network.image_bytes else 1
        waiting: deque[int] = deque()
        results = []
        for number in range(len(integers)):
            if len(waiting) == window:
                results.append(self._logits_of(waiting.popleft()))
            self.network.pack(integers[number : number + 1], pixels)
            waiting.append(self._send(IMAGE, pixels.tobytes()))
        results += [self._logits_of(sequence) for sequence in waiting]
        return np.concatenate([np.zeros((0, *self.network.logit_shape), np.int64), *results])

    def _logits_of(self, sequence: int) -> np.ndarray:
        return self.network.unpack(np.frombuffer(self._answer(IMAGE, sequence), np.uint8), 1)

    # weights

    def _load_weights(self) -> None:
        chunk = self.network.facts["load_chunk"]
        if not self.network.facts["load_bytes"]:
            return
        weights = Path(__file__).with_name("weights.bin").read_bytes()
        for start in range(0, len(weights), chunk):
            self._ask(LOAD, start.to_bytes(ADDRESS_BYTES, "little") + weights[start : start + chunk])
        if not self.info()["loaded"]:
            raise AcceleratorFault(f"{self._port}: the weights were sent, but the board does not have them; try again")

    # requests and answers

    def _ask(self, command: int, payload: bytes = b"") -> bytes:
        return self._answer(command, self._send(command, payload))

    def _send(self, command: int, payload: bytes = b"") -> int:
        self._sequence = (self._sequence + 1) % 256
        self._line.write(frame(REQUEST, command, self._sequence, payload))
        return self._sequence

    def _answer(self, command: int, sequence: int) -> bytes:
        """The payload of the answer to a request."""
        answer = self._receive()
        if answer.kind == ERROR:
            code = answer.payload[0]
            fault = FAULTS.get(code, "an error code that this driver does not know")
            raise AcceleratorFault(f"{self._port}: code {code}, {fault}. The board was reset; send it again")
        if (answer.kind, answer.sequence) != (ANSWERS[command], sequence):
            raise AcceleratorFault(
                f"{self._port}: answer 0x{answer.kind:02x} to request {answer.sequence}, not 0x{ANSWERS[command]:02x} "
                f"to request {sequence}; is another program at this port?"
            )
        return answer.payload

    def _receive(self) -> Answer:
        """The next answer; AcceleratorFault where its bytes are not as they were sent."""
        while self._read(1, "an answer") != ANSWER:
            pass
        head = self._read(2, "an answer's head")
        size = self._payload_bytes(head[0])
        rest = self._read(size + CHECK_BYTES, "an answer's payload")
        if not is_whole(head + rest):
            raise AcceleratorFault(f"{self._port}: an answer has a wrong check sum; look at the cable, and try again")
        return Answer(head[0], head[1], rest[:size])

    def _payload_bytes(self, kind: int) -> int:
        sizes = {
            ANSWERS[INFO]: sum(size for _, size, _ in self.network.facts["info"]),
            ANSWERS[IMAGE]: self.network.result_bytes,
            ANSWERS[LOAD]: 0,
            ERROR: 1,
        }
        if kind not in sizes:
            raise AcceleratorFault(f"{self._port}: 0x{kind:02x} is no kind of answer; does the board run onespike-hw?")
        return sizes[kind]

    def _read(self, count: int, what: str) -> bytes:
        found = self._line.read(count)
        if len(found) < count:
            raise TimedOut(
                f"{self._port}: {what} did not come within {self._timeout:g} s; is the board programmed, and its port "
                f"at {self.network.facts['baud']} baud?"
            )
        return found

    # the design

    def _parse_info(self, payload: bytes) -> dict[str, int]:
        values, at = {}, 0
        for name, size, _ in self.network.facts["info"]:
            values[name] = int.from_bytes(payload[at : at + size], "little")
            at += size
        return values

    def _check_design(self) -> None:
        found = self.info()
        for name, _, wanted in self.network.facts["info"]:
            if wanted is not None and found[name] != wanted:
                raise WrongDesign(
                    f"{self._port}: {name} reads {found[name]}, this driver was made for {wanted}; "
                    "bitstream and driver must be of one emitted folder"
                )

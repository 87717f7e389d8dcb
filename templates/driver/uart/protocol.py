"""The bytes on the line: requests and answers, as docs/uart.md of onespike-hw describes them."""

from __future__ import annotations

from binascii import crc_hqx
from typing import NamedTuple

REQUEST, ANSWER = b"\xa5", b"\x5a"
INFO, IMAGE, LOAD = 0x01, 0x02, 0x03
ANSWERS = {INFO: 0x81, IMAGE: 0x82, LOAD: 0x83}
ERROR = 0xEE
CHECK_BYTES = 2

FAULTS = {
    1: "unknown command: bytes were lost, or the board holds another version",
    2: "wrong check sum: a byte changed on its way",
    3: "cut: the request stopped in the middle",
    4: "overrun: pixels came faster than the accelerator takes them",
    5: "misframed byte: a stop bit was low; do both ends use the same baud rate?",
    6: "not loaded: the weights of this network must be loaded first",
    7: "lost: a request came while the board was still busy with a faulty one",
}


class Answer(NamedTuple):
    """What came back: kind 0x81.. or ERROR, the sequence number of its request, and the payload."""

    kind: int
    sequence: int
    payload: bytes


def frame(start: bytes, head: int, sequence: int, payload: bytes = b"") -> bytes:
    """A request or an answer as it stands on the line."""
    body = bytes([head, sequence]) + payload
    return start + body + crc_hqx(body, 0xFFFF).to_bytes(CHECK_BYTES, "big")


def is_whole(body: bytes) -> bool:
    """Does a body, with its check sum, hold what was sent?"""
    return crc_hqx(body, 0xFFFF) == 0

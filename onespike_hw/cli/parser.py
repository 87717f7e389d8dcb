"""The arguments of every command."""

from __future__ import annotations

import argparse
from typing import Any

from onespike_hw import __version__
from onespike_hw.cli import boards, convert, evaluate, gen

_DESCRIPTION = "From a trained ReLU network to a verified single-spike accelerator for FPGAs."

_EPILOG = """\
examples:
  onespike-hw boards                                   which boards there are
  onespike-hw gen --board pynq                         the whole job with the shipped network
  onespike-hw eval --full                              accuracy on the 10,000 test images
  onespike-hw convert --model fashion-cnn -o my.onespike
  onespike-hw gen --network my.onespike --board zcu104 --out build/my

'onespike-hw COMMAND --help' tells all about a command.
"""

_MODELS = """\
--model takes a shipped network (fashion-cnn), or FILE.py:FUNCTION, where the function returns a trained
torch.nn.Module; the file is run as any Python program. Then --calibration must give a few hundred images as
the network takes them.
"""

_DATA = """\
--calibration takes a .npy file of images. --data takes a .npy file of images, or a .npz file with the arrays
`images` and `labels`: float as the network takes them, or, for a --network alone, input integers.
"""

_CONVERT_EPILOG = f"""\
{_MODELS}
examples:
  onespike-hw convert -o net.onespike
  onespike-hw convert --model my_net.py:trained --calibration images.npy -o net.onespike
  onespike-hw convert --timesteps 6 --base root --wait 2 -o fast.onespike
"""

_EVAL_EPILOG = f"""\
{_MODELS}
{_DATA}
examples:
  onespike-hw eval                                     the shipped network on the shipped images
  onespike-hw eval --full --timesteps 12               all 10,000 images, 12 phases
  onespike-hw eval --network net.onespike --data test.npz
"""

_GEN_EPILOG = f"""\
Converts the network, evaluates it, emits the accelerator, plays images through the emitted Verilog, and compares
every bit of every layer with the golden model. The exit code is 0 where all are equal, 1 where one is not, and 2
where something was refused.

{_MODELS}
{_DATA}
examples:
  onespike-hw gen --board pynq --out build/pynq
  onespike-hw gen --board my_board.toml --out build/mine --images 32
  onespike-hw gen --network net.onespike --data test.npz --board zcu104 --out build/net --force
"""

_BOARDS_EPILOG = """\
A board is a TOML file; --board takes the name of one listed here, or the path of your own (docs/boards.md).
"""


def make_parser() -> argparse.ArgumentParser:
    """The parser; what it returns has `run`, the command as a function of the arguments and a console."""
    parser = _Parser(prog="onespike-hw", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("--version", action="version", version=f"onespike-hw {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)

    command = commands.add_parser("convert", help="convert a trained network and save it", epilog=_CONVERT_EPILOG)
    _add_model(command, network=False)
    _add_conversion(command, base="optimal")
    command.add_argument("-o", "--out", required=True, metavar="FILE", help="the file to write, NAME.onespike")
    command.add_argument("--force", action="store_true", help="replace the file where it exists")
    command.set_defaults(run=convert.run)

    command = commands.add_parser("eval", help="accuracy, spikes and operations of a network", epilog=_EVAL_EPILOG)
    _add_model(command, network=True)
    _add_data(command)
    _add_conversion(command, base="optimal")
    command.set_defaults(run=evaluate.run)

    command = commands.add_parser("gen", help="emit a verified accelerator for a board", epilog=_GEN_EPILOG)
    command.add_argument("--board", default="pynq", help="name of a board, or path of a .toml file (pynq)")
    command.add_argument("--out", metavar="FOLDER", help="the folder to write (build/BOARD)")
    command.add_argument("--force", action="store_true", help="replace the folder where onespike-hw made it")
    command.add_argument("--backend", default="verilog", choices=["verilog"], help="what to emit (verilog)")
    command.add_argument(
        "--images", type=_count, default=8, metavar="N", help="images to play through the hardware (8)"
    )
    _add_model(command, network=True)
    _add_data(command)
    _add_conversion(command, base="root")
    command.set_defaults(run=gen.run)

    command = commands.add_parser("boards", help="list the boards", epilog=_BOARDS_EPILOG)
    command.set_defaults(run=boards.run)
    return parser


class _Parser(argparse.ArgumentParser):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **kwargs)


def _add_model(command: argparse.ArgumentParser, *, network: bool) -> None:
    group = command.add_argument_group("network")
    group.add_argument("--model", metavar="MODEL", help="a shipped network, or FILE.py:FUNCTION (fashion-cnn)")
    group.add_argument("--calibration", metavar="FILE", help="calibration images, .npy; for a model of your own")
    if network:
        group.add_argument(
            "--network",
            metavar="FILE",
            help="a network that convert saved, in place of converting; the accuracy of the ANN then needs --model too",
        )


def _add_data(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("images")
    choice = group.add_mutually_exclusive_group()
    choice.add_argument("--data", metavar="FILE", help=".npy or .npz (the shipped Fashion-MNIST images)")
    choice.add_argument(
        "--full",
        action="store_true",
        help="all 10,000 test images of Fashion-MNIST, from Debian's package dataset-fashion-mnist",
    )


def _add_conversion(command: argparse.ArgumentParser, *, base: str) -> None:
    group = command.add_argument_group("conversion")
    group.add_argument("--timesteps", type=int, default=8, metavar="T", help="phases in one period, 1..32 (8)")
    group.add_argument(
        "--base",
        type=_base,
        default=base,
        metavar="Q",
        help="optimal, root (the best of 2^(m/n): cheap in hardware), per-layer, or a number above 1 (%(default)s)",
    )
    group.add_argument("--wait", type=_wait, default="settled", metavar="W", help="phases a layer lags, or settled")
    group.add_argument("--start", type=int, default=0, help="phase 0 stands for Q^-START of the full scale (0)")
    group.add_argument("--weight-bits", type=int, default=8, metavar="BITS", help="2..8 (8)")
    group.add_argument("--input-bits", type=int, default=8, metavar="BITS", help="1..16 (8)")
    group.add_argument("--normalization", default="channel", help="full scales per channel or per layer (channel)")
    group.add_argument("--percentile", type=float, default=99.9, help="of the activations: the full scale (99.9)")
    group.add_argument("--no-threshold-shift", action="store_true", help="thresholds on the levels, not half-way")
    group.add_argument("--no-calibrate", action="store_true", help="the percentile itself, no least squares")


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is too few; use at least 1")
    return value


def _base(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text


def _wait(text: str) -> str | int:
    try:
        return int(text)
    except ValueError:
        return text

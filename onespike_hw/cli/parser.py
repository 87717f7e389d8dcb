"""The arguments of every command."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, TypeVar

from onespike_hw import __version__
from onespike_hw.cli import bitstream, boards, convert, evaluate, explore, gen, report, sim, verify
from onespike_hw.codegen.design import BACKENDS

_Item = TypeVar("_Item")

_DESCRIPTION = "From a trained ReLU network to a verified single-spike accelerator for FPGAs."

_EPILOG = """\
examples:
  onespike-hw boards                                   which boards there are
  onespike-hw gen --board pynq                         the whole job with the shipped network
  onespike-hw report build/pynq                        what was made, as a page to look at
  onespike-hw eval --full                              accuracy on the 10,000 test images
  onespike-hw convert --model fashion-cnn -o my.onespike
  onespike-hw gen --network my.onespike --board zcu104 --out build/my

'onespike-hw COMMAND --help' tells all about a command.
"""

_MODELS = """\
--model takes a shipped network (fashion-cnn; gcn-text, over a graph), or FILE.py:FUNCTION, where the function
returns a trained torch.nn.Module; the file is run as any Python program. Then --calibration must give a few
hundred images as the network takes them, or the features [nodes, C] of a network over a graph.
"""

_DATA = """\
--calibration takes a .npy file of images. --data takes a .npy file of images, or a .npz file with the arrays
`images` and `labels`: float as the network takes them, or, for a --network alone, input integers. Over a graph
images are [N, nodes, C], and labels [N, nodes], where nodes of label -1 are not judged.
"""

_BASES = "optimal, root (the best of 2^(m/n): cheap in hardware), per-layer, or a number above 1"

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
  onespike-hw eval --base root --wait-sweep            what neurons lose that do not wait
"""

_GEN_EPILOG = f"""\
Converts the network, evaluates it, emits the accelerator, plays images through the emitted Verilog, and compares
every bit of every layer with the golden model. The exit code is 0 where all are equal, 1 where one is not, and 2
where something was refused.

{_MODELS}
{_DATA}
examples:
  onespike-hw gen --board pynq --out build/pynq
  onespike-hw gen --board pynq --backend hls --out build/pynq-hls
  onespike-hw gen --board my_board.toml --out build/mine --images 32
  onespike-hw gen --network net.onespike --data test.npz --board zcu104 --out build/net --force

'onespike-hw report FOLDER' then draws network and accelerator as a page to look at; 'onespike-hw sim FOLDER' plays
more images.
"""

_SIM_EPILOG = """\
Plays images through an accelerator that gen emitted, and compares every bit of every layer with the golden model:
Verilog on a simulator, the C++ of --backend hls compiled with g++. The exit code is 0 where all are equal, 1 where one
is not, and 2 where something was refused.

--data takes a .npy file of images, or a .npz file with the array `images`: float as the network takes them, or
input integers.

examples:
  onespike-hw sim build/pynq
  onespike-hw sim build/pynq --images 100 --pause-in 0.3 --pause-out 0.3 --seed 7
  onespike-hw sim build/net --simulator icarus --data test.npz --images 2
  onespike-hw sim build/pynq-hls --images 300
"""

_VERIFY_EPILOG = """\
Plays many images through a Verilog design that gen emitted, and compares every bit of every layer with the golden
model, a chunk of images at a time. Chunks that were right are written down in the folder --work, so that a run that was
cut short (Ctrl-C) goes on where it stood; a changed design, image or golden model is compared anew. It stops at the
first difference and names layer, image, channel and pixel. The exit code is that of sim.

examples:
  onespike-hw verify build/pynq --full --images 1000
  onespike-hw verify build/net --data test.npz --images 5000 --chunk 20 --work build/net-verify
"""

_REPORT_EPILOG = f"""\
Writes one HTML file that needs nothing else: the network and the accelerator layer by layer, spikes, base and ladder,
weights, resources, and what goes in and comes out.

--data takes a .npy file of images, or a .npz file with the arrays `images` and `labels`: float as the network takes
them, or input integers.

--dense-twin sets the same trained network beside it, as an INT8 design of hls4ml, whose C model runs on the same
images: half a minute for the shipped network.

--paths lists the longest path of logic of each module, as yosys estimates it for the 7 series: minutes.
{_MODELS}
examples:
  onespike-hw report build/pynq                        writes build/pynq/report.html
  onespike-hw report build/net --data test.npz --out net.html
  onespike-hw report build/pynq --dense-twin --force
"""

_EXPLORE_EPILOG = f"""\
One row for each combination of what --timesteps, --base, --weight-bits and --board list: accuracy, spikes and SOPs by
the golden model; lanes, cycles and resources as the planner estimates them. What cannot be converted, or does not fit
a board, says so in its row.

{_MODELS}
{_DATA}
examples:
  onespike-hw explore
  onespike-hw explore --timesteps 4,6,8,12 --base root,1.5 --weight-bits 8,6 --csv points.csv
  onespike-hw explore --timesteps 8 --base root --board pynq,arty-a7-100,ulx3s-85f
"""

_BITSTREAM_EPILOG = """\
Calls the toolchain of the board, and says what is missing where it is not installed.

examples:
  onespike-hw bitstream build/pynq
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
    command.add_argument(
        "--wait-sweep",
        action="store_true",
        help="the same for every wait from 0 to T-1: accuracy, noise spikes of each layer, and phases to the logits",
    )
    command.set_defaults(run=evaluate.run)

    command = commands.add_parser("gen", help="emit a verified accelerator for a board", epilog=_GEN_EPILOG)
    command.add_argument("--board", default="pynq", help="name of a board, or path of a .toml file (pynq)")
    command.add_argument("--out", metavar="FOLDER", help="the folder to write (build/BOARD)")
    command.add_argument("--force", action="store_true", help="replace the folder where onespike-hw made it")
    command.add_argument(
        "--backend",
        default="verilog",
        choices=BACKENDS,
        help="what to emit: verilog, or hls, a Vitis HLS project (verilog)",
    )
    command.add_argument(
        "--images", type=_count, default=8, metavar="N", help="images to play through the hardware (8)"
    )
    _add_model(command, network=True)
    _add_data(command)
    _add_conversion(command, base="root")
    _add_goal(command)
    command.set_defaults(run=gen.run)

    command = commands.add_parser("sim", help="play images through an emitted accelerator", epilog=_SIM_EPILOG)
    _add_folder(command)
    command.add_argument("--images", type=_count, default=8, metavar="N", help="how many of them to play (8)")
    command.add_argument("--simulator", choices=["verilator", "icarus"], help="for Verilog (verilator)")
    command.add_argument("--pause-in", type=_chance, default=0.0, metavar="P", help="chance of a pause in a clock (0)")
    command.add_argument("--pause-out", type=_chance, default=0.0, metavar="P", help="the same for the sink (0)")
    command.add_argument("--seed", type=int, default=1, help="of the pauses (1)")
    command.add_argument("--work", metavar="FOLDER", help="keep the built simulator there, for the next time")
    _add_data(command)
    command.set_defaults(run=sim.run)

    command = commands.add_parser("verify", help="compare many images, resumably", epilog=_VERIFY_EPILOG)
    _add_folder(command)
    command.add_argument("--images", type=_count, default=300, metavar="N", help="how many to compare, at most (300)")
    command.add_argument("--simulator", choices=["verilator", "icarus"], default="verilator", help="(verilator)")
    command.add_argument("--chunk", type=_count, default=50, metavar="N", help="images played in one go (50)")
    command.add_argument("--jobs", type=_count, default=2, metavar="N", help="chunks side by side (2)")
    command.add_argument("--work", metavar="FOLDER", help="of the simulator and the chunks (FOLDER-verify)")
    _add_data(command)
    command.set_defaults(run=verify.run)

    command = commands.add_parser("report", help="draw an emitted accelerator as a page", epilog=_REPORT_EPILOG)
    _add_folder(command)
    command.add_argument("--out", metavar="FILE", help="the file to write (FOLDER/report.html)")
    command.add_argument("--force", action="store_true", help="replace the file where it exists")
    command.add_argument("--images", type=_count, default=300, metavar="N", help="how many to count on, at most (300)")
    _add_data(command)
    command.add_argument("--dense-twin", action="store_true", help="beside the trained network as hls4ml makes it")
    command.add_argument("--paths", action="store_true", help="with the longest paths of logic, by yosys, for xc7")
    _add_model(command, network=False)
    command.set_defaults(run=report.run)

    command = commands.add_parser("bitstream", help="make the bitstream", epilog=_BITSTREAM_EPILOG)
    _add_folder(command)
    command.set_defaults(run=bitstream.run)

    command = commands.add_parser("explore", help="compare conversions and boards", epilog=_EXPLORE_EPILOG)
    command.add_argument(
        "--board", type=_list_of(str), default=["pynq"], metavar="NAME,..", help="names or .toml files (pynq)"
    )
    command.add_argument("--images", type=_count, default=300, metavar="N", help="how many to count on, at most (300)")
    command.add_argument("--csv", metavar="FILE", help="write the table there, too")
    command.add_argument("--force", action="store_true", help="replace the file where it exists")
    _add_model(command, network=False)
    _add_data(command)
    _add_choices(command)
    command.set_defaults(run=explore.run)

    command = commands.add_parser("boards", help="list the boards", epilog=_BOARDS_EPILOG)
    command.set_defaults(run=boards.run)
    return parser


class _Parser(argparse.ArgumentParser):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **kwargs)


def _add_model(command: argparse.ArgumentParser, *, network: bool) -> None:
    group = command.add_argument_group("network")
    group.add_argument("--model", metavar="MODEL", help="a shipped network, or FILE.py:FUNCTION (fashion-cnn)")
    group.add_argument(
        "--calibration",
        metavar="PATH",
        help="calibration images, for a model of your own: .npy, or 500 of a folder as --data takes it",
    )
    group.add_argument(
        "--image-size", type=int, default=224, metavar="N", help="rows and columns of --calibration's photographs (224)"
    )
    if network:
        group.add_argument(
            "--network",
            metavar="FILE",
            help="a network that convert saved, in place of converting; the accuracy of the ANN then needs --model too",
        )


def _add_folder(command: argparse.ArgumentParser) -> None:
    command.add_argument("folder", metavar="FOLDER", help="what gen wrote, as build/pynq")


def _add_data(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("images")
    choice = group.add_mutually_exclusive_group()
    choice.add_argument(
        "--data",
        metavar="PATH",
        help=".npy or .npz; the folder of CIFAR-10's or CIFAR-100's Python batches; a folder with a folder of "
        "photographs for each class, as ImageNet has (the shipped Fashion-MNIST images). Pixels of folders are 0..1, "
        "or (pixel - mean) / std with --input-mean and --input-std",
    )
    choice.add_argument(
        "--full",
        action="store_true",
        help="all 10,000 test images of Fashion-MNIST, from Debian's package dataset-fashion-mnist",
    )
    group.add_argument("--limit", type=int, metavar="N", help="images of a folder at most, taken evenly (all)")


def _add_goal(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("planning")
    group.add_argument("--target-fps", type=float, metavar="N", help="the cheapest for N images a second (fastest)")
    group.add_argument("--lanes", type=int, metavar="N", help="weights that may be added in a clock, at most")
    group.add_argument("--utilisation", type=float, metavar="SHARE", help="of the board that may be used, 0..1")


def _add_conversion(command: argparse.ArgumentParser, *, base: str) -> None:
    group = command.add_argument_group("conversion")
    group.add_argument("--timesteps", type=int, default=8, metavar="T", help="phases in one period, 1..32 (8)")
    group.add_argument("--base", type=_float_or_word, default=base, metavar="Q", help=f"{_BASES} ({base})")
    group.add_argument("--weight-bits", type=int, default=8, metavar="BITS", help="2..8 (8)")
    _add_other_conversion(group)


def _add_choices(command: argparse.ArgumentParser) -> None:
    """The same options, where those that explore varies take lists."""
    group = command.add_argument_group("conversion")
    group.add_argument(
        "--timesteps", type=_list_of(int), default=[4, 6, 8], metavar="T,..", help="phases in one period (4,6,8)"
    )
    group.add_argument(
        "--base",
        type=_list_of(_float_or_word),
        default=["root", "optimal"],
        metavar="Q,..",
        help=f"{_BASES} (root,optimal)",
    )
    group.add_argument("--weight-bits", type=_list_of(int), default=[8], metavar="BITS,..", help="2..8 (8)")
    _add_other_conversion(group)


def _add_other_conversion(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--wait", type=_int_or_word, default="settled", metavar="W", help="phases a layer lags, or settled"
    )
    group.add_argument(
        "--start", type=_int_or_word, default=0, help="phase 0 stands for Q^-START of the full scale, or optimal (0)"
    )
    group.add_argument("--input-bits", type=int, metavar="BITS", help="1..16 (8; 1 for gcn-text)")
    group.add_argument(
        "--input-spikes", default="many", help="many: an input value is exact; one: a single spike (many)"
    )
    group.add_argument(
        "--input-range",
        type=_list_of(float),
        metavar="LOW,HIGH",
        help="that pixels can have, as 0,255 or, with a sign, --input-range=-1,1 (what the calibration images have)",
    )
    group.add_argument(
        "--input-mean",
        type=_list_of(float),
        metavar="MEAN,..",
        help="one a channel, where the model takes (pixel - mean) / std; the accelerator then takes the pixels",
    )
    group.add_argument("--input-std", type=_list_of(float), metavar="STD,..", help="the same for the deviation")
    group.add_argument(
        "--sparsity",
        type=_float_or_word,
        default="free",
        metavar="SHARE",
        help="weak activations stay silent as far as the squared error of the logits grows by this share, 0..1; "
        "free: as far as costs no accuracy (free)",
    )
    group.add_argument("--normalization", default="channel", help="full scales per channel or per layer (channel)")
    group.add_argument("--percentile", type=float, default=99.9, help="of the activations: the full scale (99.9)")
    group.add_argument("--no-threshold-shift", action="store_true", help="thresholds on the levels, not half-way")
    group.add_argument("--no-calibrate", action="store_true", help="the percentile itself, no least squares")
    group.add_argument("--no-refit", action="store_true", help="weights as trained, not fitted to the codes they read")


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is too few; use at least 1")
    return value


def _chance(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{value:g} is no chance; use 0 to 0.99")
    return value


def _list_of(item: Callable[[str], _Item]) -> Callable[[str], list[_Item]]:
    def items(text: str) -> list[_Item]:
        try:
            return [item(part) for part in text.split(",")]
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text!r} is no list such as 4,6,8 ({error})") from error

    return items


def _float_or_word(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text


def _int_or_word(text: str) -> str | int:
    try:
        return int(text)
    except ValueError:
        return text

"""The command line, as a user types it."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import onespike_hw as oh
from onespike_hw import cli, golden
from onespike_hw.cli import boards, figures
from onespike_hw.cli.parser import make_parser
from onespike_hw.codegen.folder import read_marker
from tests.networks import build, conv, flatten, linear, maxpool, random_inputs

MODEL = """
import torch

def trained():
    torch.manual_seed(1)
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(2), torch.nn.Flatten(), torch.nn.Linear(16, 3)
    )

def text():
    return "not a network"
"""


@dataclasses.dataclass
class Files:
    """A network, images and labels for it, and a model with calibration images, on disk."""

    network: str
    data: str
    model: str
    calibration: str
    net: oh.Network
    images: NDArray[np.int64]
    labels: NDArray[np.int64]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("cli")
    rng = np.random.default_rng(7)
    net = build(rng, (1, 6, 6), [conv(4, 3), maxpool(2), flatten(), linear(3)])
    net.save(folder / "net.onespike")
    images = random_inputs(rng, net, 10)
    labels = rng.integers(0, 3, 10)
    np.savez(folder / "data.npz", images=images, labels=labels)
    (folder / "tiny.py").write_text(MODEL)
    np.save(folder / "calibration.npy", rng.random((64, 1, 6, 6), np.float32))
    return Files(
        str(folder / "net.onespike"),
        str(folder / "data.npz"),
        str(folder / "tiny.py:trained"),
        str(folder / "calibration.npy"),
        net,
        images,
        labels,
    )


def refused(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    """The one line on standard error of a command that is refused."""
    assert cli.main(argv) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("onespike-hw: error: ")
    return line


def test_gen_ends_in_bit_exact(files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "build" / "mine"
    assert cli.main(["gen", "--network", files.network, "--data", files.data, "--out", str(out), "--images", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "bit-exact"
    text = "\n".join(lines)
    share = 100 * np.mean(golden.run(files.net, files.images).predictions == files.labels)
    assert f"SNN INT8 {share:.2f} %" in text
    assert "codes and logits of 4 layers, 3 images, on verilator" in text
    assert re.search(r"^cycles +[1-9][\d,]* an image", text, re.MULTILINE)
    assert re.search(r"^lanes +[1-9]", text, re.MULTILINE)
    assert re.search(r"^memory +[1-9][\d,]* bits", text, re.MULTILINE)
    assert str(out) in text
    assert len(lines) <= 24
    marker = read_marker(out)
    assert marker is not None
    assert marker["board"] == "pynq"


def test_gen_names_the_first_difference(
    files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In place of the simulator: the golden model, with one code of one image wrong."""

    def broken(design: oh.Design, x: NDArray[np.int64], simulator: str) -> oh.SimulationResult:
        run = golden.run(design.net, x)
        run.codes["conv1"][1, 2, 3, 0] ^= 1
        zeros = np.zeros(len(x), np.int64)
        return oh.SimulationResult(run.logits, run.codes, zeros, zeros)

    assert files.net.layers[0].name == "conv1"
    monkeypatch.setattr(oh, "simulate", broken)
    assert cli.main(["gen", "--network", files.network, "--data", files.data, "--out", str(tmp_path / "out")]) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert re.fullmatch(r"first difference: conv1, image 1, channel 2, y 3, x 0: expected .*, got .*", last)


def test_gen_looks_at_board_and_folder_before_it_works(
    files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refused(capsys, "gen", "--board", "nonsense", "--model", "nonsense", "--out", str(tmp_path / "out"))
    assert "board 'nonsense' is unknown; there are alveo-u250, arty-a7-100" in line
    (tmp_path / "thesis").mkdir()
    line = refused(capsys, "gen", "--model", "nonsense", "--out", str(tmp_path / "thesis"), "--force")
    assert "was not made by onespike-hw" in line


def test_convert_a_model_of_ones_own(files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "mine.onespike"
    command = ["convert", "--model", files.model, "--calibration", files.calibration, "--timesteps", "6"]
    assert cli.main([*command, "--base", "root", "--wait", "2", "-o", str(out)]) == 0
    text = capsys.readouterr().out
    assert "T = 6" in text
    assert "wait 2" in text
    net = oh.load(out)
    assert (net.timesteps, net.wait, net.layers[0].kind) == (6, 2, "conv")

    first = out.read_bytes()
    assert "exists; use --force" in refused(capsys, *command, "-o", str(out))
    assert out.read_bytes() == first
    assert cli.main([*command, "--base", "1.5", "-o", str(out), "--force"]) == 0
    assert oh.load(out).base == 1.5


def test_eval_of_ann_and_snn_on_the_shipped_images(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["eval"]) == 0
    text = capsys.readouterr().out
    found = re.search(r"^accuracy +ANN ([\d.]+) %, SNN INT8 ([\d.]+) %", text, re.MULTILINE)
    assert found
    ann, snn = float(found[1]), float(found[2])
    assert ann > 92
    assert abs(ann - snn) < 2
    assert re.search(r"against 4,729,728 multiplies an image", text)


def test_eval_of_a_network_alone(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["eval", "--network", files.network, "--data", files.data]) == 0
    text = capsys.readouterr().out
    assert "ANN" not in text
    run = golden.run(files.net, files.images)
    assert f"{sum(counts.mean() for counts in run.sops.values()):,.0f} SOPs" in text


def test_images_without_labels_have_no_accuracy(
    files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "images.npy", files.images)
    assert cli.main(["eval", "--network", files.network, "--data", str(tmp_path / "images.npy")]) == 0
    assert "not known: the images have no labels" in capsys.readouterr().out


def test_boards_lists_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["boards"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 11
    (pynq,) = [line for line in lines if line.startswith("pynq ")]
    for what in ("xc7z020clg400-1", "53,200", "5,040", "220", "vivado"):
        assert what in pynq


def examples() -> list[str]:
    parser = make_parser()
    (commands,) = [action for action in parser._actions if isinstance(action.choices, dict)]
    pages = [parser, *commands.choices.values()]  # type: ignore[union-attr]
    return [line for page in pages for line in (page.epilog or "").splitlines() if line.startswith("  onespike-hw ")]


def test_there_are_examples_for_every_command() -> None:
    assert {line.split()[1] for line in examples()} == {"boards", "convert", "eval", "gen"}


@pytest.mark.parametrize("line", examples())
def test_the_examples_of_the_help_are_right(line: str) -> None:
    command = line.strip().split("   ")[0]
    make_parser().parse_args(command.split()[1:])


@pytest.mark.parametrize("command", ["", "convert", "eval", "gen", "boards"])
def test_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        cli.main([*command.split(), "--help"])
    assert "usage: onespike-hw" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["eval", "--network", "nowhere.onespike"], "nowhere.onespike: cannot be read"),
        (["eval", "--network", "{network}"], "does not fit this network, which takes (1, 6, 6); give images"),
        (["eval", "--network", "{network}", "--data", "nowhere.npy"], "nowhere.npy: cannot be read (No such file"),
        (["eval", "--network", "{network}", "--data", "{model_file}"], "tiny.py: not a .npy or .npz file"),
        (["eval", "--network", "{network}", "--data", "{scalar}"], "images of shape () are no batch"),
        (["eval", "--network", "{network}", "--data", "{unnamed}"], "has x, but no array `images`"),
        (["eval", "--network", "{network}", "--data", "{mislabelled}"], "shape (3,) for 10 images"),
        (["eval", "--network", "{network}", "--model", "{model}", "--data", "{data}"], "give float images"),
        (["eval", "--timesteps", "0"], "timesteps: 0 is not an integer from 1 to 32"),
        (["eval", "--base", "nonsense"], "base: 'nonsense' is unknown"),
        (["eval", "--model", "nonsense"], "model 'nonsense' is unknown; there are fashion-cnn"),
        (["eval", "--model", "nowhere.py:trained"], "nowhere.py: no such Python file"),
        (["eval", "--model", "{model_file}:nothing"], "has no function 'nothing'"),
        (["eval", "--model", "{model_file}:text"], "returned a str"),
        (["eval", "--model", "{model}"], "needs calibration images; give --calibration"),
        (["convert", "-o", "."], ".: is a folder"),
        (["gen", "--board", "nowhere.toml"], "nowhere.toml: cannot be read"),
    ],
)
def test_bad_input_is_one_line_and_code_2(
    files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str], argv: list[str], says: str
) -> None:
    np.save(tmp_path / "scalar.npy", np.float32(1))
    np.savez(tmp_path / "unnamed.npz", x=files.images)
    np.savez(tmp_path / "mislabelled.npz", images=files.images, labels=files.labels[:3])
    places = {
        "network": files.network,
        "data": files.data,
        "model": files.model,
        "model_file": files.model.rpartition(":")[0],
        **{name: str(next(tmp_path.glob(f"{name}.*"))) for name in ("scalar", "unnamed", "mislabelled")},
    }
    assert says in refused(capsys, *(word.format(**places) for word in argv))


def test_a_missing_extra_says_how_to_get_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_torch(*_: object) -> int:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(boards, "run", without_torch)
    assert "pip install 'onespike-hw[convert]'" in refused(capsys, "boards")


def test_an_interrupt_has_no_traceback(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(boards, "run", interrupted)
    assert cli.main(["boards"]) == 130
    assert capsys.readouterr().err == "onespike-hw: interrupted\n"


def test_multiplies_are_counted_as_in_a_dense_network(files: Files) -> None:
    """conv1: 4 channels of 4 x 4, from 3 x 3 inputs; linear: 3 from 4 channels of 2 x 2."""
    assert {layer.kind: figures.multiplies(layer) for layer in files.net.layers} == {
        "conv": 4 * 4 * 4 * 9,
        "maxpool": 0,
        "flatten": 0,
        "linear": 3 * 4 * 2 * 2,
    }

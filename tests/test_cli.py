"""The command line, as a user types it."""

from __future__ import annotations

import csv
import dataclasses
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import onespike_hw as oh
from onespike_hw import cli, golden, resources
from onespike_hw.cli import boards
from onespike_hw.cli.parser import make_parser
from onespike_hw.codegen.folder import read_marker
from onespike_hw.report import figures
from tests.networks import add, build, conv, flatten, linear, maxpool, random_inputs

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
    """A network, its design, images and labels for it, and a model with calibration images, on disk."""

    network: str
    design: str
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
        str(oh.generate(net, out=folder / "design").path),
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

    def broken(design: oh.Design, x: NDArray[np.int64], **_: object) -> oh.SimulationResult:
        run = golden.run(design.net, x)
        run.codes["conv1"][1, 2, 3, 0] ^= 1
        zeros = np.zeros(len(x), np.int64)
        return oh.SimulationResult(run.logits, run.codes, zeros, zeros, 0)

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


def test_the_accelerator_takes_the_pixels_of_a_model_that_takes_normalised_images(
    files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pixels = np.load(files.calibration)
    np.save(tmp_path / "normalised.npy", (pixels - 0.25) / 0.5)
    out = tmp_path / "mine.onespike"
    command = ["convert", "--model", files.model, "--calibration", str(tmp_path / "normalised.npy"), "-o", str(out)]
    assert cli.main([*command, "--input-mean", "0.25", "--input-std", "0.5", "--input-range", "0,2"]) == 0
    net = oh.load(out)
    assert net.input_scale.tolist() == pytest.approx([2 / 255 / 0.5])
    assert net.input_zero_point.tolist() == [round(0.25 / 2 * 255)]
    assert cli.main(["eval", "--network", str(out), "--data", str(tmp_path / "normalised.npy")]) == 0
    text = capsys.readouterr().out
    assert re.search(r"^input +integers 0\.\.255; integer i stands for \(i - 31\.875\) \* 0\.01568", text, re.MULTILINE)
    assert cli.main([*command, "--force", "--input-range=-4,4", "--input-bits", "6"]) == 0
    assert (oh.load(out).input_signed, oh.load(out).input_bits) == (True, 6)


def test_sparsity_and_start_reach_the_conversion(files: Files, tmp_path: Path) -> None:
    out = tmp_path / "mine.onespike"
    command = ["convert", "--model", files.model, "--calibration", files.calibration, "-o", str(out), "--force"]

    def silent_share(*options: str) -> float:
        assert cli.main([*command, "--timesteps", "5", "--base", "1.5", *options]) == 0
        net = oh.load(out)
        return float((golden.run(net, np.load(files.calibration)).codes["0"] == net.timesteps).mean())

    assert silent_share("--sparsity", "1") > silent_share("--sparsity", "0")
    silent_share("--start", "optimal", "--no-calibrate", "--percentile", "90")
    assert oh.load(out).start in (0, 1)
    silent_share("--start", "2")
    assert oh.load(out).start == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--sparsity", "much"], "sparsity: 'much' is unknown"),
        (["--start", "late"], "start: 'late' is unknown"),
        (["--input-std", "0"], "input_std: channel 0 has 0"),
        (["--input-mean", "1,2"], "input_mean: has 2 numbers for 1 channels"),
        (["--input-range", "1"], "input_range: is [1.0]; give (low, high)"),
        (["--input-range", "0,0.5"], "outside of (0, 0.5)"),
    ],
)
def test_a_wrong_option_of_the_conversion_is_refused(
    options: list[str], message: str, files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["convert", "--model", files.model, "--calibration", files.calibration]
    assert message in refused(capsys, *command, *options, "-o", str(tmp_path / "net.onespike"))


def test_eval_of_all_three_on_the_shipped_images(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["eval"]) == 0
    text = capsys.readouterr().out
    found = re.search(r"^accuracy +ANN ([\d.]+) %, SNN ([\d.]+) %, SNN INT8 ([\d.]+) %", text, re.MULTILINE)
    assert found
    ann, snn, integer = map(float, found.groups())
    assert ann > 92
    assert abs(ann - snn) < 2
    assert abs(snn - integer) < 2
    assert re.search(r"against 4,729,728 multiplies an image", text)
    assert re.search(r"^input +integers 0\.\.255; integer i stands for i \* 0\.00392157, 0\.\.1;", text, re.MULTILINE)


def test_eval_of_a_network_alone(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["eval", "--network", files.network, "--data", files.data]) == 0
    text = capsys.readouterr().out
    assert "accuracy    ANN" not in text
    run = golden.run(files.net, files.images)
    assert f"{sum(counts.mean() for counts in run.sops.values()):,.0f} SOPs" in text


def test_a_sweep_over_the_waits(files: Files, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Four layers fire, one behind the other; each but the first lags w phases."""
    layers = [conv(4, 3, name="a"), conv(4, 3, padding=1, name="b"), conv(4, 3, 1, 1, name="c", charge=True)]
    layers += [add("c", "b", name="sum"), conv(4, 1, name="d"), flatten(), linear(3)]
    net = build(np.random.default_rng(3), (1, 6, 6), layers, timesteps=5)
    net.save(tmp_path / "net.onespike")
    command = ["eval", "--network", str(tmp_path / "net.onespike"), "--data", files.data, "--wait-sweep"]
    assert cli.main(command) == 0
    text = capsys.readouterr().out
    rows = re.findall(r"^ +(\d) +([\d.]+) % +([\d.,]+) +([\d.]+) % +(\d+)", text, re.MULTILINE)
    assert [(int(row[0]), int(row[4])) for row in rows] == [(w, 5 + 3 * w) for w in range(5)]
    hasty = golden.run(dataclasses.replace(net, wait=0), files.images)
    noise = {name: counts.mean() for name, counts in hasty.noise_spikes.items()}
    assert float(rows[0][1]) == pytest.approx(100 * np.mean(hasty.predictions == files.labels), abs=0.01)
    assert float(rows[0][2]) == pytest.approx(sum(noise.values()), abs=0.06)
    assert sum(noise.values()) > 1
    assert float(rows[4][2]) == 0
    for name, count in noise.items():
        (row,) = re.findall(rf"^{name} +([\d.,]+)", text, re.MULTILINE)
        assert float(row) == pytest.approx(count, abs=0.06)


def test_the_float_snn_has_the_options_of_the_network(
    files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In place of the float model: one that finds class 1 for every image, and notes its options."""
    asked: dict[str, object] = {}

    def found(model: object, calibration: object, images: NDArray[np.float32], **options: object) -> NDArray[np.int64]:
        asked.update(options)
        return np.ones(len(images), np.int64)

    monkeypatch.setattr("onespike_hw.convert.float_model.predict", found)
    images = np.random.default_rng(1).random((4, 1, 6, 6), np.float32)
    np.savez(tmp_path / "real.npz", images=images, labels=np.array([1, 1, 1, 2]))
    command = ["eval", "--model", files.model, "--calibration", files.calibration, "--data", str(tmp_path / "real.npz")]
    assert cli.main([*command, "--timesteps", "5", "--base", "root", "--no-threshold-shift"]) == 0
    assert "%, SNN 75.00 %, SNN INT8" in capsys.readouterr().out
    assert (asked["timesteps"], asked["base"], asked["threshold_shift"]) == (5, "root", False)


def test_a_network_that_was_converted_earlier_has_no_float_snn(
    files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = np.random.default_rng(1).random((4, 1, 6, 6), np.float32) * 0.1
    np.savez(tmp_path / "real.npz", images=images, labels=np.array([1, 1, 1, 2]))
    command = ["eval", "--network", files.network, "--model", files.model, "--data", str(tmp_path / "real.npz")]
    assert cli.main(command) == 0
    assert re.search(r"accuracy +ANN [\d.]+ %, SNN INT8", capsys.readouterr().out)


def test_images_without_labels_have_no_accuracy(
    files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "images.npy", files.images)
    assert cli.main(["eval", "--network", files.network, "--data", str(tmp_path / "images.npy")]) == 0
    assert "not known: the images have no labels" in capsys.readouterr().out


@pytest.fixture
def folder(files: Files, tmp_path: Path) -> Path:
    """An emitted design."""
    return oh.generate(files.net, out=tmp_path / "design").path


def test_sim_of_an_emitted_folder(files: Files, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["sim", str(folder), "--data", files.data, "--images", "3", "--simulator", "icarus"]
    assert cli.main(command) == 0
    text = capsys.readouterr().out
    assert text.splitlines()[-1] == "bit-exact"
    assert "codes and logits of 4 layers, 3 images, on icarus" in text
    found = re.search(r"^cycles +([\d,]+) an image, ([\d,]+) from the first pixel", text, re.MULTILINE)
    assert found
    assert cli.main([*command, "--pause-in", "0.9", "--pause-out", "0.5", "--seed", "3"]) == 0
    text = capsys.readouterr().out
    assert "pauses 0.9 in, 0.5 out, seed 3" in text
    slower = re.search(r"^cycles +([\d,]+) an image, ([\d,]+) from the first pixel", text, re.MULTILINE)
    assert slower
    assert int(slower[1].replace(",", "")) > int(found[1].replace(",", ""))


def test_sim_names_the_first_difference(files: Files, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One bit of one weight of conv1 is wrong."""
    memory = folder / "rtl" / "conv1_weights.hex"
    first, *others = memory.read_text()
    memory.write_text("".join([f"{int(first, 16) ^ 4:x}", *others]))
    assert cli.main(["sim", str(folder), "--data", files.data, "--simulator", "icarus"]) == 1
    assert re.match(r"first difference: conv1, image \d, channel \d", capsys.readouterr().out.splitlines()[-1])


def test_sim_keeps_the_simulator(files: Files, folder: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    command = ["sim", str(folder), "--data", files.data, "--simulator", "icarus", "--work", str(work)]
    assert cli.main(command) == 0
    assert (work / "tb.vvp").is_file()


def test_report_of_an_emitted_folder(files: Files, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["report", str(folder), "--data", files.data]
    assert cli.main(command) == 0
    page = folder / "report.html"
    assert str(page) in capsys.readouterr().out
    text = page.read_text()
    share = 100 * np.mean(golden.run(files.net, files.images).predictions == files.labels)
    assert f"<b>{share:.2f} %</b>" in text
    assert "on 10 images" in text

    assert "exists; use --force" in refused(capsys, *command)
    assert cli.main([*command, "--force", "--images", "2"]) == 0
    assert "on 2 images" in page.read_text()


def test_report_without_matplotlib_says_how_to_get_it(
    files: Files, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for name in ("page", "pictures"):
        monkeypatch.delitem(sys.modules, f"onespike_hw.report.{name}", raising=False)
        monkeypatch.delattr(f"onespike_hw.report.{name}", raising=False)
    assert "pip install 'onespike-hw[report]'" in refused(capsys, "report", str(folder), "--data", files.data)
    assert not (folder / "report.html").exists()


def test_explore_goes_on_where_something_does_not_fit(
    files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two numbers of phases, of which one cannot be had with this base, and two boards, of which one is too small."""
    small = (resources.boards() / "pynq.toml").read_text().replace("53_200", "900").replace('"pynq"', '"small"')
    (tmp_path / "small.toml").write_text(small)
    out = tmp_path / "points.csv"
    model = ["--model", files.model, "--calibration", files.calibration, "--data", files.data]
    varied = [
        "--timesteps",
        "4,32",
        "--base",
        "8",
        "--weight-bits",
        "8,5",
        "--board",
        f"pynq,{tmp_path / 'small.toml'}",
    ]
    assert cli.main(["explore", *model, *varied, "--images", "6", "--csv", str(out)]) == 0
    head, *rows = capsys.readouterr().out.splitlines()[1:]
    assert head.split()[:8] == ["T", "base", "Q", "bits", "board", "accuracy", "spikes", "SOPs"]
    assert sum("small: the network does not fit" in row for row in rows) == 2

    points = list(csv.DictReader(out.open()))
    assert [(p["timesteps"], p["weight_bits"], p["board"]) for p in points] == [
        (t, bits, board) for t in ("4", "32") for bits in ("8", "5") for board in ("pynq", "small")
    ]
    fits, too_large, *_ = points
    assert float(fits["cycles"]) * float(fits["images_per_second"]) == pytest.approx(100e6)
    assert all(float(fits[name]) > 0 for name in ("lanes", "luts", "dsps", "sops", "spikes"))
    assert (too_large["accuracy"], too_large["sops"], too_large["cycles"]) == (fits["accuracy"], fits["sops"], "")
    assert all("the constants vanish" in p["note"] and p["sops"] == "" for p in points if p["timesteps"] == "32")

    convert = ["convert", "--model", files.model, "--calibration", files.calibration, "--timesteps", "4", "--base", "8"]
    assert cli.main([*convert, "--weight-bits", "5", "-o", str(tmp_path / "net.onespike")]) == 0
    run = golden.run(oh.load(tmp_path / "net.onespike"), files.images[:6])
    assert float(points[2]["accuracy"]) == np.mean(run.predictions == files.labels[:6])
    assert float(points[2]["sops"]) == pytest.approx(sum(counts.mean() for counts in run.sops.values()))


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
    assert {line.split()[1] for line in examples()} == {
        *("boards", "convert", "eval", "gen", "sim", "verify", "report", "bitstream", "explore")
    }


@pytest.mark.parametrize("line", examples())
def test_the_examples_of_the_help_are_right(line: str) -> None:
    command = line.strip().split("   ")[0]
    make_parser().parse_args(command.split()[1:])


COMMANDS = ["", "convert", "eval", "gen", "sim", "verify", "report", "bitstream", "explore", "boards"]


@pytest.mark.parametrize("command", COMMANDS)
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
        (["sim", "nowhere"], "nowhere: holds no design; make one with onespike-hw gen"),
        (["report", "nowhere"], "nowhere: holds no design; make one with onespike-hw gen"),
        (["report", "{design}"], "does not fit this network, which takes (1, 6, 6); give images"),
        (["report", "{design}", "--data", "{data}", "--out", "nowhere/x.html"], "nowhere/x.html: cannot be written"),
        (["report", "{design}", "--out", "."], ".: is a folder"),
        (["explore", "--board", "pynq,nonsense"], "board 'nonsense' is unknown; there are"),
        (["explore", "--csv", "{data}"], "data.npz: exists; use --force"),
        (["explore", "--timesteps", "0,33"], "timesteps: 0 is not an integer from 1 to 32"),
    ],
)
def test_bad_input_is_one_line_and_code_2(
    files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str], argv: list[str], says: str
) -> None:
    np.save(tmp_path / "scalar.npy", np.float32(1))
    np.savez(tmp_path / "unnamed.npz", x=files.images)
    np.savez(tmp_path / "mislabelled.npz", images=files.images, labels=files.labels[:3])
    places = {
        "design": files.design,
        "network": files.network,
        "data": files.data,
        "model": files.model,
        "model_file": files.model.rpartition(":")[0],
        **{name: str(next(tmp_path.glob(f"{name}.*"))) for name in ("scalar", "unnamed", "mislabelled")},
    }
    assert says in refused(capsys, *(word.format(**places) for word in argv))


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["sim", "design", "--images", "0"], "0 is too few; use at least 1"),
        (["sim", "design", "--pause-in", "1"], "1 is no chance; use 0 to 0.99"),
        (["explore", "--timesteps", "4,six"], "'4,six' is no list such as 4,6,8"),
    ],
)
def test_bad_arguments_are_told_with_the_usage(capsys: pytest.CaptureFixture[str], argv: list[str], says: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(argv)
    assert says in capsys.readouterr().err


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

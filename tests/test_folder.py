"""The output folder: whole or not at all, and never someone else's."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from onespike_hw.codegen import folder
from onespike_hw.codegen.folder import MARKER, read_marker, write_folder
from onespike_hw.errors import OutputError

FILES = {"rtl/top.sv": "module top; endmodule\n", "weights/conv1.mem": b"\x00\xff"}


def tree(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_writes_every_file_and_the_marker(tmp_path: Path) -> None:
    out = write_folder(tmp_path / "build" / "pynq", FILES, marker={"board": "pynq"})
    assert tree(out).keys() == {"rtl/top.sv", "weights/conv1.mem", MARKER}
    assert (out / "rtl/top.sv").read_text() == FILES["rtl/top.sv"]
    assert (out / "weights/conv1.mem").read_bytes() == FILES["weights/conv1.mem"]
    assert read_marker(out) == {"format": "onespike-hw design", "version": 1, "board": "pynq"}
    assert os.listdir(tmp_path / "build") == ["pynq"]


def test_equal_arguments_give_equal_bytes_anywhere(tmp_path: Path) -> None:
    first = write_folder(tmp_path / "a", FILES, marker={"board": "pynq"})
    second = write_folder(tmp_path / "somewhere" / "else", FILES, marker={"board": "pynq"})
    assert tree(first) == tree(second)


def test_a_relative_path_is_taken_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert write_folder("out", FILES) == Path("out")
    assert (tmp_path / "out" / "rtl" / "top.sv").is_file()


def test_force_replaces_what_is_ours_and_leaves_nothing_of_it(tmp_path: Path) -> None:
    write_folder(tmp_path / "out", {"old.sv": "old"})
    write_folder(tmp_path / "out", FILES, force=True)
    assert tree(tmp_path / "out").keys() == {*FILES, MARKER}
    assert os.listdir(tmp_path) == ["out"]


def test_without_force_an_earlier_design_stays(tmp_path: Path) -> None:
    write_folder(tmp_path / "out", {"old.sv": "old"})
    before = tree(tmp_path)
    with pytest.raises(OutputError, match=r"out: holds an earlier design; use --force"):
        write_folder(tmp_path / "out", FILES)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("marker", [None, "{}", "not json", "[1]", '{"format": "another tool"}'])
def test_a_folder_that_is_not_ours_is_refused_even_with_force(tmp_path: Path, marker: str | None) -> None:
    mine = tmp_path / "thesis"
    mine.mkdir()
    (mine / "chapter1.tex").write_text("dear")
    if marker is not None:
        (mine / MARKER).write_text(marker)
    before = tree(tmp_path)
    with pytest.raises(OutputError, match="was not made by onespike-hw"):
        write_folder(mine, FILES, force=True)
    assert tree(tmp_path) == before


def test_an_empty_folder_is_not_ours_either(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(OutputError, match="was not made by onespike-hw"):
        write_folder(tmp_path / "out", FILES, force=True)


def test_a_file_or_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("dear")
    ours = write_folder(tmp_path / "ours", FILES)
    (tmp_path / "link").symlink_to(ours)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for name in ("file", "link", "dangling"):
        with pytest.raises(OutputError, match=f"{name}: exists and is not a folder"):
            write_folder(tmp_path / name, FILES, force=True)


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "", ".", "a//b", "a/", "a\\b", "./a"])
def test_paths_that_leave_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match="not a plain path inside the output folder"):
        write_folder(tmp_path / "build" / "out", {"good.sv": "", name: "evil"})
    assert not list(tmp_path.iterdir())


def test_the_marker_is_not_a_file_of_the_caller(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=MARKER):
        write_folder(tmp_path / "out", {MARKER: json.dumps({})})


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writing the second file fails."""
    write_bytes = Path.write_bytes
    written: list[Path] = []

    def failing(path: Path, data: bytes) -> int:
        written.append(path)
        if len(written) == 2:
            raise OSError(28, "No space left on device", str(path))
        return write_bytes(path, data)

    monkeypatch.setattr(Path, "write_bytes", failing)


@pytest.mark.usefixtures("full_disk")
def test_a_failing_write_leaves_nothing_not_even_new_parents(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="No space left on device"):
        write_folder(tmp_path / "new" / "parents" / "out", FILES)
    assert not list(tmp_path.iterdir())


def test_a_failing_write_leaves_the_earlier_design(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    write_folder(tmp_path / "out", {"old.sv": "old"})
    before = tree(tmp_path)
    request.getfixturevalue("full_disk")
    with pytest.raises(OutputError, match="No space left on device"):
        write_folder(tmp_path / "out", FILES, force=True)
    assert tree(tmp_path) == before


def test_a_failing_rename_puts_the_earlier_design_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_folder(tmp_path / "out", {"old.sv": "old"})
    before = tree(tmp_path)
    rename = os.rename

    def failing(source: Path, target: Path) -> None:
        if Path(source).name == "new":
            raise OSError(5, "Input/output error", str(target))
        rename(source, target)

    monkeypatch.setattr(folder.os, "rename", failing)
    with pytest.raises(OutputError, match="Input/output error"):
        write_folder(tmp_path / "out", FILES, force=True)
    assert tree(tmp_path) == before


def test_an_interrupt_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(path: Path, data: bytes) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_folder(tmp_path / "new" / "out", FILES)
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_also_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        write_folder(tmp_path / "out", {"rtl": "", "rtl/top.sv": ""})
    assert not list(tmp_path.iterdir())

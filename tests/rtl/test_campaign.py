"""Many images in chunks: what a campaign finds, and that it goes on where it was cut short."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from onespike_hw import cli
from onespike_hw.codegen import Design
from onespike_hw.codegen.design import generate
from onespike_hw.errors import SimulatorError
from onespike_hw.network import Int64
from rtl_sim import campaign
from tests.networks import build, conv, flatten, linear, maxpool, random_inputs
from tests.rtl.designs import emit

IMAGES = 10


@pytest.fixture
def design(tmp_path: Path) -> Design:
    net = build(np.random.default_rng(7), (1, 6, 6), [conv(4, 3), maxpool(2), conv(3, 2), flatten(), linear(3)])
    return emit(net, tmp_path / "design")


@pytest.fixture
def integers(design: Design) -> Int64:
    return random_inputs(np.random.default_rng(2), design.net, IMAGES)


def test_it_goes_on_where_it_was_cut_short(design: Design, integers: Int64, tmp_path: Path) -> None:
    """A run stopped behind its second chunk, as Ctrl-C would; the next one plays what is missing, a third nothing."""

    def stop(done: int, total: int) -> None:
        assert total == IMAGES
        if done == 6:
            raise KeyboardInterrupt

    work = tmp_path / "work"
    with pytest.raises(KeyboardInterrupt):
        campaign.run(design, integers, work, simulator="icarus", chunk=3, jobs=1, progress=stop)
    seen: list[int] = []
    again = campaign.run(
        design, integers, work, simulator="icarus", chunk=3, jobs=2, progress=lambda done, _: seen.append(done)
    )
    assert again.difference is None
    assert again.images == IMAGES
    assert 6 <= again.earlier < IMAGES
    assert seen == [3, 6, 9, 10]
    once_more = campaign.run(design, integers, work, simulator="icarus", chunk=3)
    assert (once_more.earlier, once_more.images) == (IMAGES, IMAGES)
    assert once_more.cycles == again.cycles > 0


def test_another_image_is_compared_anew(design: Design, integers: Int64, tmp_path: Path) -> None:
    campaign.run(design, integers, tmp_path / "work", simulator="icarus", chunk=5)
    changed = integers.copy()
    changed[7, 0, 0, 0] ^= 1
    assert campaign.run(design, changed, tmp_path / "work", simulator="icarus", chunk=5).earlier == 5


def test_a_broken_memory_is_named_with_its_place(design: Design, integers: Int64, tmp_path: Path) -> None:
    """The weight rows of the second convolution inverted: the first convolution and the pooling are still right."""
    work = tmp_path / "work"
    assert campaign.run(design, integers, work, simulator="icarus", chunk=5).difference is None
    name = design.plan.engines[1].layer.name
    (memory,) = (design.path / "rtl").glob(f"{design.plan.engines[1].name}*weights*.hex")
    words = memory.read_text().split()
    digits = str.maketrans("0123456789abcdef", "fedcba9876543210")
    memory.write_text("".join(f"{word.translate(digits)}\n" for word in words))
    found = campaign.run(design, integers, work, simulator="icarus", chunk=5)
    assert found.earlier == 0, "a chunk of the design as it was no longer counts"
    assert found.difference is not None
    assert found.difference.layer == name
    assert found.difference.image is not None
    assert found.images == found.difference.image
    place = str(found.difference)
    assert all(word in place for word in (name, "image", "channel", "y", "x", "expected", "got"))


def test_the_image_that_differs_is_counted_over_all_chunks(design: Design, integers: Int64, tmp_path: Path) -> None:
    """What only the last image shows: it alone has pixels, and the weights of the first layer are broken."""
    dark = np.zeros_like(integers) + design.net.input_zero_point.reshape(-1, 1, 1)
    dark[-1] = integers[-1]
    engine = design.plan.engines[0]
    (memory,) = (design.path / "rtl").glob(f"{engine.name}*weights*.hex")
    memory.write_text("".join(f"{'0' * len(word)}\n" for word in memory.read_text().split()))
    found = campaign.run(design, dark, tmp_path / "work", simulator="icarus", chunk=4).difference
    assert found is not None
    assert (found.layer, found.image) == (engine.layer.name, IMAGES - 1)


def test_no_images(design: Design, integers: Int64, tmp_path: Path) -> None:
    with pytest.raises(SimulatorError, match="no images"):
        campaign.run(design, integers[:0], tmp_path)


def test_on_the_command_line(
    design: Design, integers: Int64, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "images.npy", integers)
    design = generate(design.net, out=tmp_path / "generated")
    command = ["verify", str(design.path), "--data", str(tmp_path / "images.npy"), "--simulator", "icarus"]
    assert cli.main([*command, "--chunk", "5"]) == 0
    said = capsys.readouterr().out
    assert "bit-exact" in said
    assert "0 images in earlier runs" in said
    assert cli.main([*command, "--chunk", "5"]) == 0
    assert f"{IMAGES} images in earlier runs" in capsys.readouterr().out
    (memory,) = (design.path / "rtl").glob(f"{design.plan.engines[0].name}*weights*.hex")
    memory.write_text("".join(f"{'0' * len(word)}\n" for word in memory.read_text().split()))
    assert cli.main(command) == 1
    assert f"first difference: {design.plan.engines[0].layer.name}, image" in capsys.readouterr().out

"""The register description: what is made of it, and every field that is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from onespike_hw import resources
from onespike_hw.codegen import axi
from onespike_hw.codegen.layout import lay_out
from onespike_hw.codegen.registers import compile_map, fingerprint, register_map, source
from onespike_hw.errors import OutputError
from onespike_hw.network import to_bytes
from tests.cases import CASES


def test_a_design_has_its_geometry_in_its_registers() -> None:
    net = CASES["zero_point_signed"]()
    plan = lay_out(net, 64, {})
    registers = register_map(plan)
    constants = {f"{register.name}.{field.name}": field.reset for register, field in registers.of_kind("constant")}
    channels, height, width = net.input_shape
    assert (constants["channels.values"], constants["height.rows"], constants["width.pixels"]) == (
        channels,
        height,
        width,
    )
    assert (constants["input_format.bits"], constants["input_format.is_signed"]) == (net.input_bits, 1)
    assert constants["logits.count"] == plan.logits
    assert constants["network.fingerprint"] == fingerprint(to_bytes(net))
    assert 8 * constants["input_format.beat_bytes"] >= plan.input.n * plan.field_bits


def test_no_two_registers_or_fields_share_a_place() -> None:
    registers = compile_map(source(), {}).registers
    assert len({register.offset for register in registers}) == len(registers)
    for register in registers:
        bits = [bit for field in register.fields for bit in range(field.low, field.high + 1)]
        assert len(set(bits)) == len(bits)
        assert register.text


def test_a_counter_rises_by_as_much_as_its_description_says(tmp_path: Path) -> None:
    path = tmp_path / "work.rdl"
    path.write_text("addrmap work { reg { field { sw = r; hw = na; counter; incrwidth = 9; } n[32] = 0; } done @ 0; };")
    (port,) = compile_map(path, {}).ports
    assert (port.name, port.width) == ("done_up", 9)


def test_the_page_in_docs_is_the_one_that_is_made() -> None:
    page = resources.boards().parent / "docs" / "registers.md"
    assert page.read_text() == axi.render_page(compile_map(source(), {}))


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ("field { sw = w; hw = r; } a = 0;", r"thing\.a: sw=w, hw=r .* no kind of field"),
        ("field { sw = rw; hw = rw; we; } a = 0;", r"thing\.a: sw=rw, hw=rw"),
        ("field { sw = rw; hw = r; onread = rclr; onwrite = wzc; } a = 0;", r"thing\.a: sw=rw, hw=r"),
        ("field { sw = rw; hw = r; hwset; woclr; } a[2] = 0;", r"thing\.a: sw=rw, hw=r"),
        ("field { sw = r; hw = na; } a", "not a register description: "),
    ],
)
def test_a_field_that_is_not_made_here_is_refused(field: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "strange.rdl"
    path.write_text(f"addrmap strange {{ reg {{ {field} }} thing @ 0; }};")
    with pytest.raises(OutputError, match=rf"strange\.rdl: {says}"):
        compile_map(path, {})

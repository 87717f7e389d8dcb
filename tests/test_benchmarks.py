"""The benchmarks: what they read from other tools, and that a section that fails does not lose the others."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks import __main__ as bench
from benchmarks.accelerator.area import Area, counted
from benchmarks.peers import kept, stages
from benchmarks.peers.shapes import CNN, MLP
from onespike_hw.paths import parsed
from onespike_hw.tools import native_yosys

STAT = """
=== small ===

   Number of cells:                  9
     FDRE                            9

=== design hierarchy ===

   top                               1
     small                           2

   Number of cells:                 30
     CARRY4                          4
     DSP48E1                         2
     FDRE                           18
     LUT2                            3
     LUT6_2                          1
     RAM32M                          2
     RAMB18E1                        1
     RAMB36E1                        1
"""

STA = """
Latest arrival time in 'engine' is 4769:
    4769 $auto$ff.cc:266:slice$1 (FDRE.D)
           $techmap1$abc$2 [0]
    4642 $abc$3 (LUT2.I1->O)
           \\walker.step [1]
     399 buffered.flags.0 (FDRE.C->Q)
           \\clk
       0   \\clk (<primary input>)

Arrival histogram:
"""


def test_counts_are_those_of_the_whole_hierarchy() -> None:
    assert counted(STAT) == Area(luts=3 + 1 + 2 * 4, ffs=18, brams=1.5, dsps=2)
    flat = STAT[: STAT.index("=== design hierarchy")]
    assert counted(flat) == Area(luts=0, ffs=9, brams=0, dsps=0)


def test_a_path_is_told_from_first_to_last() -> None:
    path = parsed("engine", STA)
    assert path.nanoseconds == 4.769
    assert path.cells == ("FDRE", "LUT2", "FDRE")
    assert (path.first, path.last) == ("buffered.flags.0", "walker.step [1]")


def test_the_shapes_are_those_of_the_shipped_networks() -> None:
    assert (CNN.multiplies, MLP.multiplies) == (4_729_728, 101_632)


def test_what_is_kept_says_how_it_was_made() -> None:
    entries = kept.read()
    assert {entry.network for entry in entries} <= set(kept.NAMES)
    assert len({(entry.network, entry.options) for entry in entries}) == len(entries)
    assert all(entry.command.startswith("python -m benchmarks.peers.kept ") and entry.date for entry in entries)


PEER = """
module peer(input clk, input rst, input [7:0] x, input [9:0] at, output reg [23:0] y);
    reg [15:0] words [0:1023];
    reg [15:0] word;
    reg [3:0] times [0:5];
    reg [7:0] still [0:9];
    reg [2:0] state;
    integer i;
    initial for (i = 0; i < 10; i = i + 1) still[i] = 0;
    always @(posedge clk) begin
        word <= words[at];
        words[at] <= {x, x};
        times[0] <= x[3:0];
        for (i = 1; i < 6; i = i + 1) times[i] <= times[i-1];
        still[0] <= 0;
        for (i = 1; i < 10; i = i + 1) still[i] <= rst ? 0 : still[i-1];
        case (state)
            0: if (x[0]) state <= 1;
            1: state <= x[1] ? 2 : 3;
            2: if (x[2]) state <= 4;
            3: if (x[3]) state <= 4;
            4: if (x[4]) state <= 5;
            default: state <= 0;
        endcase
        if (rst) state <= 0;
        y <= rst ? still[9] : y + word * x + times[5] + still[9] + (state == 4 ? 77 : 0);
    end
endmodule
"""


@pytest.mark.verify
def test_synthesis_label_by_label_counts_what_the_whole_command_counts(tmp_path: Path) -> None:
    source = tmp_path / "peer.v"
    source.write_text(PEER)
    whole = f"read_verilog -sv peer.v; hierarchy -check -top peer; {stages.SYNTHESIS}; stat"
    area = stages.synthesised(source)
    assert area == counted(native_yosys(["-p", whole], tmp_path))
    assert area.luts > 0
    assert area.ffs > 0
    assert (area.dsps, area.brams) == (1, 0.5)
    assert stages.synthesised(source) == area


def _play(monkeypatch: pytest.MonkeyPatch, *argv: str) -> int:
    monkeypatch.setattr(sys, "argv", ["benchmarks", *argv])
    return bench.main()


def test_a_section_that_fails_does_not_lose_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    played: list[int] = []

    def section(module: str) -> SimpleNamespace:
        def run(console: object, images: int) -> None:
            if module.endswith("speed"):
                raise ValueError("no [luck]")
            played.append(images)

        return SimpleNamespace(run=run)

    monkeypatch.setattr(bench.importlib, "import_module", section)
    assert _play(monkeypatch, "--sections", "speed,growth", "--images", "7") == 1
    said = capsys.readouterr().out
    assert "speed failed: ValueError: no [luck]" in said
    assert "failed: speed\n" in said
    assert played == [7]
    assert _play(monkeypatch, "planner", "growth") == 0
    assert played == [7, bench.SECTIONS["planner"].images, bench.SECTIONS["growth"].images]


@pytest.mark.parametrize("argv", [["nothing"], ["--sections", "speed,nothing"], ["speed", "--images", "0"]])
def test_what_is_not_there_is_refused(
    argv: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        _play(monkeypatch, *argv)
    said = capsys.readouterr().err
    assert "there are speed, sparsity" in said or "play at least 1" in said

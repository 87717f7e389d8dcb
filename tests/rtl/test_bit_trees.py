"""The modules that look at a few bits as trees, against plain arithmetic: every value of every width up to 9 bits."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from onespike_hw import resources

VERILOG = resources.templates() / "verilog"

BENCH = """
`timescale 1ns / 1ps
module bench;
    localparam N = {width}, W = {place_bits};
    reg [N-1:0] bits;
    wire none, one, two;
    wire [W-1:0] place;
    wire [N-1:0] rest;
    few_set #(.N(N)) few (.bits(bits), .none(none), .one(one), .two(two));
    first_set #(.N(N), .W(W)) first (.bits(bits), .place(place), .rest(rest));
    integer value;
    initial for (value = 0; value < 1 << N; value = value + 1) begin
        bits = value[N-1:0];
        #1 $display("%0d %0d %0d %0d %0d %0d", value, none, one, two, place, rest);
    end
endmodule
"""


@pytest.mark.parametrize("width", range(1, 10))
def test_every_value(width: int, tmp_path: Path) -> None:
    bench = tmp_path / "bench.sv"
    bench.write_text(BENCH.format(width=width, place_bits=max(1, (width - 1).bit_length())))
    sources = [str(bench), str(VERILOG / "few_set.sv"), str(VERILOG / "first_set.sv")]
    subprocess.run(["iverilog", "-g2012", "-Wall", "-o", str(tmp_path / "bench.vvp"), *sources], check=True)
    done = subprocess.run(["vvp", str(tmp_path / "bench.vvp")], capture_output=True, text=True, check=True)
    rows = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    assert len(rows) == 1 << width
    for value, none, one, two, place, rest in rows:
        count = value.bit_count()
        lowest = value & -value
        assert (none, one, two) == (count == 0, count <= 1, count <= 2), value
        assert (place, rest) == (max(lowest.bit_length() - 1, 0), value & ~lowest), value

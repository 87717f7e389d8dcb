"""Our models of memory cells: a memory that yosys has made of them does what its Verilog does."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from onespike_hw.codegen.board import load_board
from onespike_hw.codegen.parts import synthesis_command
from onespike_hw.open_tools import run_tool
from rtl_sim.netlist import with_models
from rtl_sim.tools import find_icarus

MEMORY = """`timescale 1ns / 1ps
module {name} (
    input wire clk, input wire put, input wire [{a}-1:0] put_at, input wire [{w}-1:0] word,
    input wire get, input wire [{a}-1:0] get_at, output reg [{w}-1:0] found
);
    (* ram_style = "block", no_rw_check *) reg [{w}-1:0] words [0:(1<<{a})-1];
    integer i;
    initial for (i = 0; i < 1 << {a}; i = i + 1) words[i] = i * 37'h12345_6789;
    always @(posedge clk) begin
        if (put) words[put_at] <= word;
        if (get) found <= words[get_at];
    end
endmodule
"""
BENCH = """`timescale 1ns / 1ps
module bench;
    reg clk = 0, put = 0, get = 0;
    reg [{a}-1:0] put_at = 0, get_at = 0;
    reg [{w}-1:0] word = 0;
    wire [{w}-1:0] found, expected;
    memory made (.clk(clk), .put(put), .put_at(put_at), .word(word), .get(get), .get_at(get_at), .found(found));
    written read (.clk(clk), .put(put), .put_at(put_at), .word(word), .get(get), .get_at(get_at), .found(expected));
    integer i, compared = 0;
    initial begin
        for (i = 0; i < 4000; i = i + 1) begin
            put = $random;
            get = $random;
            put_at = i < 2000 ? $random : $random % 8;
            get_at = i < 2000 ? $random : $random % 8;
            word = {{$random, $random}};
            if (put_at == get_at) put = 0;  // what is read there is not said
            #1 clk = 1;
            #1 clk = 0;
            if (get) compared = compared + 1;
            if (compared != 0 && found !== expected) begin
                $display("clock %0d: %h instead of %h", i, found, expected);
                $finish;
            end
        end
        $display("%0d reads agree", compared);
        $finish;
    end
endmodule
"""


SIZES = ((4, 12), (8, 11), (9, 11), (16, 10), (18, 10), (32, 9), (36, 9))
"""Width and bits of an address."""
CASES = [("ulx3s-85f", *size) for size in SIZES] + [("tangnano20k", *size) for size in SIZES]
ALWAYS = {("ulx3s-85f", 4, 12), ("ulx3s-85f", 36, 9)}


@pytest.mark.parametrize(
    ("name", "width", "address_bits"),
    [case if case in ALWAYS else pytest.param(*case, marks=pytest.mark.verify) for case in CASES],
)
def test_a_memory_of_cells_is_the_memory_that_was_written(
    name: str, width: int, address_bits: int, tmp_path: Path
) -> None:
    board, sizes = load_board(name), {"w": width, "a": address_bits}
    (tmp_path / "memory.v").write_text(MEMORY.format(name="memory", **sizes))
    script = f"read_verilog memory.v; {synthesis_command(board)} -top memory; write_verilog -noattr made.v"
    run_tool(["yosys", "-q", "-p", script], tmp_path, tmp_path / "yosys.log")
    files = with_models(board, (tmp_path / "made.v").read_text(), tmp_path, "memory")
    assert any(cell in files[0].read_text() for cell in ("DP16KD", "SDPB", "SDPX9B", "DPB", "DPX9B"))
    (tmp_path / "written.v").write_text(MEMORY.format(name="written", **sizes))
    (tmp_path / "bench.v").write_text(BENCH.format(**sizes))
    names = [path.name for path in files]
    command = [find_icarus(), "-g2012", "-s", "bench", "-o", "bench.vvp", "bench.v", "written.v", *names]
    subprocess.run(command, cwd=tmp_path, check=True)
    said = subprocess.run(["vvp", "bench.vvp"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert "reads agree" in said, said

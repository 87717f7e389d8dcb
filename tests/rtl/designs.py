"""Emitted designs of the small networks of tests/cases.py."""

from __future__ import annotations

from pathlib import Path

from onespike_hw.codegen.board import load_board
from onespike_hw.codegen.design import Design, render
from onespike_hw.codegen.folder import write_folder
from onespike_hw.codegen.layout import Parallel, lay_out, weighted_layers
from onespike_hw.network import Network


def emit(
    net: Network,
    out: Path,
    engines: int = 1,
    tiles: dict[str, int] | None = None,
    board: str = "pynq",
    loaded: tuple[str, ...] = (),
    folded: bool = False,
    sliced: int = 0,
    in_luts: int = 0,
) -> Design:
    """The design of a network with so many engines for each layer, whatever a planner would choose.

    tiles   layer name -> passes over its output channels, where it has several
    loaded  layers whose weights are loaded at start
    folded  where lanes add pairs, two phases share a drain, if the base allows it
    sliced  lanes that lie in DSP slices, where they add pairs
    in_luts lanes that multiply in LUTs, where a first layer skips zeros
    """
    target = load_board(board)
    parallel = {
        layer.name: Parallel(
            (tiles or {}).get(layer.name, 1),
            engines,
            loaded=layer.name in loaded,
            folded=folded,
            sliced=sliced,
            in_luts=in_luts,
        )
        for layer in weighted_layers(net)
    }
    plan = lay_out(net, target.input_bus_bits, parallel)
    return Design(write_folder(out, render(plan, target)), net, plan, target)

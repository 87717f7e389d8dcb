"""onespike-hw convert: a trained module becomes a network file."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from onespike_hw.cli.console import listing, step, summary
from onespike_hw.cli.files import check_file
from onespike_hw.cli.sources import load_conversion, model_name
from onespike_hw.graph import Graph
from onespike_hw.network import Layer
from onespike_hw.report.figures import describe, multiplies


def run(args: argparse.Namespace, console: Console) -> int:
    out = Path(args.out)
    check_file(out, force=args.force)
    step(console, f"converting {model_name(args)}")
    net = load_conversion(args).convert()
    net.save(out)
    rows = [_row(layer, net.graph) for layer in net.layers]
    console.print(listing(("layer", "kind", "shape", "fires", "multiplies"), rows))
    console.print(summary([("coding", describe(net)), ("file", str(out))]))
    return 0


def _row(layer: Layer, graph: Graph | None) -> tuple[str, ...]:
    shape = " x ".join(str(size) for size in layer.shape)
    return layer.name, layer.kind, shape, "yes" if layer.fires else "", f"{multiplies(layer, graph):,}"

"""onespike-hw convert: a trained module becomes a network file."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from onespike_hw.cli.console import listing, step, summary
from onespike_hw.cli.figures import describe, multiplies
from onespike_hw.cli.sources import DEFAULT_MODEL, convert_model, load_model
from onespike_hw.errors import OutputError
from onespike_hw.network import Layer


def run(args: argparse.Namespace, console: Console) -> int:
    out = Path(args.out)
    _check_out(out, force=args.force)
    name = args.model or DEFAULT_MODEL
    step(console, f"converting {name}")
    net = convert_model(load_model(name), name, args)
    try:
        net.save(out)
    except OSError as error:
        raise OutputError(f"{out}: cannot be written ({error.strerror}); choose another file") from error
    console.print(listing(("layer", "kind", "shape", "fires", "multiplies"), map(_row, net.layers)))
    console.print(summary([("coding", describe(net)), ("file", str(out))]))
    return 0


def _check_out(out: Path, *, force: bool) -> None:
    if out.is_dir():
        raise OutputError(f"{out}: is a folder; give the name of a file")
    if out.exists() and not force:
        raise OutputError(f"{out}: exists; use --force to replace it, or choose another file")


def _row(layer: Layer) -> tuple[str, ...]:
    shape = " x ".join(str(size) for size in layer.shape)
    return layer.name, layer.kind, shape, "yes" if layer.fires else "", f"{multiplies(layer):,}"

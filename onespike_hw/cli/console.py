"""What the commands print on: colours and progress bars on a terminal, plain text elsewhere."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

PLAIN_WIDTH = 160
"""Columns where the output is no terminal."""


def make_console() -> Console:
    """A console on standard output."""
    return Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False, emoji=False, markup=False)


@contextlib.contextmanager
def progress_bar(console: Console, what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on a terminal, nothing elsewhere; what is yielded takes (done, in all)."""
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=None)

        def advance(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield advance


def step(console: Console, what: str) -> None:
    """A line that says what is being done now."""
    console.print(f"{what} ...", style="dim")


def summary(rows: Iterable[tuple[str, str]]) -> Table:
    """Two columns: what, and its value."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def listing(columns: Iterable[str], rows: Iterable[Iterable[str]], right: frozenset[str] = frozenset()) -> Table:
    """A table with a head; the columns named in `right` hold numbers, the last one may take more than a line."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    *short, last = columns
    for column in short:
        table.add_column(column, justify="right" if column in right else "left", no_wrap=True)
    table.add_column(last, justify="right" if last in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table

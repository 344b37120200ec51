"""How results are shown: a table for people, JSON for programs."""

import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

WIDTH = 180
"""Width of a table that does not go to a terminal."""


def show_json(value: Any) -> None:
    """Print dataclasses, or lists and mappings of them, as JSON."""
    print(json.dumps(value, default=dataclasses.asdict, indent=2))


def show_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under a heading; nothing but text is in a cell."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
    console = Console()
    Console(width=console.width if console.is_terminal else WIDTH).print(table)


def good_or_bad(text: str, good: bool) -> Any:
    """`text` in green or red."""
    from rich.text import Text

    return Text(text, style="green" if good else "bold red")


@contextmanager
def bar(name: str, total: int) -> Iterator[Callable[[int], None]]:
    """A progress bar on standard error; how to move it on by a number of steps.

    Nothing is shown where standard error is no terminal.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    silent = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=silent) as shown:
        task = shown.add_task(name, total=total)
        yield lambda steps: shown.advance(task, steps)

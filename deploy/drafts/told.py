"""Compared alerts on a terminal and in files."""

from pathlib import Path
from typing import Any

import typer

from deploy import terminal
from deploy.drafts.compared import Compared
from deploy.errors import UserError
from deploy.reports.form import at

SETS = ("gained", "lost", "changed")
_MOST = 20
"""Lines of each set that are shown; files have all."""


def write(found: Compared, out: Path) -> None:
    """`gained.parquet`, `lost.parquet` and `changed.parquet` in a folder; UserError if it fails."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name in SETS:
            getattr(found, name).write_parquet(out / f"{name}.parquet")
    except OSError as error:
        raise unwritable(out, error) from None


def unwritable(out: Path, error: OSError) -> UserError:
    """The line for a folder that cannot be written."""
    return UserError(f"{out} cannot be written: {error.strerror or error}; choose another --out")


def show(found: Compared) -> None:
    """Counts by rule, then the first alerts of each set."""
    counts = found.by_rule()
    cells = [[f"{v:,}" if isinstance(v, int) else v for v in row] for row in counts.iter_rows()]
    terminal.show_table(counts.columns, cells)
    for name in SETS:
        part = getattr(found, name)
        if part.height:
            rows = [
                (row["rule"], at(row["time"]), row["subject"], _band(row), _why(row))
                for row in part.head(_MOST).iter_rows(named=True)
            ]
            terminal.show_table((name, "time", "subject", "band", "why"), rows)
        if part.height > _MOST:
            typer.echo(f"{part.height - _MOST:,} more {name}; all are in {name}.parquet of --out")


def _band(row: dict[str, Any]) -> str:
    return f"{row['band']} -> {row['draft_band']}" if "draft_band" in row else str(row["band"])


def _why(row: dict[str, Any]) -> str:
    return f"{row['measured']}; limit {row.get('draft_limit', row['limit'])}"


def rates(said: list[dict[str, Any]]) -> None:
    """Precision and recall of live and draft, with their ranges; nothing where nobody knows."""
    cells = [
        (one["alerts"], one["by"], _share(one["precision"]), _share(one["recall"])) for one in said
    ]
    if cells:
        terminal.show_table(("alerts", "known by", "precision", "recall"), cells)


def _share(one: dict[str, Any]) -> str:
    if not one["of"]:
        return "none"
    return f"{one['share']:.3f} ({one['hits']:,} of {one['of']:,}; {one['low']} to {one['high']})"

"""How reports write things: exact decimals, UTC times, safe names, CSV, JSON and Markdown."""

import json
import re
from collections.abc import Sequence
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

from deploy.errors import UserError

_SLICE = 100_000
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_MARKED = re.compile(r"([\\`*_\[\]<>|&~])")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


def day_of(text: str | None) -> date | None:
    """The day a person wrote, as in 2026-03-02.

    Raises:
        UserError: It is none.
    """
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UserError(f"--day {text!r} is not a day; write it as in 2026-03-02") from None


def decimal(amount: str, scale: str | int) -> pl.Expr:
    """Amounts / 10^scale as text with exactly `scale` places, by columns of whole numbers."""
    places = pl.col(scale) if isinstance(scale, str) else pl.lit(scale)
    places = places.cast(pl.Int64)
    value = pl.col(amount)
    digits = value.abs().cast(pl.String).str.zfill(places + 1)
    whole = digits.str.len_chars().cast(pl.Int64) - places
    fraction = pl.format("{}.{}", digits.str.slice(0, whole), digits.str.slice(whole))
    sign = pl.when(value < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    return pl.concat_str(sign, pl.when(places > 0).then(fraction).otherwise(digits))


def moment(column: str) -> pl.Expr:
    """Microseconds UTC as ISO 8601 with six places: YYYY-MM-DDThh:mm:ss.ddddddZ."""
    return pl.from_epoch(pl.col(column), time_unit="us").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")


def at(time: int) -> str:
    """One moment, as `moment`."""
    return str(pl.select(moment=pl.lit(time)).select(moment("moment")).item())


def exact(value: int, scale: int) -> str:
    """A number / 10^scale as text with exactly `scale` places, for a number of any size."""
    digits = str(abs(value)).zfill(scale + 1)
    whole, fraction = digits[: len(digits) - scale], digits[len(digits) - scale :]
    return f"{'-' if value < 0 else ''}{whole}{'.' + fraction if scale else ''}"


def safe(name: str) -> str:
    """A file name for an id: what is no plain character becomes `_`, and a hash tells ids apart."""
    digest = sha256(name.encode()).hexdigest()[:8]
    return f"{_UNSAFE.sub('_', name)[:60].lstrip('.')}-{digest}"


def words(text: object) -> str:
    """A value as Markdown shows it, whatever is in it: no markup, no line of its own."""
    return _MARKED.sub(r"\\\1", _CONTROL.sub(" ", str(text)))


def csv(frame: pl.DataFrame, heading: bool = True) -> bytes:
    """A table in CSV: UTF-8, lines that end with a line feed; empty text is nothing."""
    filled = frame.with_columns(pl.col(pl.String).replace("", None))
    return filled.write_csv(line_terminator="\n", include_header=heading).encode()


def write_csv(path: Path, frame: pl.DataFrame) -> None:
    """Write a table with its heading."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(csv(frame[:0]))
        for part in frame.iter_slices(_SLICE):
            file.write(csv(part, heading=False))


def write_json(path: Path, value: Any) -> None:
    """Write JSON with sorted names; equal values give equal bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [columns, ["---"] * len(columns), *([words(cell) for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def empty_folder(path: Path) -> Path:
    """A folder to write a report into; UserError if something is in it already."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UserError(f"{path} is not an empty folder; name a new one with --out")
    path.mkdir(parents=True, exist_ok=True)
    return path

"""Lists from files: CSV with a heading, every row checked before anything is published.

Several values of a field stand between bars. A row that is not what it has to be refuses the whole
file, with its line.
"""

import csv
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from deploy.errors import UserError
from udfs.screening.listed import EXCEPTIONS, LISTED, MOST_ROWS, Entry, FalseHit, Rows
from udfs.screening.names import normalise

COLUMNS: Mapping[str, tuple[str, ...]] = {
    LISTED: (
        *("id", "name", "aliases", "kind", "birth_year", "countries", "programme", "category"),
    ),
    EXCEPTIONS: ("listed", "name", "user", "reason", "until"),
}
"""The columns of a file of each kind; others are refused, any order will do."""


def read(path: Path, kind: str) -> Rows:
    """The rows of a list, in canonical order.

    Raises:
        UserError: The file or a row of it is wrong; the line is named.
    """
    make: Callable[[Mapping[str, str]], Any] = _entry if kind == LISTED else _false_hit
    rows: dict[tuple[str, ...], Any] = {}
    lines: dict[tuple[str, ...], int] = {}
    for line, cells in _cells(path, COLUMNS[kind]):
        try:
            row = make(cells)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            raise _wrong(path, line, f"{field} is {first['input']!r:.60}: {first['msg']}") from None
        except ValueError as error:
            raise _wrong(path, line, str(error)) from None
        if row.order in rows:
            raise _wrong(path, line, f"{' '.join(row.order)} stands in line {lines[row.order]} too")
        rows[row.order], lines[row.order] = row, line
        if len(rows) > MOST_ROWS:
            raise _wrong(path, line, f"a list has at most {MOST_ROWS:,} rows")
    if not rows:
        raise UserError(f"{path} has no rows; nothing is published")
    return [rows[order] for order in sorted(rows)]


def _cells(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """The cells of each row by column, with the line on which it ends."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}; give a CSV file") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise _wrong(path, line, "it is not UTF-8") from None
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    try:
        heading = next(reader, [])
        if sorted(heading) != sorted(columns):
            raise _wrong(path, 1, f"the heading is not {','.join(columns)}")
        for row in reader:
            if len(row) != len(heading):
                raise _wrong(
                    path, reader.line_num, f"{len(row)} cells, {len(heading)} columns are asked"
                )
            yield reader.line_num, dict(zip(heading, (cell.strip() for cell in row), strict=True))
    except csv.Error as error:
        raise _wrong(path, reader.line_num, str(error)) from None


def _entry(cells: Mapping[str, str]) -> Entry:
    year = cells["birth_year"]
    if year and not (year.isascii() and year.isdigit()):
        raise ValueError(f"birth_year is {year!r:.60}: a year as in 1970 is asked, or nothing")
    entry = Entry.model_validate(
        {
            **cells,
            "aliases": _several(cells["aliases"]),
            "countries": _several(cells["countries"]),
            "birth_year": int(year[:9] or "0"),
        }
    )
    for name in (entry.name, *entry.aliases):
        if not normalise(name).tokens:
            raise ValueError(f"name {name!r:.60} has nothing in it that can be compared")
    return entry


def _false_hit(cells: Mapping[str, str]) -> FalseHit:
    name = normalise(cells["name"])
    if not name.tokens:
        raise ValueError(f"name {cells['name']!r:.60} has nothing in it that can be compared")
    try:
        until = datetime.combine(date.fromisoformat(cells["until"]), time(), UTC)
    except ValueError:
        raise ValueError(
            f"until is {cells['until']!r:.60}: a day as in 2027-03-02 is asked"
        ) from None
    return FalseHit(
        listed=cells["listed"],
        name=name.digest,
        user=cells["user"],
        reason=cells["reason"],
        until=int(until.timestamp()) * 1_000_000,
    )


def _several(cell: str) -> list[str]:
    return [part.strip() for part in cell.split("|")] if cell else []


def _wrong(path: Path, line: int, what: str) -> UserError:
    return UserError(f"{path} line {line}: {what}; nothing is published, mend the row")

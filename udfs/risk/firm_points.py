"""The firm's P&L at valuation points and at the ends of days, from what its books say of theirs.

A point is summed once every book that is known has told it, or once the watermark has passed it. A
book that has not told by then counts with its last point: its positions count as stale, and the sum
is not complete. What is told of a point after that makes a new record of it, as long as no later
one was summed; of still older points it is counted. All of it goes record by record in log order,
so that no cut of the log changes what is said.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from schemas.step import State, TableSpec

SUMS = (
    "realised",
    "realised_fifo",
    "unrealised",
    "fees",
    "total",
    "day",
    "corrections",
    "gross",
    "net",
    "positions",
    "stale",
    "unvalued",
)
POINTS, BOOKS, DONE = "firm.points", "firm.books", "firm.done"
TABLES = {
    POINTS: TableSpec(
        key="told",
        columns={
            "told": "str",
            "kind": "str",
            "point": "int",
            "book": "str",
            "offset": "int",
            "complete": "bool",
            **dict.fromkeys(SUMS, "int"),
        },
    ),
    BOOKS: TableSpec(
        key="book", columns={"book": "str", "complete": "bool", **dict.fromkeys(SUMS, "int")}
    ),
    DONE: TableSpec(key="kind", columns={"kind": "str", "point": "int", "too_late": "int"}),
}


@dataclass(frozen=True)
class Summed:
    """A valuation point of the firm.

    Attributes:
        kind: POINT or DAY.
        point: Business time, microseconds UTC.
        sums: By name, as SUMS.
        complete: Every book told it, and each of them completely.
        told: How many books told it.
        too_late: Records so far of points that were summed already.
        first: Lowest offset behind it.
        last: Highest one.
    """

    kind: str
    point: int
    sums: dict[str, int]
    complete: bool
    told: int
    too_late: int
    first: int
    last: int


class _Kind:
    """Points of one kind while a batch is gone through."""

    def __init__(self, kind: str, stored: pl.DataFrame, done: tuple[int, int]) -> None:
        self.kind = kind
        self.rows = {(r["point"], r["book"]): r for r in stored.to_dicts()}
        self.done, self.too_late = done

    def open(self) -> list[int]:
        return sorted({point for point, _ in self.rows if point > self.done})

    def tell(self, row: dict[str, Any]) -> None:
        self.rows[int(row["point"]), row["book"]] = row

    def last_told(self, point: int) -> int:
        return max(int(row["offset"]) for (at, _), row in self.rows.items() if at == point)

    def all_told(self, point: int, known: Sequence[str]) -> bool:
        return all((point, book) in self.rows for book in known)

    def summed(self, point: int, known: Sequence[str]) -> Summed:
        told = {book: row for (at, book), row in self.rows.items() if at == point}
        before = self._before(point)
        sums = dict.fromkeys(SUMS, 0)
        for book in sorted({*known, *told}):
            row = told.get(book) or before.get(book, {})
            for name in SUMS:
                sums[name] += int(row.get(name, 0))
            if book not in told and row:
                sums["stale"] += int(row["positions"]) - int(row["stale"]) - int(row["unvalued"])
        self.done = max(self.done, point)
        offsets = [int(row["offset"]) for row in told.values()]
        complete = {*known} <= told.keys() and all(row["complete"] for row in told.values())
        return Summed(
            kind=self.kind,
            point=point,
            sums=sums,
            complete=complete,
            told=len(told),
            too_late=self.too_late,
            first=min(offsets),
            last=max(offsets),
        )

    def kept(self) -> list[dict[str, Any]]:
        """What later points need: open ones, the last one summed, the last one of each book."""
        last = {book: row["point"] for book, row in self._before(self.done + 1).items()}
        return [
            row
            for (point, book), row in self.rows.items()
            if point >= self.done or point == last.get(book)
        ]

    def _before(self, point: int) -> dict[str, dict[str, Any]]:
        """The last row of each book before a point."""
        ordered = sorted((at, book) for at, book in self.rows if at < point)
        return {book: self.rows[at, book] for at, book in ordered}


def advance(state: State, pnl: pl.DataFrame, watermark: int) -> list[Summed]:
    """The points that the records of a batch complete, in the order in which they are.

    Args:
        state: Tables of TABLES.
        pnl: Records BookPnl of books in log order, with offset and watermark; may be empty.
        watermark: That of the records after the batch, microseconds UTC.
    """
    stored, done = state[POINTS].frame(), state[DONE].frame()
    marks = {kind: (point, late) for kind, point, late in done.rows()}
    kinds = {
        kind: _Kind(kind, stored.filter(kind=kind), marks.get(kind, (-1, 0)))
        for kind in ("POINT", "DAY")
    }
    known = _first_places(state, pnl)
    out: list[Summed] = []
    finals = pnl.filter(pl.col("kind") != "SLICE").with_columns(point="time", book="name")
    for row in finals.select(*_ROW, "watermark").to_dicts():
        out += _passed(kinds, pnl, known, row.pop("watermark"), row["offset"])
        out += _told(kinds[row["kind"]], row, _at(known, row["offset"]))
    out += _passed(kinds, pnl, known, watermark, 2**62)
    _store(state, stored, kinds)
    return out


_ROW = ("kind", "point", "book", "offset", "complete", *SUMS)


def _told(of: _Kind, row: dict[str, Any], known: Sequence[str]) -> Iterator[Summed]:
    """What a book tells of a point, and the sum if that is the last one to tell it."""
    point = int(row["point"])
    late = point <= of.done
    of.too_late += late
    if late and point < of.done:
        return
    of.tell(row)
    if late:
        yield of.summed(point, known)
    elif of.all_told(point, known):  # nobody who has told this one will tell an earlier one
        yield from (of.summed(one, known) for one in of.open() if one <= point)


def _passed(
    kinds: dict[str, _Kind],
    pnl: pl.DataFrame,
    known: dict[str, int],
    watermark: int,
    until: int,
) -> Iterator[Summed]:
    """The open points that the watermark has passed, each where in the log that was."""
    due = sorted((p, k) for k, of in kinds.items() for p in of.open() if p < watermark)
    for point, kind in due:
        since = kinds[kind].last_told(point)
        after = pnl.filter(
            (pl.col("watermark") > point) & pl.col("offset").is_between(since + 1, until)
        )
        place = int(after["offset"].to_numpy().min()) if after.height else until
        yield kinds[kind].summed(point, _at(known, place))


def _first_places(state: State, pnl: pl.DataFrame) -> dict[str, int]:
    """Where in the log each book was first heard of; before everything if it was before."""
    known = dict.fromkeys(state[BOOKS].frame()["book"].to_list(), -1)
    for book, offset in pnl.group_by("name").agg(pl.col("offset").min()).rows():
        known.setdefault(book, offset)
    return known


def _at(known: dict[str, int], offset: int) -> list[str]:
    return [book for book, first in known.items() if first < offset]


def _store(state: State, stored: pl.DataFrame, kinds: dict[str, _Kind]) -> None:
    """Put away what later batches need."""
    rows = [row for of in kinds.values() for row in of.kept()]
    for row in rows:
        row["told"] = f"{row['kind']}|{row['point']}|{row['book']}"
    names = {str(row["told"]) for row in rows}
    gone = [told for told in stored["told"].to_list() if told not in names]
    if rows:
        state[POINTS].upsert(pl.DataFrame(rows, schema=stored.schema))
    if gone:
        state[POINTS].upsert(pl.DataFrame({"told": gone, "point": [-1] * len(gone)}))
        state[POINTS].expire("point", 0)
    done = [(k, of.done, of.too_late) for k, of in kinds.items() if of.done >= 0 or of.too_late]
    if done:
        state[DONE].upsert(pl.DataFrame(done, schema=["kind", "point", "too_late"], orient="row"))

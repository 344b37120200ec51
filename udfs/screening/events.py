"""Names as they come: from changes of customers, from postings, and what people say of alerts."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import polars as pl

from schemas.step import Table, effective_time
from udfs.screening.known import Pair

LISTS, CUSTOMERS, ACTIONS, POSTINGS = "lists", "customers", "alert.actions", "postings"
RANK: Mapping[str, int] = {LISTS: 0, CUSTOMERS: 1, ACTIONS: 2, POSTINGS: 3}
"""Which of the records of one millisecond counts first."""
FALSE_HIT = "false-positive"
"""Closing an alert with this disposition makes an exception."""


@dataclass(frozen=True)
class Event:
    """A name as it came: who is concerned, where it stands, what it is the name of.

    `appended`, `rank` and `offset` order events as the log has them.
    """

    appended: int
    rank: int
    offset: int
    topic: str
    event: str
    subject: str
    account: str
    name: str
    country: str
    at: int
    amount: int
    currency: str
    scale: int

    @property
    def place(self) -> tuple[int, int, int]:
        """Where it stands in the log."""
        return self.appended, self.rank, self.offset

    @property
    def customer(self) -> bool:
        """Whether it is the name of a customer, not of somebody on the other side."""
        return self.topic == CUSTOMERS


@dataclass(frozen=True)
class Action:
    """What a person said of an alert of screening: its pair is no hit until then; 0: it is one."""

    place: tuple[int, int, int]
    pair: Pair
    until: int
    user: str
    reason: str


_SCHEMA = {f.name: pl.Int64() if f.type in (int, "int") else pl.String() for f in fields(Event)}


def paid(postings: pl.DataFrame | None) -> pl.DataFrame:
    """The names on the other side of postings, columns as `Event`."""
    if postings is None:
        return pl.DataFrame(schema=_SCHEMA)
    return _shaped(
        postings.filter(pl.col("counterparty_name") != ""),
        POSTINGS,
        event="posting_id",
        subject="owner",
        account="account",
        name="counterparty_name",
        country="counterparty_country",
        amount="amount",
        currency="currency",
        scale="scale",
    )


def renamed(table: Table, changes: pl.DataFrame | None) -> pl.DataFrame:
    """The customers who are new or have a new name, columns as `Event`; the table follows."""
    if changes is None or changes.is_empty():
        return pl.DataFrame(schema=_SCHEMA)
    changes = changes.sort("appended", "offset")
    owners = changes["customer"].unique(maintain_order=True)
    stored = table.lookup(owners).filter("known").select("customer", stored=pl.col("name"))
    last = changes.group_by("customer", maintain_order=True).last()
    table.upsert(last.select("customer", "name", "country", "offset", event="change_id"))
    changes = changes.join(stored, on="customer", how="left", maintain_order="left")
    before = pl.coalesce(pl.col("name").shift(1).over("customer"), "stored")
    fresh = changes.filter(before.ne_missing(pl.col("name")))
    return _shaped(
        fresh, CUSTOMERS, event="change_id", subject="customer", name="name", country="country"
    )


def remembered(owners: pl.DataFrame, at: int) -> pl.DataFrame:
    """Customers as the table has them, as events of the time `at`."""
    placed = owners.with_columns(
        appended=pl.lit(0), time=pl.lit(at, pl.Int64), watermark=pl.lit(at, pl.Int64)
    )
    return _shaped(
        placed, CUSTOMERS, event="event", subject="customer", name="name", country="country"
    )


def actions(frame: pl.DataFrame | None, exception_us: int) -> list[Action]:
    """What people said of alerts of screening; an exception without an end lasts `exception_us`."""
    if frame is None:
        return []
    closed = (pl.col("kind") == "CLOSE") & (pl.col("disposition") == FALSE_HIT)
    said = frame.filter(closed | (pl.col("kind") == "REOPEN"))
    found = []
    for row in said.with_columns(at=effective_time("time")).to_dicts():
        pair = Pair.of_alert(row["subject"], row["alert_id"])
        if pair is not None:
            until = row["until"] or row["at"] + exception_us
            place = row["appended"], RANK[ACTIONS], row["offset"]
            ends = 0 if row["kind"] == "REOPEN" else until
            found.append(Action(place, pair, ends, row["user"], row["reason"]))
    return found


def _shaped(rows: pl.DataFrame, topic: str, **named: str) -> pl.DataFrame:
    """Columns as `Event`: those in `named` from there, the rest by what they are."""
    given: dict[str, Any] = {name: pl.col(column) for name, column in named.items()}
    given |= {
        "appended": pl.col("appended"),
        "rank": pl.lit(RANK[topic]),
        "offset": pl.col("offset"),
        "topic": pl.lit(topic),
        "at": effective_time("time"),
    }
    empty = {name: pl.lit(0 if kind == pl.Int64() else "") for name, kind in _SCHEMA.items()}
    return rows.select(
        (given | {n: e for n, e in empty.items() if n not in given})[name].cast(kind).alias(name)
        for name, kind in _SCHEMA.items()
    )

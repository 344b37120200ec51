"""What a rule says of an owner whose events keep meeting it, and the postings it names.

An outcome is said when the rule is met, when a higher band is reached, for every late event, and
else at most once in the rule's cool-down. What comes in between would raise no alert, and to list
the same postings at every event would cost more than to find them.

State: for each series of outcomes (an owner, a window, a direction) when the last one was said and
in which band; rows are dropped when they no longer hold anything back.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import polars as pl

from schemas.step import State, Table, TableSpec
from udfs.aml.flow_groups import Array, by_code, dense
from udfs.aml.rule import (
    FLOWS_TABLE,
    LISTED,
    OUTCOME,
    Band,
    Moment,
    RuleParams,
    banded,
)

SAID = TableSpec({"series": "int", "at": "int", "rank": "int"}, key="series")
_NAMED = ("at", "posting_id", "owner_number", "account", "direction", "base", "offset", "late")


def newly(table: Table, found: pl.DataFrame, params: RuleParams, moment: Moment) -> pl.DataFrame:
    """The rows of `found` (series, at, rank, late; in order of time) that are to be said."""
    pause = params.cool_down_s * 1_000_000
    if len(table):
        table.expire("at", moment.since - pause)
    if found.is_empty():
        return found
    rows = table.lookup(found["series"].unique(maintain_order=True))
    said = {
        series: (at, rank)
        for series, at, rank, known in rows.select("series", "at", "rank", "known").rows()
        if known
    }
    keep = []
    for series, at, rank, late in found.select("series", "at", "rank", "late").rows():
        before = said.get(series)
        new = before is None or at >= before[0] + pause or rank > before[1] or late
        keep.append(new)
        if new:
            said[series] = at, rank
    table.upsert(
        pl.DataFrame(
            [(series, *last) for series, last in said.items()], schema=SAID_ROW, orient="row"
        )
    )
    return found.filter(pl.Series(keep, dtype=pl.Boolean))


SAID_ROW = {name: pl.Int64 for name in SAID.columns}


def ranked(found: pl.DataFrame, value: str, bands: Sequence[Band]) -> pl.DataFrame:
    """The rows that reach a band, with band, score and its `rank` from 0."""
    rank = pl.lit(-1, pl.Int64)
    for place, band in enumerate(bands):
        rank = pl.when(pl.col(value) >= band.at_least).then(place).otherwise(rank)
    return banded(found, value, bands).with_columns(rank=rank.cast(pl.Int64))


class History:
    """Remembered postings of a few owners, each owner's in the order in which they counted."""

    def __init__(self, state: State, owners: pl.Series, table: str = FLOWS_TABLE) -> None:
        """All that `table` holds of these owners."""
        rows = state[table].having("owner_number", owners, _NAMED)
        numbers, codes = dense(rows["owner_number"].to_numpy())
        order = by_code(codes)
        ends = np.cumsum(np.bincount(codes, minlength=len(numbers))).tolist()
        self.places = dict(zip(numbers.tolist(), pairwise([0, *ends]), strict=True))
        self.rows = rows[order]
        self.at = self.rows["at"].to_numpy()
        self.ids: list[str] = self.rows["posting_id"].to_list()

    def up_to(self, owner: int, after: int, posting_id: str) -> Array:
        """Places in `rows` of the owner's postings after `after`, up to and with `posting_id`."""
        start, end = self.places[owner]
        while self.ids[end - 1] != posting_id:
            end -= 1
        start += int(np.searchsorted(self.at[start:end], after, side="right"))
        return np.arange(start, end)


class Report:
    """Outcomes in the making, a list a column."""

    def __init__(self, history: History) -> None:
        """No outcomes; the postings they will name stand in `history`."""
        self.history = history
        self.columns: dict[str, list[object]] = {name: [] for name in OUTCOME}
        self.offset = history.rows["offset"].to_numpy()
        self.late = history.rows["late"].to_numpy()
        self.account = history.rows["account"].to_list()

    def add(self, row: Mapping[str, object], places: Array, **said: object) -> None:
        """One outcome of the event `row`, resting on the postings at `places` in the history."""
        listed = places.tolist()
        accounts = {self.account[place] for place in listed}
        offset = self.offset[places]
        values = {
            "at": row["at"],
            "subject": row["owner"],
            "account": accounts.pop() if len(accounts) == 1 else "",
            "band": row["band"],
            "score": row["score"],
            "events": [self.history.ids[place] for place in listed[:LISTED]],
            "event_count": len(listed),
            "first_time": int(self.history.at[places[0]]),
            "last_time": int(self.history.at[places[-1]]),
            "first_offset": int(offset.min()),
            "last_offset": int(offset.max()),
            "late": bool(self.late[places].any()),
            **said,
        }
        for name, column in self.columns.items():
            column.append(values[name])

    def frame(self) -> pl.DataFrame:
        """The outcomes."""
        return pl.DataFrame(self.columns, schema=OUTCOME)


def single(found: pl.DataFrame) -> pl.DataFrame:
    """Outcomes that each rest on one event, from columns of the event and of what is said of it."""
    return found.with_columns(
        subject=pl.col("owner"),
        amount=pl.col("base"),
        events=pl.concat_list("posting_id"),
        event_count=pl.lit(1, pl.Int64),
        first_time=pl.col("at"),
        last_time=pl.col("at"),
        first_offset=pl.col("offset"),
        last_offset=pl.col("offset"),
    ).select(pl.col(name).cast(kind) for name, kind in OUTCOME.items())


def usd(minor: int) -> str:
    """Minor units of the base currency as text, as in 9500.00 USD."""
    return f"{minor // 100}.{minor % 100:02d} USD"


def scaled(limit: int, factor: int) -> int:
    """A limit of money for an owner: the least that no longer lies under `limit` * `factor`."""
    return -(-limit * factor // 1_000_000)


def lasting(microseconds: int) -> str:
    """A length of time as text, as in 3 h 12 min."""
    minutes = microseconds // 60_000_000
    return f"{minutes // 60} h {minutes % 60} min"

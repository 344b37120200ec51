"""What a rule says of an owner whose events keep meeting it, and the postings it names.

An outcome is said when the rule is met; then, until the rule's cool-down is over, only if it
reaches a higher band or its event is late. Alert handling would fold the others, so no alert is
lost; but a cool-down that began in a snooze holds back what is met after the snooze until it ends.

State: for each owner when the last cool-down began and the highest band since; rows are dropped
when they no longer hold anything back.
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

SAID = TableSpec({"owner_number": "int", "at": "int", "rank": "int"}, key="owner_number")
_NAMED = ("at", "posting_id", "owner_number", "account", "offset", "late")


def newly(table: Table, found: pl.DataFrame, params: RuleParams, moment: Moment) -> pl.DataFrame:
    """The rows of `found` (owner_number, at, rank, late; in order of time) that are to be said."""
    pause = params.cool_down_s * 1_000_000
    if len(table):
        table.expire("at", moment.since - pause)
    if found.is_empty():
        return found
    rows = table.lookup(found["owner_number"].unique(maintain_order=True))
    open_since = {row[0]: row[1:3] for row in rows.rows() if row[3]}
    keep = []
    for owner, at, rank, late in found.select("owner_number", "at", "rank", "late").rows():
        began, highest = open_since.get(owner, (at - pause, -1))
        if at >= began + pause:
            began, highest, new = at, rank, True
        else:
            highest, new = max(highest, rank), rank > highest or late
        open_since[owner] = began, highest
        keep.append(new)
    said = [(owner, *since) for owner, since in open_since.items()]
    table.upsert(pl.DataFrame(said, schema=dict.fromkeys(SAID.columns, pl.Int64), orient="row"))
    return found.filter(pl.Series(keep, dtype=pl.Boolean))


def ranked(found: pl.DataFrame, value: str, bands: Sequence[Band]) -> pl.DataFrame:
    """The rows that reach a band, with band, score and its `rank` from 0."""
    rank = pl.lit(-1, pl.Int64)
    for place, band in enumerate(bands):
        rank = pl.when(pl.col(value) >= band.at_least).then(place).otherwise(rank)
    return banded(found, value, bands).with_columns(rank=rank.cast(pl.Int64))


class History:
    """Remembered postings of a few owners, each owner's in the order in which they counted."""

    def __init__(
        self,
        state: State,
        owners: pl.Series,
        more: Sequence[str] = (),
        table: str = FLOWS_TABLE,
    ) -> None:
        """All that `table` holds of these owners, with the columns `more`."""
        rows = state[table].having("owner_number", owners, (*_NAMED, *more))
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

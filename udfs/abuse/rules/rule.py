"""What a rule is shown, and what it says.

A rule looks at the events of a batch, each with what was known then, and says where its practice
was met. What it says at an event depends on the log up to that event only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal, Protocol, TypeVar

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from schemas.step import State, TableSpec
from udfs.abuse.facts import Columns, Facts
from udfs.abuse.features import FEATURES, Array
from udfs.abuse.memory import TRADES, WITHDRAWN

WHOLE = 1_000_000
"""A share is in parts per million."""
Kind = Literal["ORDER", "TRADE", "CANCEL"]
BandName = Literal["LOW", "MEDIUM", "HIGH"]
Share = Annotated[int, Field(ge=0, le=WHOLE)]
Whole = Annotated[int, Field(ge=0, le=10**15)]


class RuleParams(BaseModel):
    """What every rule lets one choose.

    Attributes:
        enabled: Whether the rule runs.
        cool_down_s: So long after an alert the rule raises none for the owner in the book, seconds;
            less than memory.FORGOTTEN.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    cool_down_s: Annotated[int, Field(ge=0, le=2_592_000)] = 600


@dataclass(frozen=True)
class Piece:
    """One event behind an alert: fields of the record Evidence; isin and mic if not the alert's."""

    kind: Kind
    time: int
    event_id: str
    order_id: str
    side: int
    price: int
    quantity: int
    offset: int
    book: tuple[int, ...]
    isin: str = ""
    mic: str = ""


@dataclass(frozen=True)
class Hit:
    """A rule was met.

    Attributes:
        row: Row of the batch that met it.
        band: How strongly.
        score: The same from 0 to 1,000,000.
        measured: What was measured.
        limit: What it was compared with.
        reason: Why it was met, in words.
        pieces: The events behind it.
        quantity: Pieces concerned.
        price: Their price, for the amount.
        subject: Whom it is about, if not the owner of the event.
    """

    row: int
    band: BandName
    score: int
    measured: str
    limit: str
    reason: str
    pieces: Sequence[Piece]
    quantity: int
    price: int
    subject: str = ""


@dataclass(frozen=True)
class View:
    """A batch as rules see it.

    Attributes:
        state: Has the tables, as after the batch.
        facts: The events and what was known at each.
        scored: The orders that ended, as udfs.abuse.scored.rows gives them.
        close: Time of the day from which trades count as near the close, microseconds.
    """

    state: State
    facts: Facts
    scored: pl.DataFrame
    close: int

    @cached_property
    def features(self) -> Columns:
        """FEATURES of the orders that ended, and `row`."""
        return {name: self.scored[name].to_numpy() for name in ("row", *FEATURES)}

    @cached_property
    def strings(self) -> Mapping[str, Sequence[str]]:
        """Texts of the events."""
        names = ("event_id", "order_id", "owner", "counter_owner", "member", "trader")
        return {name: self.facts.frame[name].to_list() for name in names}

    def trades(self, pairs: Array, column: str = "pair") -> pl.DataFrame:
        """Remembered trades of these owners in books, in log order."""
        return self.state[TRADES].having(column, pl.Series(pairs))

    def withdrawn(self, pairs: Array) -> pl.DataFrame:
        """Remembered withdrawn orders of these owners in books, in log order."""
        return self.state[WITHDRAWN].having("pair", pl.Series(pairs))

    def piece(self, row: int) -> Piece:
        """An event of the batch."""
        now = self.facts.now
        traded = now["traded"][row] == 1
        price, size = (
            ("last_price", "last_quantity")
            if traded
            else ("price", "removed" if now["ended"][row] else "quantity")
        )
        kind: Kind = "TRADE" if traded else "CANCEL" if now["ended"][row] else "ORDER"
        return Piece(
            kind,
            int(now["time"][row]),
            self.strings["event_id"][row],
            self.strings["order_id"][row],
            int(now["side"][row]),
            int(now[price][row]),
            int(now[size][row]),
            int(now["offset"][row]),
            tuple(int(now[name][row]) for name in BOOK),
        )


BOOK = (
    *("bid", "bid_size", "ask", "ask_size"),
    *("bid_after", "bid_size_after", "ask_after", "ask_size_after"),
)


def trade_piece(row: Mapping[str, Any]) -> Piece:
    """A remembered trade."""
    return Piece(
        "TRADE",
        row["time"],
        row["event_id"],
        row["order_id"],
        row["side"],
        row["price"],
        row["quantity"],
        row["offset"],
        tuple(row[name] for name in BOOK),
    )


def withdrawn_pieces(row: Mapping[str, Any]) -> list[Piece]:
    """A remembered withdrawn order: its entry and its end."""
    book, entered = (tuple(row[f"{part}{name}"] for name in BOOK) for part in ("", "entry_"))
    first, last = row["entry_event"], row["event_id"]
    return [
        _part("ORDER", row, "entry_time", first, "quantity", "entry_offset", entered),
        _part("CANCEL", row, "time", last, "removed", "offset", book),
    ]


def _part(
    kind: Kind,
    row: Mapping[str, Any],
    time: str,
    event: str,
    size: str,
    offset: str,
    book: tuple[int, ...],
) -> Piece:
    order, side, price = row["order_id"], row["side"], row["price"]
    return Piece(kind, row[time], event, order, side, price, row[size], row[offset], book)


P = TypeVar("P", bound=RuleParams, contravariant=True)


class Rule(Protocol[P]):
    """One rule: a name, a version, the state it keeps, and the decision."""

    name: str
    version: str
    tables: Mapping[str, TableSpec]

    def __call__(self, view: View, params: P) -> list[Hit]:
        """Where the practice was met, in log order."""


def per_cent(share: float) -> str:
    """A share in words, to a tenth of a per cent."""
    return f"{round(1000 * share) / 10:g} %"


class Past:
    """Remembered rows, their whole numbers as arrays: for rules that look at many orders each.

    Attributes:
        frame: The rows, in log order.
    """

    def __init__(self, frame: pl.DataFrame) -> None:
        """Take the rows of View.trades or View.withdrawn."""
        self.frame = frame
        whole = (name for name, kind in frame.schema.items() if kind == pl.Int64)
        self._columns = {name: frame[name].to_numpy() for name in whole}

    def __getitem__(self, name: str) -> Array:
        """A column."""
        return self._columns[name]

    def of(self, pair: int, side: int, n: int, since: int) -> Array:
        """Places of an owner's rows on one side, up to and with event number `n`, after `since`."""
        mine = (self["pair"] == pair) & (self["side"] == side)
        return np.flatnonzero(mine & (self["n"] <= n) & (self["at"] > since))


def among(rows: pl.DataFrame, n: int, since: int) -> pl.DataFrame:
    """Remembered rows up to and with event number `n`, after `since`: at most KEPT before it."""
    return rows.filter((pl.col("n") <= n) & (pl.col("at") > since))

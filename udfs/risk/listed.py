"""What is known of the instruments of a shard, kept in memory between batches.

The table of marks is the truth. Most batches bring quotes alone: then the frame has other columns
of quotes, and what follows from the terms stays.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl

from schemas.money import EXPONENTS
from schemas.step import State, Table
from udfs.risk.integers import Ints
from udfs.risk.kept import Kept

QUOTE = ("bid", "ask", "time", "quality")
UNITS = ("currency", "price_scale", "multiplier")
TERMS = ("kind", "base_currency", "underlying", "option_side", "strike", "expiry", *UNITS)


class Listed:
    """What the terms of instruments say; arrays of shape (instruments,), by number.

    Attributes:
        frame: The table of marks in order of number, as it was when terms came in last.
        multiplier: Units a piece stands for; 0 if the instrument's terms are unknown.
        scale: Decimal places of prices and of value units.
        exponent: Decimal places of the minor unit of the currency: fees are in it.
    """

    def __init__(self, frame: pl.DataFrame) -> None:
        """Of the table of marks in order of number."""
        self.frame = frame
        known = (frame["kind"] != "UNKNOWN").to_numpy()
        self.multiplier: Ints = frame["multiplier"].to_numpy() * known
        self.scale: Ints = frame["price_scale"].to_numpy()
        exponent = frame["currency"].replace_strict(EXPONENTS, default=2, return_dtype=pl.Int64)
        self.exponent: Ints = exponent.to_numpy()

    @cached_property
    def isins(self) -> list[str]:
        """The instruments."""
        return self.frame["isin"].to_list()

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each by ISIN."""
        return {isin: number for number, isin in enumerate(self.isins)}

    @cached_property
    def currencies(self) -> list[str]:
        """The currencies that instruments have, sorted."""
        return sorted(set(self.frame["currency"].to_list()))

    @cached_property
    def currency(self) -> Ints:
        """Of each instrument the place of its currency among them."""
        place = {name: at for at, name in enumerate(self.currencies)}
        return np.array([place[name] for name in self.frame["currency"].to_list()], dtype=np.int64)

    @cached_property
    def pairs(self) -> tuple[Ints, list[tuple[str, str, int]]]:
        """The currency pairs by ISIN: their numbers; base currency, currency and price scale."""
        rows = self.frame.filter(kind="FX").sort("isin")
        terms = rows.select("base_currency", "currency", "price_scale").rows()
        return rows["number"].to_numpy(), terms

    @cached_property
    def told(self) -> pl.DataFrame:
        """What is said of an instrument whose positions are told, by number."""
        return self.frame.select("isin", "currency", "price_scale")

    @cached_property
    def reference(self) -> pl.DataFrame:
        """The instruments with terms, as `fills.accepted` takes them."""
        return self.frame.filter(pl.Series(self.multiplier > 0)).select(
            "isin", "currency", "price_scale", "multiplier", value_scale="price_scale"
        )

    @cached_property
    def settled(self) -> dict[tuple[object, ...], int]:
        """The number of each instrument with terms, by ISIN and TERMS.

        A mark that says all of that brings nothing but a quote.
        """
        usable = pl.Series(self.multiplier > 0) & (self.frame["terms_point"] > 0)
        rows = self.frame.filter(usable)
        numbers = rows["number"].to_list()
        return dict(zip(rows.select("isin", *TERMS).rows(), numbers, strict=True))


@dataclass(frozen=True)
class Terms:
    """What is known of instruments.

    Attributes:
        frame: The table of marks in order of number.
        listed: What their terms say.
        actions: Splits and dividends that were announced, by time.
    """

    frame: pl.DataFrame
    listed: Listed
    actions: pl.DataFrame

    @property
    def multiplier(self) -> Ints:
        """Units a piece stands for, by number; 0 if the instrument's terms are unknown."""
        return self.listed.multiplier

    @property
    def scale(self) -> Ints:
        """Decimal places of prices and of value units, by number."""
        return self.listed.scale

    @property
    def exponent(self) -> Ints:
        """Decimal places of the minor unit of the currency, by number."""
        return self.listed.exponent


def _read(table: Table) -> Terms:
    frame = table.frame()
    frame = frame[np.argsort(frame["number"].to_numpy())]
    return Terms(frame, Listed(frame), pl.DataFrame())


_KNOWN = Kept(_read)


def terms(state: State, announced: pl.DataFrame | None = None) -> Terms:
    """The instruments there are, by number.

    Args:
        state: The tables of the shard.
        announced: The actions that `actions.take` gave.
    """
    known = _KNOWN.of(state["marks"])
    return known if announced is None else replace(known, actions=announced)


def retold(state: State, rows: pl.DataFrame) -> None:
    """Put rows of the table whose instruments may be new, or their terms."""
    state["marks"].upsert(rows)
    _KNOWN.forget(state["marks"])


def requoted(state: State, number: Ints, columns: dict[str, Ints]) -> None:
    """Put columns of some instruments that are known, none of them of TERMS.

    Args:
        state: The tables of the shard.
        number: Their numbers, each once.
        columns: By name, aligned.
    """
    known = _KNOWN.of(state["marks"])
    state["marks"].upsert(pl.DataFrame({"isin": known.frame["isin"][number]} | columns))
    whole = {name: known.frame[name].to_numpy().copy() for name in columns}
    for name, column in columns.items():
        whole[name][number] = column
    frame = known.frame.with_columns(pl.Series(name, column) for name, column in whole.items())
    _KNOWN.put(state["marks"], replace(known, frame=frame))

"""Splits and dividends in state: applied to positions between the fills before and after them.

A fill that is dated before an action and one that is dated from it on are in different units. The
action is applied when the watermark of fills has passed it: until then fills dated from it on wait,
and what is dated before it and comes after the watermark is refused, because its units are gone.
An action must be announced before its time; one that is not is refused.
"""

from collections.abc import Callable

import numpy as np
import polars as pl

from schemas.money import divide
from schemas.step import State
from udfs.risk import corporate
from udfs.risk.book_state import TABLES, set_value, value_of
from udfs.risk.integers import Bools, Ints, plus
from udfs.risk.parameters import DAY_US
from udfs.risk.positions import Positions

TABLE, PASSED = "actions", "fills passed"
DIVIDEND = "DIVIDEND"
_COLUMNS = tuple(TABLES[TABLE].columns)
TOO_LATE = "announced after its time"
Change = Callable[[Positions, Ints], Positions]


def take(
    state: State, actions: pl.DataFrame | None, watermark: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The actions in state and new ones, by time; and the records that came too late to be used.

    Args:
        state: The tables of the shard.
        actions: Records CorporateAction; None without any.
        watermark: That of fills after this batch, microseconds UTC.
    """
    passed = value_of(state, PASSED)
    if watermark > passed:
        set_value(state, PASSED, watermark)
    late = pl.DataFrame()
    if actions is not None and actions.height:
        good = pl.col("time") >= passed
        late = actions.filter(~good)
        rows = actions.filter(good).with_columns(pl.col("price_scale").cast(pl.Int64))
        state[TABLE].append(rows.select(*_COLUMNS))
    if not len(state[TABLE]):
        return state[TABLE].frame(), late
    state[TABLE].expire("time", passed - 2 * DAY_US)
    return state[TABLE].frame().sort("time", "offset"), late


def between(actions: pl.DataFrame, low: int, high: int) -> pl.DataFrame:
    """The actions with low <= time < high: those a watermark passes on its way."""
    if actions.is_empty():
        return actions
    return actions.filter((pl.col("time") >= low) & (pl.col("time") < high))


def waits(fills: pl.DataFrame, actions: pl.DataFrame, watermark: int) -> Bools:
    """Which fills are dated from an action on that the watermark has not passed."""
    out = np.zeros(fills.height, dtype=np.bool_)
    if actions.is_empty():
        return out
    coming = actions.filter(pl.col("time") >= watermark)
    for isin, time in coming.select("isin", "time").rows():
        of = (fills["isin"] == isin) & (fills["trade_time"] >= time)
        out |= of.to_numpy()
    return out


def overtaken(fills: pl.DataFrame, actions: pl.DataFrame) -> Bools:
    """Which fills are dated before an action and came after the watermark had passed it."""
    out = np.zeros(fills.height, dtype=np.bool_)
    for isin, time in actions.select("isin", "time").rows():
        of = (fills["isin"] == isin) & (fills["trade_time"] < time) & (fills["watermark"] > time)
        out |= of.to_numpy()
    return out


def change(action: dict[str, object], scale: int) -> Change:
    """What an action does to positions in its instrument.

    Args:
        action: A row of the table.
        scale: The instrument's price scale; the amount is brought to it, rounded half to even.

    Returns:
        A function of positions and the multiplier of each. Positions that the action would take out
        of their bounds stay as they are.
    """
    new, old, amount, places = (
        int(str(action[name])) for name in ("new", "old", "amount", "price_scale")
    )
    price = amount * 10 ** (scale - places) if scale >= places else _down(amount, places - scale)

    def applied(before: Positions, multiplier: Ints) -> Positions:
        try:
            if action["kind"] == DIVIDEND:
                cash = corporate.dividend(before.quantity, price, multiplier)
                return Positions(
                    before.quantity,
                    before.cost,
                    plus(before.realised_average, cash),
                    plus(before.realised_fifo, cash),
                    before.lots,
                )
            every = np.ones(before.quantity.size, dtype=np.bool_)
            return corporate.split(before, every, new, old, price, multiplier).positions
        except OverflowError:
            return before

    return applied


def _down(amount: int, places: int) -> int:
    return divide(amount, 10**places)


def in_units(
    price: Ints, time: Ints, number: dict[str, int], actions: pl.DataFrame, applied_before: int
) -> Ints:
    """Prices in the units of the positions: a mark from the other side of a split is converted.

    Args:
        price: Price units by instrument.
        time: Business time of each mark.
        number: Of each instrument by ISIN.
        actions: The actions in state.
        applied_before: Splits with a time before this one are in the positions.
    """
    price = price.copy()
    splits = actions.filter(pl.col("kind") != DIVIDEND)
    for isin, at, new, old in splits.select("isin", "time", "new", "old").rows():
        i = number.get(isin)
        if i is None or price[i] == 0:
            continue
        if at < applied_before and time[i] < at:
            price[i] = corporate.split_price(price[i], new, old)
        elif at >= applied_before and time[i] >= at:
            price[i] = corporate.split_price(price[i], old, new)
    return price

"""Folds fills, splits and dividends into positions in state; only those that are touched are read.

Positions stand in two pairs of tables: after every fill, and after those up to the last valuation
point. Their lots are packed as whole numbers of 64 bits: quantity, opened, value.
"""

import numpy as np
import polars as pl

from schemas.step import State
from udfs.risk import actions
from udfs.risk.fifo import Lots
from udfs.risk.integers import Bools, Ints, sums
from udfs.risk.kept import FRAMES
from udfs.risk.listed import Terms
from udfs.risk.positions import Positions, apply

LIVE, SETTLED = ("holdings", "lots"), ("settled", "settled_lots")
"""The tables of positions after every fill, and after those up to the last valuation point."""
_NOTED = ("position", "book", "instrument", "fees", "first", "last")


def fold_across(
    state: State, tables: tuple[str, str], fills: pl.DataFrame, due: pl.DataFrame, known: Terms
) -> Bools:
    """Fold fills and actions: of an instrument the fills dated before an action come before it.

    Args:
        state: The tables of the shard.
        tables: LIVE or SETTLED.
        fills: As in `fold`, with trade_time.
        due: The actions, by time.
        known: The instruments.

    Returns:
        Which of the fills could be folded.
    """
    if due.is_empty():
        return fold(state, tables, fills, known)
    done = np.zeros(fills.height, dtype=np.bool_)
    left = np.ones(fills.height, dtype=np.bool_)
    for action in due.iter_rows(named=True):
        place = known.frame.filter(isin=action["isin"])
        if place.is_empty():
            continue
        number = int(place["number"][0])
        before = (fills["instrument"] == number) & (fills["trade_time"] < action["time"])
        now = np.flatnonzero(before.to_numpy() & left)
        done[now] = fold(state, tables, fills[now], known)
        left[now] = False
        held = FRAMES.of(state[tables[0]]).filter(pl.col("instrument") == number)
        if held.is_empty():
            continue
        positions, rows = load(state, tables, held["position"].to_numpy())
        multiplier = np.full(held.height, known.multiplier[number])
        scale = int(known.scale[number])
        after = actions.change(action, scale)(positions, multiplier)
        store(state, tables, after, rows.select(_NOTED))
    rest = np.flatnonzero(left)
    done[rest] = fold(state, tables, fills[rest], known)
    return done


def fold(state: State, tables: tuple[str, str], fills: pl.DataFrame, known: Terms) -> Bools:
    """Fold fills, in their order, into positions; which of them could be.

    Args:
        state: The tables of the shard.
        tables: LIVE or SETTLED.
        fills: position, book, instrument, units, price (price units), fee (minor units), offset.
        known: The instruments.
    """
    done = np.ones(fills.height, dtype=np.bool_)
    if fills.is_empty():
        return done
    position = fills["position"].to_numpy()
    units, price = fills["units"].to_numpy(), fills["price"].to_numpy()
    multiplier = known.multiplier[fills["instrument"].to_numpy()]
    touched, at = np.unique(position, return_inverse=True)
    before, held = load(state, tables, touched)
    try:
        after, _ = apply(before, at, units, price, multiplier)
    except OverflowError:
        after = before
        for i in range(fills.height):
            try:
                after, _ = apply(after, at[[i]], units[[i]], price[[i]], multiplier[[i]])
            except OverflowError:
                done[i] = False
    store(state, tables, after, _noted(held, touched, fills, at, done))
    return done


def _noted(
    held: pl.DataFrame, touched: Ints, fills: pl.DataFrame, at: Ints, done: Bools
) -> pl.DataFrame:
    """What a position notes of its fills: book, instrument, fees, first and last offset."""
    size = touched.size
    offset = fills["offset"].to_numpy()
    last = held["last"].to_numpy().copy()
    first = np.where(held["known"].to_numpy(), held["first"].to_numpy(), np.int64(2**62))
    np.minimum.at(first, at, offset)
    np.maximum.at(last, at, offset)
    fees = held["fees"].to_numpy().copy()
    np.add.at(fees, at[done], fills["fee"].to_numpy()[done])
    book, instrument = np.zeros(size, np.int64), np.zeros(size, np.int64)
    book[at], instrument[at] = fills["book"].to_numpy(), fills["instrument"].to_numpy()
    return pl.DataFrame(
        {
            "position": touched,
            "book": book,
            "instrument": instrument,
            "fees": fees,
            "first": first,
            "last": last,
        }
    )


def load(state: State, tables: tuple[str, str], chosen: Ints) -> tuple[Positions, pl.DataFrame]:
    """Some positions as they stand, with what else their rows hold."""
    held = state[tables[0]].lookup(pl.Series(chosen))
    lots = _lots(state, tables, chosen)
    quantity, cost, realised, fifo = (
        held[name].to_numpy() for name in ("quantity", "cost", "realised", "realised_fifo")
    )
    return Positions(quantity, cost, realised, fifo, lots), held


def _lots(state: State, tables: tuple[str, str], chosen: Ints) -> Lots:
    """The open lots of some positions."""
    blobs = state[tables[1]].lookup(pl.Series(chosen))["lots"].to_list()
    counts = np.fromiter(map(len, blobs), dtype=np.int64, count=len(blobs)) // 24
    parts = np.frombuffer(b"".join(blobs), dtype="<i8").astype(np.int64).reshape(-1, 3)
    return Lots(np.repeat(np.arange(chosen.size), counts), *(parts[:, i] for i in range(3)))


def store(state: State, tables: tuple[str, str], after: Positions, noted: pl.DataFrame) -> None:
    """Put positions back, with what else their rows hold."""
    lots = after.lots
    octets = np.stack([lots.quantity, lots.opened, lots.value], axis=1).astype("<i8").tobytes()
    ends = (24 * np.cumsum(np.bincount(lots.position, minlength=noted.height))).tolist()
    blobs = [octets[a:b] for a, b in zip([0, *ends], ends, strict=False)]
    state[tables[0]].upsert(
        noted.with_columns(
            quantity=pl.Series(after.quantity),
            cost=pl.Series(after.cost),
            realised=pl.Series(after.realised_average),
            realised_fifo=pl.Series(after.realised_fifo),
        )
    )
    FRAMES.forget(state[tables[0]])
    state[tables[1]].upsert(
        pl.DataFrame({"position": noted["position"], "lots": pl.Series(blobs, dtype=pl.Binary)})
    )


def cost_fifo(state: State, tables: tuple[str, str], chosen: Ints) -> Ints:
    """Signed cost of the open lots of some positions, value units."""
    lots = _lots(state, tables, chosen)
    return sums(lots.cost(), lots.position, chosen.size)

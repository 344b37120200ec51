"""Fills to positions in state, by FIFO and at average cost; only what fills touch is folded.

Fills count in log order. A fill that no position can take, because it would leave the bounds of
`positions`, is refused alone; a fill of an instrument without terms waits for them.
"""

import numpy as np
import polars as pl

from schemas.step import State, Table
from udfs.risk import actions
from udfs.risk.book_state import TABLES, set_value, up, value_of
from udfs.risk.fifo import Lots
from udfs.risk.fills import accepted
from udfs.risk.integers import Bools, Ints
from udfs.risk.market import Terms
from udfs.risk.parameters import POINT_US
from udfs.risk.positions import Positions, apply

LIVE, SETTLED = ("holdings", "lots"), ("settled", "settled_lots")
"""The tables of positions after every fill, and after those up to the last valuation point."""
_WAITING = tuple(TABLES["waiting"].columns)
_NOTED = ("position", "book", "instrument", "fees", "first", "last")
APPLIED = "actions applied"
_UNSETTLED = tuple(TABLES["unsettled"].columns)


def take(state: State, fills: pl.DataFrame | None, known: Terms, watermark: int) -> pl.DataFrame:
    """Fold new fills, and those that waited for terms, into the positions after every fill.

    Args:
        state: The tables of the shard.
        fills: Records Fill in log order with their place in the log; None without any.
        known: The instruments, marks of this batch included.
        watermark: That of fills after this batch: actions before it are applied.

    Returns:
        The fills that were folded, in the columns of the table `unsettled`.
    """
    arrived = _with_waiting(state, fills)
    due = actions.between(known.actions, value_of(state, APPLIED), watermark)
    if due.height:
        set_value(state, APPLIED, watermark)
    if arrived.is_empty():
        nothing = pl.DataFrame(schema=dict.fromkeys(_UNSETTLED, pl.Int64))
        fold_across(state, LIVE, nothing, due, known)
        return nothing
    early = pl.Series(actions.waits(arrived, known.actions, watermark))
    state["waiting"].append(arrived.filter(early))
    waited, arrived = arrived.filter(early), arrived.filter(~early)
    reference = known.frame.filter(pl.Series(known.multiplier > 0)).select(
        "isin", "currency", "price_scale", "multiplier", value_scale="price_scale"
    )
    judged = accepted(arrived, reference)
    unknown = pl.col("reason") == "unknown instrument"
    state["waiting"].append(judged.refused.filter(unknown).sort("offset").select(_WAITING))
    books = _book_numbers(state, judged.fills, judged.refused, waited)
    _refuse(state, judged.refused.filter(~unknown), books)
    good = judged.fills.sort("offset")
    gone = pl.Series(actions.overtaken(good, known.actions))
    _refuse(state, good.filter(gone).with_columns(reason=pl.lit("before a split")), books)
    rows = _numbered(state, good.filter(~gone), books, known)
    done = fold_across(state, LIVE, rows, due, known)
    _refuse(state, rows.filter(pl.Series(~done)).with_columns(reason=pl.lit("too large")), books)
    return rows.filter(pl.Series(done)).select(_UNSETTLED)


def _with_waiting(state: State, fills: pl.DataFrame | None) -> pl.DataFrame:
    arrived = None
    if fills is not None:
        arrived = fills.with_columns(pl.col("price_scale").cast(pl.Int64)).select(_WAITING)
    if len(state["waiting"]):
        waited = state["waiting"].frame()
        state["waiting"].clear()
        arrived = waited if arrived is None else pl.concat([waited, arrived])
    return pl.DataFrame() if arrived is None else arrived


def _book_numbers(state: State, *frames: pl.DataFrame) -> pl.DataFrame:
    """The number of each book among the fills: book, of; new books get the next ones."""
    names = pl.concat([frame["book"] for frame in frames]).unique().sort()
    return _coded(state["books"], names).rename({"name": "book", "number": "of"})


def _coded(table: Table, names: pl.Series) -> pl.DataFrame:
    """Numbers of names: name, number; a name not yet known gets the next one."""
    found = table.lookup(names)
    key, fresh = found.columns[0], ~found["known"].to_numpy()
    number = found["number"].to_numpy().copy()
    number[fresh] = len(table) + np.arange(int(fresh.sum()))
    coded = pl.DataFrame({key: names, "number": number})
    if fresh.any():
        table.upsert(coded.filter(pl.Series(fresh)))
    return coded.rename({key: "name"})


def _numbered(state: State, fills: pl.DataFrame, books: pl.DataFrame, known: Terms) -> pl.DataFrame:
    """Accepted fills with numbers for their names, and the points at which they count."""
    instruments = known.frame.select("isin", "terms_point", instrument="number")
    rows = fills.join(instruments, on="isin", how="left", maintain_order="left")
    rows = rows.join(books, on="book", how="left", maintain_order="left")
    keys = rows["isin"] + rows["book"]
    numbers = _coded(state["numbers"], keys.unique(maintain_order=True))
    position = keys.to_frame("name").join(numbers, on="name", how="left", maintain_order="left")
    time, watermark = rows["trade_time"].to_numpy(), rows["watermark"].to_numpy()
    point = np.maximum(up(np.maximum(time, watermark), POINT_US), rows["terms_point"].to_numpy())
    return rows.drop("book").with_columns(
        book=rows["of"],
        name=rows["book"],
        position=position["number"],
        point=pl.Series(point),
        since=pl.Series(up(time, POINT_US)),
    )


def _refuse(state: State, fills: pl.DataFrame, books: pl.DataFrame) -> None:
    """Count fills that can never be used, by book and instrument."""
    if fills.is_empty():
        return
    if "name" in fills.columns:
        fills = fills.with_columns(book=pl.col("name")).drop("of")
    rows = fills.join(books, on="book", how="left", maintain_order="left").select(
        key=pl.col("isin") + pl.col("book"),
        book="of",
        point=pl.Series(
            up(np.maximum(*(fills[c].to_numpy() for c in ("trade_time", "watermark"))), POINT_US)
        ),
        reason="reason",
    )
    new = rows.group_by("key", maintain_order=True).agg(
        pl.col("book").first(), pl.col("point").min(), pl.len().alias("fills").cast(pl.Int64),
        pl.col("reason").last(),
    )  # fmt: skip
    old = state["refused"].lookup(new["key"])
    before = pl.when(old["known"]).then(old["point"]).otherwise(new["point"])
    state["refused"].upsert(
        new.with_columns(
            point=pl.min_horizontal(before, pl.col("point")), fills=pl.col("fills") + old["fills"]
        )
    )


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
        held = state[tables[0]].frame().filter(pl.col("instrument") == number)
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
    keys = pl.Series(chosen)
    held = state[tables[0]].lookup(keys)
    blobs = state[tables[1]].lookup(keys)["lots"].to_list()
    counts = np.fromiter(map(len, blobs), dtype=np.int64, count=len(blobs)) // 24
    parts = np.frombuffer(b"".join(blobs), dtype="<i8").astype(np.int64).reshape(-1, 3)
    lots = Lots(np.repeat(np.arange(chosen.size), counts), *(parts[:, i] for i in range(3)))
    quantity, cost, realised, fifo = (
        held[name].to_numpy() for name in ("quantity", "cost", "realised", "realised_fifo")
    )
    return Positions(quantity, cost, realised, fifo, lots), held


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
    state[tables[1]].upsert(
        pl.DataFrame({"position": noted["position"], "lots": pl.Series(blobs, dtype=pl.Binary)})
    )


def cost_fifo(state: State, tables: tuple[str, str], chosen: Ints) -> Ints:
    """Signed cost of the open lots of some positions, value units."""
    return load(state, tables, chosen)[0].cost_fifo()


def names_of(table: Table) -> list[str]:
    """The names of a table of numbers, by number."""
    frame = table.frame().sort("number")
    return [str(name) for name in frame[frame.columns[0]].to_list()]

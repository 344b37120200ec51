"""Fills that wait: of instruments without terms, or dated after an action that is to come.

They are judged again when instruments got terms or an action was applied, and at no other time, so
that fills of strange instruments do not cost each slice anew.
"""

import numpy as np
import polars as pl

from schemas.step import State
from udfs.risk.book_state import TABLES, set_value, up, value_of
from udfs.risk.kept import Kept
from udfs.risk.parameters import POINT_US

TABLE, JUDGED = "waiting", "terms when judged"
COLUMNS = tuple(TABLES[TABLE].columns)


def arrived(state: State, fills: pl.DataFrame | None, known: int, applied: bool) -> pl.DataFrame:
    """Fills to be judged: those that waited, taken out if they may be of use now, and new ones.

    Args:
        state: The tables of the shard.
        fills: Records Fill in log order with their place in the log; None without any.
        known: How many instruments have terms.
        applied: Whether an action was applied just now.
    """
    new = None
    if fills is not None:
        new = fills.with_columns(pl.col("price_scale").cast(pl.Int64)).select(COLUMNS)
    table = state[TABLE]
    if len(table) and (applied or value_of(state, JUDGED) != known):
        set_value(state, JUDGED, known)
        waited = table.frame()
        table.clear()
        _POSITIONS.forget(table)
        new = waited if new is None else pl.concat([waited, new])
    return pl.DataFrame() if new is None else new


def put(state: State, fills: pl.DataFrame) -> None:
    """Let fills wait."""
    if fills.is_empty():
        return
    table = state[TABLE]
    before = _POSITIONS.of(table)
    table.append(fills.select(COLUMNS))
    _POSITIONS.put(table, _first(pl.concat([before, _placed(fills)])))


def positions(state: State) -> pl.DataFrame:
    """What fills wait for: key, book, and the first point at which one of them counts."""
    return _POSITIONS.of(state[TABLE])


def _placed(fills: pl.DataFrame) -> pl.DataFrame:
    latest = np.maximum(fills["trade_time"].to_numpy(), fills["watermark"].to_numpy())
    key = pl.col("isin") + pl.col("book")
    return fills.select(key.alias("key"), "book", point=pl.Series(up(latest, POINT_US)))


def _first(placed: pl.DataFrame) -> pl.DataFrame:
    return placed.group_by("key").agg(pl.col("book").first(), pl.col("point").min())


_POSITIONS = Kept(lambda table: _first(_placed(table.frame())))

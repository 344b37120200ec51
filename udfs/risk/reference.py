"""What is known of each instrument, from one record of reference data to the next.

The record with the greatest time counts, of equal ones the later in the log; an older one changes
nothing. A record counts from its place in the log on.
"""

import polars as pl

from schemas.step import State, TableSpec

TABLE = "marks.terms"
FIELDS = (
    "kind",
    "currency",
    "base_currency",
    "multiplier",
    "price_scale",
    "underlying",
    "option_side",
    "strike",
    "expiry",
)
"""The terms that a mark carries."""
UNIT = ("currency", "price_scale")
"""The terms that say what a quoted price is a number of."""
TABLES = {
    TABLE: TableSpec(
        columns={
            "isin": "str",
            "kind": "str",
            "currency": "str",
            "base_currency": "str",
            "multiplier": "int",
            "price_scale": "int",
            "underlying": "str",
            "option_side": "str",
            "strike": "int",
            "expiry": "int",
            "since": "int",
            "terms_offset": "int",
        },
        key="isin",
    )
}


def known(state: State, isins: pl.Series) -> pl.DataFrame:
    """The terms of each instrument, aligned; `known` is false where there are none."""
    return state[TABLE].lookup(isins)


def changes(state: State, records: pl.DataFrame) -> pl.DataFrame:
    """The records that change the terms of their instruments, in log order; the state follows.

    Args:
        state: Tables, with TABLE.
        records: Instrument records in log order.

    Returns:
        The columns of TABLE, `appended`, and `turn`: which change of the instrument's UNIT in this
        batch holds from this record on, from 1; 0 before the first one.
    """
    rows = records.select("isin", *FIELDS, "appended", since="time", terms_offset="offset")
    rows = rows.cast({"price_scale": pl.Int64, "expiry": pl.Int64})
    before = known(state, rows["isin"].unique(maintain_order=True)).filter("known").drop("known")
    rows = pl.concat([before.with_columns(appended=pl.lit(-1, pl.Int64)), rows], how="diagonal")
    counts = pl.col("since") == pl.col("since").cum_max().over("isin")
    rows = rows.filter(counts).with_columns(
        changed=_changed(FIELDS), turned=_changed(UNIT), new=pl.col("appended") >= 0
    )
    offset = pl.when("changed").then("terms_offset").forward_fill().over("isin")
    turn = (pl.col("turned") & pl.col("new")).cum_sum().over("isin")
    rows = rows.with_columns(terms_offset=offset, turn=turn.cast(pl.Int64)).filter("new")
    last = rows.unique("isin", keep="last", maintain_order=True)
    if last.height:
        state[TABLE].upsert(last.select(*TABLES[TABLE].columns))
    return rows.filter("changed").drop("changed", "turned", "new")


def _changed(names: tuple[str, ...]) -> pl.Expr:
    """Whether any of these columns differs from the row of the instrument before; true at first."""
    return pl.any_horizontal(
        pl.col(name).ne_missing(pl.col(name).shift().over("isin")) for name in names
    )

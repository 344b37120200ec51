"""What a rule remembers of an account it follows: its latest postings of some kinds, in order.

One row an account, found by key, so that a batch costs what it touches and not what is remembered.
The postings are text: fields parted by tabs, postings by line ends; ids and codes hold neither. Of
an account the latest KEPT postings within the rule's reach are looked at, older ones are forgotten:
so an account with very many of them costs no more than others.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from schemas.step import Table, TableSpec
from udfs.aml import cash_window as cash
from udfs.aml.cash_window import Ints

KEPT = 256
"""So many postings of an account are looked at, the one that meets the rule included."""
LOG = TableSpec({"account": "str", "last": "int", "log": "str"}, key="account")

_FIELDS: Mapping[str, type[pl.DataType]] = {
    "at": pl.Int64,
    "posting_id": pl.String,
    "role": pl.String,
    "place": pl.String,
    "base": pl.Int64,
    "offset": pl.Int64,
    "late": pl.String,
}


def followed(table: Table, fresh: pl.DataFrame, leading: Sequence[str]) -> pl.DataFrame:
    """The remembered and the new postings of the accounts that are followed.

    An account is followed from a posting in a `leading` role on, for as long as one is remembered;
    other new postings are left out.

    Args:
        table: The rule's table, laid out as LOG.
        fresh: account, at, posting_id, role, place, base, offset, late and what else the rule asks
            of the events that came due.
        leading: Roles that make an account followed.

    Returns:
        The columns of `fresh`, empty for remembered postings beyond the ones named, and `due`;
        sorted by (account, at, posting_id).
    """
    known = table.lookup(fresh["account"].unique()).filter("known")
    lead = fresh.filter(pl.col("role").is_in(list(leading)))["account"]
    accounts = pl.concat([known["account"], lead]).unique()
    fresh = fresh.filter(pl.col("account").is_in(accounts.implode())).with_columns(due=pl.lit(True))
    past = known.filter(pl.col("account").is_in(fresh["account"].unique().implode()))
    parts = pl.concat([_unpacked(past).with_columns(due=pl.lit(False)), fresh], how="diagonal")
    return parts.sort("account", "at", "posting_id")


def remember(
    table: Table, entries: pl.DataFrame, leading: Sequence[str], until: int, reach: int
) -> None:
    """Keep what later windows of `reach` microseconds can hold of these accounts, forget others."""
    kept = entries.filter(pl.col("at") > until - reach)
    kept = kept.group_by("account", maintain_order=True).tail(KEPT)
    text = pl.concat_str([pl.col(name).cast(pl.String) for name in _FIELDS], separator="\t")
    lead = pl.col("at").filter(pl.col("role").is_in(list(leading)))
    logs = (
        kept.group_by("account", maintain_order=True)
        .agg(last=lead.max(), log=text.str.join("\n"))
        .drop_nulls("last")
    )
    ended = entries.select("account").unique().join(logs, on="account", how="anti")
    gone = ended.with_columns(last=pl.lit(until - reach, pl.Int64), log=pl.lit(""))
    table.upsert(pl.concat([logs, gone]))
    table.expire("last", until - reach + 1)


def starts(entries: pl.DataFrame, window: int) -> Ints:
    """Index of the first posting of each one's window, at most KEPT - 1 before it."""
    first = cash.starts(cash.codes(entries, "account"), cash.integers(entries, "at"), window)
    return np.maximum(first, np.arange(len(entries)) - KEPT + 1)


def _unpacked(logs: pl.DataFrame) -> pl.DataFrame:
    fields = pl.col("log").str.split_exact("\t", len(_FIELDS) - 1)
    parts = (
        logs.select("account", pl.col("log").str.split("\n"))
        .explode("log")
        .with_columns(fields.struct.rename_fields(list(_FIELDS)))
        .unnest("log")
    )
    casts = [pl.col(name).cast(kind) for name, kind in _FIELDS.items()]
    return parts.with_columns(casts).with_columns(late=pl.col("late") == "true")

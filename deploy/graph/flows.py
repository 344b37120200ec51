"""The part of the transfers that may belong to rings: money of structurers, and where it goes.

A payee matters to a customer if a fair share of all that the customer sent goes there. A collector
is one who matters to several customers with evidence, or to several who collect themselves.
"""

from dataclasses import dataclass

import polars as pl

from deploy.graph.params import WHOLE, Params


@dataclass(frozen=True)
class Flows:
    """Who sent how much to whom in the window, and what of it is looked at.

    Attributes:
        sent: All of it: source, target, amount; sorted by the first two.
        kept: The rows of `sent` that lead to a collector or away from one and matter to the payer.
        marked: Customers with evidence.
        collectors: Customers and accounts who collect.
    """

    sent: pl.DataFrame
    kept: pl.DataFrame
    marked: frozenset[str]
    collectors: frozenset[str]


def flows(transfers: pl.DataFrame, marked: frozenset[str], params: Params) -> Flows:
    """What is looked at of the transfers of a window.

    Args:
        transfers: Columns source, target, amount (minor units of one currency).
        marked: Customers with evidence.
        params: Of the search.
    """
    sent = (
        transfers.group_by("source", "target").agg(pl.col("amount").sum()).sort("source", "target")
    )
    amount = pl.col("amount").cast(pl.Int128)
    main = sent.filter(amount * WHOLE >= amount.sum().over("source") * params.main)
    collectors = _collectors(main, marked, params.senders)
    of = sorted(collectors)
    kept = main.filter(pl.col("target").is_in(of) | pl.col("source").is_in(of))
    return Flows(sent, kept, marked, collectors)


def _collectors(main: pl.DataFrame, marked: frozenset[str], senders: int) -> frozenset[str]:
    """Those who get main transfers of so many customers with evidence or other collectors."""
    found: frozenset[str] = frozenset()
    while True:
        active = sorted(marked | found)
        counted = main.filter(pl.col("source").is_in(active)).group_by("target").len()
        more = frozenset(counted.filter(pl.col("len") >= senders)["target"].to_list())
        if more == found:
            return found
        found = more

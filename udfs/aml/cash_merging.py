"""Money merged in one account and sent abroad from it: the forms that the rule consolidation asks.

Entries are the postings of followed accounts as in cash_log, sorted by account and time, with
`begin` (first posting of the window), limit_minor and small. Their roles: OWN and OTHER bring money
in from another account of the owner or from another customer, whose id is the `place`; OUT sends it
abroad.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from udfs.aml import cash_window as cash
from udfs.aml.cash_window import Flags, Ints
from udfs.aml.rule import WHOLE

OWN, OTHER, OUT = "OWN", "OTHER", "OUT"


class Hit(NamedTuple):
    """A transfer abroad that meets a form.

    Attributes:
        hit: Its row number.
        own: Whether the accounts that feed are the owner's.
        feeders: How many accounts or customers feed.
        deposits: Small cash deposits into them; 0 where they are not seen.
        merged: What they fed in, minor units.
        amount: What went abroad of it, this transfer included.
        chosen: Row numbers of all of that in order of time.
    """

    hit: int
    own: bool
    feeders: int
    deposits: int
    merged: int
    amount: int
    chosen: list[int]


_TYPES: Mapping[str, pl.DataType] = {
    "hit": pl.Int64(),
    "own": pl.Boolean(),
    "feeders": pl.Int64(),
    "deposits": pl.Int64(),
    "merged": pl.Int64(),
    "amount": pl.Int64(),
    "chosen": pl.List(pl.Int64),
}


def best(hits: Sequence[Hit]) -> pl.DataFrame:
    """One row a transfer: the form with the owner's accounts where it meets both."""
    frame = pl.DataFrame(hits, schema=_TYPES, orient="row")
    return frame.sort("hit", "own", descending=[False, True]).unique(
        "hit", keep="first", maintain_order=True
    )


def suspects(entries: pl.DataFrame, accounts: int) -> Ints:
    """Transfers abroad with enough of the owner's accounts and more than the limit before them."""
    own = (entries["role"] == OWN).to_numpy()
    feeders, merged = _fed(entries, own)
    out = (entries["due"] & (entries["role"] == OUT)).to_numpy()
    enough = (feeders >= accounts) & (merged > cash.integers(entries, "limit_minor"))
    return np.flatnonzero(out & enough)


def by_others(entries: pl.DataFrame, payers: int, share: int) -> Iterator[Hit]:
    """Transfers abroad of at least `share` ppm of what that many customers paid in."""
    paid, out = ((entries["role"] == role).to_numpy() for role in (OTHER, OUT))
    feeders, merged = _fed(entries, paid)
    index, begin = np.arange(len(entries)), cash.integers(entries, "begin")
    following = np.minimum.accumulate(np.where(paid, index, len(index))[::-1])[::-1]
    since = np.minimum(following[begin], index)
    sent = cash.sums(np.where(out, cash.integers(entries, "base"), 0), since)
    met = out & entries["due"].to_numpy() & (feeders >= payers)
    met &= merged > cash.integers(entries, "limit_minor")
    met &= sent >= -cash.part(-merged, share)
    for hit in np.flatnonzero(met).tolist():
        window = index[begin[hit] : hit + 1]
        chosen = window[paid[window] | (out[window] & (window >= since[hit]))]
        yield Hit(
            hit, False, int(feeders[hit]), 0, int(merged[hit]), int(sent[hit]), chosen.tolist()
        )


def by_own(rows: pl.DataFrame, size: int, asked: Ints, window: int, share: int) -> Iterator[Hit]:
    """Transfers abroad of at least `share` ppm of what accounts fed with small cash brought in.

    Args:
        rows: The entries, `size` of them, and after them the owners' cash-ins in order of time.
        size: Number of entries.
        asked: The entries to look at, as `suspects` finds them.
        window: Length of the window, microseconds.
        share: Least share of the merged sum that went abroad, ppm.
    """
    at, base = cash.integers(rows, "at"), cash.integers(rows, "base")
    order = np.empty(len(rows), dtype=np.int64)
    order[rows.select(pl.arg_sort_by("at", "posting_id")).to_series().to_numpy()] = np.arange(
        len(rows)
    )
    own, out = ((rows["role"] == role).fill_null(False).to_numpy() for role in (OWN, OUT))
    numbered = rows.with_row_index("row")[size:].group_by("owner", "account", maintain_order=True)
    paid_in = {(o, a): np.array(r) for o, a, r in numbered.agg("row").rows()}
    begin, place, nobody = rows["begin"], rows["place"], np.empty(0, dtype=np.int64)
    for hit in asked.tolist():
        span = np.arange(begin[hit], hit + 1)
        feeds = span[own[span]]
        names = place.gather(feeds).to_numpy()
        fed, deposits = [], []
        for name in set(names):
            mine = feeds[names == name]
            small = paid_in.get((rows["owner"][hit], name), nobody)
            inside = (at[small] > at[hit] - window) & (at[small] <= at[mine[-1]])
            small = small[inside & (base[small] < rows["small"][hit])]
            if len(small):
                fed.append(mine)
                deposits.append(small)
        if not fed:
            continue
        merging, cash_in = np.concatenate(fed), np.concatenate(deposits)
        sent = span[out[span] & (span > merging.min())]
        merged, amount = int(base[merging].sum()), int(base[sent].sum())
        if merged > rows["limit_minor"][hit] and amount * WHOLE >= merged * share:
            chosen = np.concatenate([cash_in, merging, sent])
            chosen = chosen[np.argsort(order[chosen])]
            yield Hit(hit, True, len(fed), len(cash_in), merged, amount, chosen.tolist())


def _fed(entries: pl.DataFrame, role: Flags) -> tuple[Ints, Ints]:
    """How many feed in each window, and how much."""
    begin = cash.integers(entries, "begin")
    feeders = cash.distinct(cash.codes(entries, "place"), begin, role)
    return feeders, cash.sums(np.where(role, cash.integers(entries, "base"), 0), begin)

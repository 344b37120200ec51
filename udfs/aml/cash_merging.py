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
    chosen: Ints


_TYPES: Mapping[str, pl.DataType] = {
    "hit": pl.Int64(),
    "own": pl.Boolean(),
    "feeders": pl.Int64(),
    "deposits": pl.Int64(),
    "merged": pl.Int64(),
    "amount": pl.Int64(),
}


def best(hits: Sequence[Hit]) -> tuple[Ints, pl.DataFrame]:
    """One row a transfer, as `told` takes them: with own accounts where it meets both forms."""
    one = {hit.hit: hit for hit in sorted(hits, key=lambda hit: hit.own)}
    return cash.runs([one[hit] for hit in sorted(one)], _TYPES)


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
        yield Hit(hit, False, int(feeders[hit]), 0, int(merged[hit]), int(sent[hit]), chosen)


def by_own(rows: pl.DataFrame, size: int, asked: Ints, window: int, share: int) -> Iterator[Hit]:
    """Transfers abroad of at least `share` ppm of what accounts fed with small cash brought in.

    Args:
        rows: The entries, `size` of them, and after them the owners' cash-ins, sorted by owner and
            time.
        size: Number of entries.
        asked: The entries to look at, as `suspects` finds them.
        window: Length of the window, microseconds.
        share: Least share of the merged sum that went abroad, ppm.
    """
    at, base = cash.integers(rows, "at"), cash.integers(rows, "base")
    in_time = np.empty(len(rows), dtype=np.int64)
    in_time[rows.select(pl.arg_sort_by("at", "posting_id")).to_series()] = np.arange(len(rows))
    source = cash.codes(rows.select(source=pl.coalesce("place", "account")), "source")
    fed_until = np.full(int(source.max()) + 1, -1)
    own, out = ((rows["role"][:size] == role).to_numpy() for role in (OWN, OUT))
    facts = rows[asked].select("owner", "begin", "small", "limit_minor")
    cash_in = rows.with_row_index("row")[size:].group_by("owner")
    spans = {o: (a, b + 1) for o, a, b in cash_in.agg(a=pl.min("row"), b=pl.max("row")).rows()}
    for hit, (person, begin, small, limit) in zip(asked.tolist(), facts.rows(), strict=True):
        span = np.arange(begin, hit + 1)
        feeds = span[own[span]]
        fed_until[source[feeds]] = at[feeds]  # of several the last one stays
        first, last = spans.get(person, (size, size))
        first += np.searchsorted(at[first:last], at[hit] - window, side="right")
        small_cash = np.arange(first, last)
        counts = (base[small_cash] < small) & (at[small_cash] <= fed_until[source[small_cash]])
        small_cash = small_cash[counts]
        fed_until[source[feeds]] = -1
        feeds = feeds[np.isin(source[feeds], source[small_cash])]
        if not len(feeds):
            continue
        sent = span[out[span] & (span > feeds[0])]
        merged, amount = int(base[feeds].sum()), int(base[sent].sum())
        if merged > limit and amount * WHOLE >= merged * share:
            chosen = np.concatenate([small_cash, feeds, sent])
            feeders = len(np.unique(source[feeds]))
            chosen = chosen[np.argsort(in_time[chosen])]
            yield Hit(hit, True, feeders, len(small_cash), merged, amount, chosen)


def _fed(entries: pl.DataFrame, role: Flags) -> tuple[Ints, Ints]:
    """How many feed in each window, and how much."""
    begin = cash.integers(entries, "begin")
    feeders = cash.distinct(cash.codes(entries, "place"), begin, role)
    return feeders, cash.sums(np.where(role, cash.integers(entries, "base"), 0), begin)

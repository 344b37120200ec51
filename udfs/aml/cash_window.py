"""A person's cash in sliding windows: what the rules over cash have in common.

Rows are sorted by (case, at, posting_id). A case is one person as one due event sees it: with the
factor, time zone or other fact that stands in the customer record at that moment. A window of W
ending with row i holds the rows of its case in (at - W, at], up to and including row i; `starts`
gives the first of them, and sums, counts and evidence follow from that index alone.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.ids import is_zone
from schemas.step import State
from udfs.aml.rule import CASH_TABLE, DAY, LISTED, WHOLE, Moment

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

MARGIN = 2 * DAY
"""A business day that reaches into a window began less than so long before it."""
CASH_IN, CASH_OUT = "CREDIT", "DEBIT"
MOST_MONEY = 10**12
"""Largest limit of money that a rule set may name, minor units."""

_KEPT = ["owner", "at", "posting_id", "account", "base", "area", "counterparty", "offset", "late"]


def due_cash(events: pl.DataFrame, direction: str) -> pl.DataFrame:
    """The cash postings of one direction among the events that came due."""
    cash = events.filter(pl.col("channel") == "CASH")
    return cash.filter(pl.col("direction") == direction)


def gathered(
    state: State,
    due: pl.DataFrame,
    direction: str,
    moment: Moment,
    reach: int,
    facts: Sequence[str],
) -> pl.DataFrame:
    """All cash of the persons in `due`, one row for each case it belongs to.

    Args:
        state: Holds the remembered cash.
        due: Cash postings of `direction` that came due, not empty.
        direction: CASH_IN or CASH_OUT.
        moment: What the call covers; of the memory only what is older counts.
        reach: How far back of the first due event it goes, microseconds.
        facts: Columns of the customer record that make a case of their own.

    Returns:
        case, the columns of the posting, `facts`, and `due`: whether it came due as this case.
    """
    first = int(due["at"].min()) - reach  # type: ignore[arg-type]
    cases = due.select("owner", *facts).unique(maintain_order=True).with_row_index("case")
    past = (
        state[CASH_TABLE]
        .frame()
        .filter(pl.col("at").is_between(first, moment.since))
        .join(cases, on="owner", how="semi")
        .filter(pl.col("direction") == direction)
        .select(_KEPT)
        .join(cases, on="owner")
        .with_columns(due=pl.lit(False))
    )
    own = pl.all_horizontal(pl.col(f) == pl.col(f + "_own") for f in facts)
    fresh = (
        due.select(*_KEPT, *(pl.col(f).alias(f + "_own") for f in facts))
        .join(cases, on="owner")
        .with_columns(due=own)
    )
    return pl.concat([past, fresh.select(past.columns)]).sort("case", "at", "posting_id")


def integers(frame: pl.DataFrame, name: str) -> Ints:
    """A column as signed 64-bit integers."""
    values: Ints = frame[name].cast(pl.Int64).to_numpy()
    return values


def starts(case: Ints, at: Ints, window: int) -> Ints:
    """Index of the first row of each row's window (at - window, at]; never falls along the rows.

    Gaps are cut to the window's length before they are added up, which changes no comparison and
    keeps the sum of any spread of times within 64 bits.
    """
    gaps = np.minimum(np.diff(at, prepend=at[:1]), window)
    gaps[1:][case[1:] != case[:-1]] = window
    place = np.cumsum(gaps)
    first: Ints = np.searchsorted(place, place - window, side="right")
    return first


def sums(values: NDArray[Any], start: Ints) -> Ints:
    """Sum of `values` over each row's window; exact as long as the sum itself fits 64 bits."""
    total = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
    inside: Ints = total[1:] - total[start]
    return inside


def distinct(codes: Ints, start: Ints, counted: Flags) -> Ints:
    """How many different codes each row's window holds among the rows that are `counted`."""
    size = len(codes)
    before, after = np.full(size, -1), np.full(size, size)
    chosen = np.flatnonzero(counted)
    chosen = chosen[np.argsort(codes[chosen], kind="stable")]
    same = codes[chosen[1:]] == codes[chosen[:-1]]
    before[chosen[1:][same]] = chosen[:-1][same]
    after[chosen[:-1][same]] = chosen[1:][same]
    left = np.searchsorted(start, np.arange(size), side="right")
    news = np.cumsum(counted & (before < start))
    gone = np.concatenate([[0], np.cumsum(counted & (after >= left))])
    kinds: Ints = news - gone[start]
    return kinds


def codes(frame: pl.DataFrame, name: str) -> Ints:
    """Equal numbers for equal texts of a column."""
    return integers(frame.select(pl.col(name).rank("dense")), name)


def part(value: Ints, ppm: Ints | int) -> Ints:
    """Floor of so many millionths of each value, without overflow for any value below 9 * 10^18.

    As value <= v * ppm / 10^6 is the same as value <= floor for whole values, limits stay exact.
    """
    whole, rest = np.divmod(value, WHOLE)
    share: Ints = whole * ppm + rest * ppm // WHOLE
    return share


def at_most(limit: int, factor: Ints) -> Ints:
    """Largest whole amount that is not above `limit` times `factor` ppm."""
    return part(np.full(len(factor), limit), factor)


def at_least(limit: int, factor: Ints) -> Ints:
    """Smallest whole amount that is not below `limit` times `factor` ppm."""
    return -part(np.full(len(factor), -limit), factor)


_known = cache(is_zone)


def business_days(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with `day`: date in the time zone `zone`, days since 1970-01-01.

    The offset is the one in force at that instant, so the day on which clocks change has 23 or 25
    hours. An unknown zone counts as UTC. A day once begun is not left again where clocks are put
    back over midnight.
    """
    at, zone = integers(rows, "at"), codes(rows, "zone")
    order = np.argsort(zone, kind="stable")
    day = np.empty(len(at), dtype=np.int64)
    for group in np.split(order, np.flatnonzero(np.diff(zone[order])) + 1) if len(at) else []:
        name = rows["zone"][int(group[0])]
        utc = pl.Series(at[group]).cast(pl.Datetime("us", "UTC"))
        local = utc.dt.convert_time_zone(name if _known(name) else "UTC")
        day[group] = local.dt.date().to_physical().to_numpy()
    return rows.with_columns(day=pl.Series(day)).with_columns(pl.col("day").cum_max().over("case"))


def told(rows: pl.DataFrame, chosen: Ints, hits: pl.DataFrame) -> pl.DataFrame:
    """`hits` with what an outcome says of its events, in order of the event that met the rule.

    Args:
        rows: Postings, sorted as in `gathered`, with `owner`.
        chosen: Row numbers, of which each hit takes a run.
        hits: `hit` row number of the event that met the rule, `begin` and `end` of its run in
            `chosen`; not empty.

    Returns:
        `hits` and at, subject, account, events, event_count, first_time, last_time, first_offset,
        last_offset, late.
    """
    begin, end, hit = (integers(hits, n) for n in ("begin", "end", "hit"))
    edges = np.column_stack([begin, end]).ravel()

    def lowest(values: Ints) -> Ints:
        return np.minimum.reduceat(np.append(values[chosen], 0), edges)[::2]

    account, offset = codes(rows, "account"), integers(rows, "offset")
    one = lowest(account) == -lowest(-account)
    at, late = integers(rows, "at"), rows["late"].to_numpy().astype(np.int64)
    trigger = rows[hit]
    return hits.with_columns(
        at=trigger["at"],
        trigger=trigger["posting_id"],
        subject=trigger["owner"],
        account=pl.when(pl.Series(one)).then(trigger["account"]).otherwise(pl.lit("")),
        events=_named(rows["posting_id"], chosen, begin, end),
        event_count=pl.Series(end - begin),
        first_time=pl.Series(at[chosen[begin]]),
        last_time=pl.Series(at[chosen[end - 1]]),
        first_offset=pl.Series(lowest(offset)),
        last_offset=pl.Series(-lowest(-offset)),
        late=pl.Series(lowest(-late) < 0),
    ).sort("at", "trigger")


def runs(
    hits: Sequence[tuple[Any, ...]], schema: Mapping[str, pl.DataType]
) -> tuple[Ints, pl.DataFrame]:
    """Hits in the form `told` takes them: the last item of each is an array of row numbers."""
    end = np.cumsum([len(hit[-1]) for hit in hits])
    frame = pl.DataFrame([hit[:-1] for hit in hits], schema=schema, orient="row")
    frame = frame.with_columns(begin=np.concatenate([[0], end[:-1]]), end=end)
    return np.concatenate([hit[-1] for hit in hits]), frame


def _named(ids: pl.Series, chosen: Ints, begin: Ints, end: Ints) -> pl.Series:
    """The first LISTED ids of each run, as lists."""
    shown = np.minimum(end - begin, LISTED)
    run = np.repeat(np.arange(len(shown)), shown)
    inside = np.arange(len(run)) - np.repeat(np.cumsum(shown) - shown, shown)
    listed = pl.DataFrame({"run": run, "id": ids.gather(chosen[begin[run] + inside])})
    return listed.group_by("run", maintain_order=True).agg("id")["id"]

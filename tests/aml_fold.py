"""A rule of AML folded over events cut at any business times, as the step folds it."""

import numpy as np
import polars as pl
from hypothesis import strategies as st

from connectors.state import ColumnTable
from udfs.aml import rule as aml
from udfs.aml.rule import DAY, EVENTS

FIRST = 20_000 * DAY  # 2024-10-04 00:00 UTC: business times of tests count from here
seeds = st.integers(0, 2**32 - 1)
PLAIN = {name: "" if kind == pl.String else 0 for name, kind in EVENTS.items()} | {
    "owner": "P", "account": "P1", "direction": "CREDIT", "channel": "CASH", "currency": "USD",
    "area": "US-NY", "country": "US", "late": False, "own": False, "card_present": False,
    "kind": "PERSON", "home_area": "US-NY", "home_country": "US", "zone": "UTC",
    "factor": aml.WHOLE,
}  # fmt: skip


def event(number, at, base, **more):
    """Posting e0001, e0002 ... of `base` minor units, `at` microseconds after FIRST."""
    own = {"posting_id": f"e{number:04}", "at": FIRST + at, "base": base, "amount": base}
    return PLAIN | own | {"offset": number} | more


def postings(rows):
    """Rows of `(at, base)` or `(at, base, {column: value})` as events, numbered in their order."""
    return [event(i, row[0], row[1], **(row[2] if row[2:] else {})) for i, row in enumerate(rows)]


def fold(rule, events, params, ends=(), quiet=0):
    """All outcomes; `ends` are business times (from FIRST) at which the log is cut."""
    frame = pl.DataFrame(events, schema=EVENTS).sort("at", "posting_id")
    state = {aml.CASH_TABLE: ColumnTable(aml.CASH), aml.FLOWS_TABLE: ColumnTable(aml.FLOWS)}
    state |= {name: ColumnTable(spec) for name, spec in rule.tables.items()}
    last = int(frame["at"].max() or FIRST) + quiet
    since, said = min(FIRST, frame["at"].min() or FIRST) - 1, [aml.NOTHING]
    for until in [*sorted(FIRST + end for end in ends if since < FIRST + end < last), last]:
        due = frame.filter(pl.col("at").is_between(since, until, closed="right"))
        state[aml.CASH_TABLE].append(due.filter(channel="CASH").select(*aml.CASH.columns))
        state[aml.FLOWS_TABLE].append(due.select(*aml.FLOWS.columns))
        said.append(rule(state, due, aml.Moment(0, since, until), params))
        state[aml.CASH_TABLE].expire("at", until - aml.CASH_KEPT)
        state[aml.FLOWS_TABLE].expire("at", until - aml.FLOWS_KEPT)
        since = until
    return pl.concat(said)


def cuts(span):
    """Business times to cut a log of that length at."""
    return st.lists(st.integers(0, span), max_size=6)


def drawn(make, size, seed):
    """`size` rows, each `make(one_of)` with a seeded choice, in order of time."""
    rng = np.random.default_rng(seed)
    rows = [make(lambda kinds: kinds[rng.integers(len(kinds))]) for _ in range(size)]
    return sorted(rows, key=lambda row: row[0])

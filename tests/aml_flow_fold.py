"""Folds a rule over events as the step does: postings appended, the rule called, then expired."""

import polars as pl
from hypothesis import strategies as st

from connectors.store import TableStore
from schemas.step import MIN_TIME
from udfs.aml.flow_owners import OWNERS, OWNERS_TABLE, numbered
from udfs.aml.rule import DAY, EVENTS, FLOWS, FLOWS_KEPT, FLOWS_TABLE, NOTHING, Moment

START = 20_000 * DAY
"""2024-10-04 00:00 UTC; no multiple of thirty days: the running block began on 2024-09-14."""
DEFAULTS = {
    "owner": "A", "account": "A1", "direction": "DEBIT", "channel": "TRANSFER", "base": 100_00,
    "currency": "USD", "counterparty": "", "counterparty_name": "N", "counterparty_account": "X1",
    "counterparty_country": "DE", "country": "DE", "area": "", "latitude": 0, "longitude": 0,
    "card_present": False, "late": False, "kind": "PERSON", "home_area": "", "home_country": "DE",
    "opened": 0, "zone": "UTC", "factor": 1_000_000, "owner_number": None,
}  # fmt: skip


def frame_of(rows):
    """Events in the order the step gives them; posting ids and offsets are the rows' places."""
    full = []
    for place, row in enumerate(rows):
        row = DEFAULTS | {"posting_id": f"p{place:04}", "offset": place} | row
        full.append({"amount": row["base"]} | row)
    frame = pl.DataFrame(full, schema=dict(EVENTS))
    frame = frame.with_columns(own=pl.col("counterparty") == pl.col("owner"))
    return frame.sort("at", "posting_id")


def specs_of(rule):
    return {**rule.tables, FLOWS_TABLE: FLOWS, OWNERS_TABLE: OWNERS}


def tables_for(rule):
    return TableStore(specs_of(rule), {}).tables


def fold(rule, rows, params, ends=(), restart=False):
    """The outcomes of a rule over `rows`, called up to each instant of `ends` and to the last."""
    frame, store, since, found = frame_of(rows), TableStore(specs_of(rule), {}), MIN_TIME, []
    last = max([*ends, *(row["at"] for row in rows)])
    for until in sorted({*ends, last}):
        due = frame.filter((pl.col("at") > since) & (pl.col("at") <= until))
        due = numbered(store.tables, due).select(*EVENTS)
        store.tables[FLOWS_TABLE].append(due)
        found.append(rule(store.tables, due, Moment(0, since, until), params))
        store.tables[FLOWS_TABLE].expire("at", until - FLOWS_KEPT)
        store.commit()
        store = (
            TableStore({n: t.spec for n, t in store.tables.items()}, store.blobs)
            if restart
            else store
        )
        since = until
    return pl.concat([NOTHING, *found])


def cuts_of(rows):
    """Ways to cut the events' time into calls."""
    times = sorted({row["at"] for row in rows}) or [0]
    return st.lists(st.integers(times[0] - DAY, times[-1] + 1), max_size=6)

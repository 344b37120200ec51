"""Logs of transfers made by hand, folded through the motif stage."""

import polars as pl

from tests.naive.logs import fold, log_frame, marked
from tests.naive.tables import naive_state
from udfs.motifs import TABLES, MotifStep, Params

HOUR = 3_600_000_000
DAY = 24 * HOUR
SHARD = 0
LAST = ("Z1", "Z2", 400 * DAY, 1)
"""A transfer after all others: only then does the watermark pass them."""
SCHEMA = {
    "transfer_id": pl.String,
    "time": pl.Int64,
    "source": pl.String,
    "target": pl.String,
    "target_account": pl.String,
    "amount": pl.Int64,
}


def transfers(rows):
    """Rows of (source, target, time, amount), in the order of the log, as the step is given them.

    The account of a customer is A and his id; who is named X... is an account elsewhere.
    """
    return marked(
        [
            {
                "transfer_id": f"t{n:03d}",
                "time": at,
                "source": source,
                "target": target,
                "target_account": target if target.startswith("X") else f"A{target}",
                "amount": amount,
            }
            for n, (source, target, at, amount) in enumerate([*rows, LAST])
        ],
        "time",
    )


def alerts(rows, params=None, ends=None, state=None):
    """All alerts of a log made of `rows`, cut at `ends`, as dicts."""
    rows = transfers(rows)
    state = naive_state(TABLES) if state is None else state
    step = MotifStep(params or Params())
    frame = log_frame(rows, SCHEMA)
    out = fold(step, state, "transfers", frame, "time", ends or [len(rows)], SHARD)
    return out["alerts"].to_dicts() if out else []


def told(rows, rule, params=None):
    """(subject, size, events) of the alerts of one rule; the log is in order of time."""
    rows = sorted(rows, key=lambda row: row[2])
    return [
        (a["subject"], int(a["measured"].split()[0]), a["events"].split(";"))
        for a in alerts(rows, params)
        if a["rule"] == rule
    ]

"""Waiting times of the risk bench, by hand: from quotes and marks to the P&L that names them."""

import numpy as np

from connectors.log import Span
from connectors.topics import TICK_KEY
from deploy.bench import risk_latency
from deploy.bench.risk_latency import WARM_S, Seen, waited
from schemas.codec import encode
from schemas.records import record
from tests.risk_rows import row

BEGIN = 1_000_000
WARM = BEGIN + round(WARM_S * 1_000)


def mark(offset, last_offset, quality="GOOD", late=False):
    """A mark of the quote at `last_offset`."""
    return encode(
        record("Mark"),
        row(
            "Mark", sequence=offset, quality=quality, late=late, source_topic="quotes",
            source_partition=0, first_offset=last_offset, last_offset=last_offset,
        ),
    )  # fmt: skip


def pnl(shard, inputs, kind="SLICE"):
    return encode(
        record("BookPnl"), row("BookPnl", producer=f"risk/{shard}", kind=kind, inputs=inputs)
    )


class Log:
    """Spans by topic and partition."""

    def __init__(self, spans):
        self.spans = spans

    def read(self, topic, partition, start=None, end=None):
        return self.spans.get((topic, partition), Span())


def span(*entries):
    found = Span()
    for offset, (appended, value) in enumerate(entries):
        found.put(offset, appended, TICK_KEY if value is None else b"k", value or b"")
    return found


def test_each_mark_waits_for_the_first_pnl_of_its_slice():
    quotes = span((BEGIN, b"q"), (WARM, b"q"), (WARM + 40, b"q"), (WARM + 90, b"q"))
    marks = span(
        (WARM - 1, mark(0, 0)),  # while books open
        (WARM + 100, None),
        (WARM + 100, mark(2, 1)),
        (WARM + 110, mark(3, 2)),
        (WARM + 120, mark(4, 3, quality="MISSING")),
        (WARM + 130, mark(5, 3, late=True)),
        (WARM + 200, mark(6, 3)),
        (WARM + 210, mark(7, 3)),  # no P&L names it
    )
    seen = Seen(
        [
            pnl(0, "fills:3-9;marks:0-5"),
            pnl(0, "fills:3-9;marks:0-5"),
            pnl(0, "", kind="POINT"),
            pnl(0, "marks:6-6"),
        ],
        [WARM + 600, WARM + 900, WARM + 901, WARM + 1_000],
    )
    log = Log({("quotes", 0): quotes, ("quotes", 1): span((BEGIN, b"q")), ("marks", 0): marks})
    to_pnl, whole_way, to_mark = waited(log, seen)
    assert np.allclose(to_pnl, [0.49, 0.50, 0.80])
    assert np.allclose(whole_way, [0.56, 0.60, 0.91])
    assert np.allclose(to_mark, [0.07, 0.10, 0.11])


def test_percentiles_stand_beside_their_bars():
    found = risk_latency.results(5_000, np.arange(101) / 50, np.arange(101) / 25, np.zeros(101))
    assert [(one.value, one.met) for one in found[:4]] == [
        (1.0, True),
        (1.98, True),
        (2.0, True),
        (3.96, False),
    ]

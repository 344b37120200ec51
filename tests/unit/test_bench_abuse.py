"""What the bench of market abuse sends, and how it counts seconds."""

import numpy as np
import polars as pl
import pytest

from connectors.batches import Shard
from connectors.log import MemoryLog, Span, slices
from connectors.topics import TICK_KEY, partition_of
from deploy.bench import abuse_feed
from deploy.bench.abuse_stack import alert_times
from deploy.bench.alerted import Seen, waited
from deploy.bench.followed import Progress
from deploy.bench.risk_fold import OPENED_MS
from deploy.bench.used import Used
from deploy.errors import UserError
from jobs.catalogue import JOBS, Config
from schemas.codec import decode_batch, encode
from schemas.records import record
from tests.risk_rows import row

PARTITIONS, RATE = 2, 4_000.0
CONFIG = Config(partitions=PARTITIONS)


@pytest.fixture(scope="module")
def made():
    return abuse_feed.market(3, 1_500)


def logged(first, run):
    """A log of chunks a twentieth of a second apart, after what comes first."""
    log = MemoryLog()
    for number, chunk in enumerate([first, *run]):
        for batch in chunk:
            for value in batch.values:
                log.append(batch.topic, batch.partition, OPENED_MS + 50 * number, value, b"k")
    return log


def folded(job, log):
    """Counts of a job over the log, and what it says by topic."""
    counts, told = {}, {}
    for number in range(PARTITIONS):
        spec = JOBS[job](CONFIG)
        shard, names = Shard(spec, number, {}), [feed.topic for feed in spec.feeds]
        for batch in slices(names, log.partition(names, number), spec.slice_ms):
            found = shard.fold(*batch)
            for name, count in found.counts.items():
                counts[name] = counts.get(name, 0) + count
            for topic, frame in found.outputs.items():
                told.setdefault(topic, []).append(frame)
    return counts, {topic: pl.concat(frames) for topic, frames in told.items()}


def test_a_market_is_said_week_after_week_and_every_week_is_sound(made):
    wanted = 2 * made.events.height + 100
    run = list(abuse_feed.event_chunks(made, wanted, RATE, PARTITIONS))
    assert sum(len(batch.values) for chunk in run for batch in chunk) == wanted
    log = logged(abuse_feed.links(made, PARTITIONS), run)
    for (topic, shard), span in log.spans.items():
        if topic == "order.events":
            frame, _, _ = decode_batch(record("OrderEvent"), span.values)
            assert frame["sequence"].to_list() == list(range(frame.height))
            homes = {partition_of(isin.encode(), PARTITIONS) for isin in frame["isin"].unique()}
            assert homes == {shard}
    counts, told = folded("abuse", log)
    assert counts["records"] == counts["used"]
    assert "abuse.refused" not in told
    weeks = told["alerts"]["alert_id"].str.extract(r"\.(\d)(?:-.*)?$").unique().drop_nulls()
    assert set(weeks) >= {"0", "1"}


def test_orders_are_followed_by_the_books(made):
    first, run = abuse_feed.order_chunks(3, 2_000, RATE, PARTITIONS)
    counts, told = folded("matching", logged(first, run))
    assert counts["used"] == counts["records"] == 2_000 + PARTITIONS * (50 + 1)
    assert told["executions"].height > 100
    assert "PHASE" not in told["orders.refused"]["reason"].to_list()


def alert(partition, last_offset, source="order.events"):
    return encode(
        record("Alert"),
        row("Alert", source_topic=source, source_partition=partition, last_offset=last_offset),
    )


class Log:
    def __init__(self, spans):
        self.spans = spans

    def read(self, topic, partition, start=None, end=None):
        return self.spans[topic, partition]


def test_an_alert_waits_from_its_last_event():
    spans = {("order.events", 0): Span(), ("order.events", 1): Span()}
    for offset, appended in enumerate((1_000, 2_000, 9_000)):
        spans["order.events", 0].put(offset, appended, b"k", b"v")
    spans["order.events", 1].put(0, 5_000, TICK_KEY, b"")
    spans["order.events", 1].put(1, 8_000, b"k", b"v")
    seen = Seen(
        [alert(0, 2), alert(1, 1), alert(0, 0), alert(0, 9, "episodes")],
        [9_700, 9_900, 9_999, 9_999],
    )
    assert waited(Log(spans), seen, "order.events", 2, 1.0).tolist() == [0.7, 1.9]
    assert waited(Log(spans), seen, "order.events", 2).tolist() == [0.7, 1.9, 8.999]


def test_percentiles_name_the_rate():
    p50, p99, count = alert_times(np.arange(101) / 50, 6_000.0)
    assert (p50.value, p99.value, count.value) == (1.0, 1.98, 101)
    assert "6,000 events/s" in p50.what


def test_a_rate_is_from_the_first_commit_to_the_last():
    done = Progress("abuse", None, {}, [(10.0, 1_000), (12.0, 5_000), (15.0, 11_000)])
    assert (done.records, done.rate) == (10_000, 2_000)
    with pytest.raises(UserError, match="one commit"):
        Progress("abuse", None, {}, [(10.0, 1_000)]).rate  # noqa: B018


def test_processor_time_between_two_looks():
    used = object.__new__(Used)
    used._seen = [(0.0, 5.0, 1.0), (10.0, 25.0, 2.0), (20.0, 35.0, 6.0)]
    assert used.between(5.0, 15.0) == (15.0, 2.5)

"""A simulated exchange through matching, abuse and crossing in memory, restarts included."""

from collections import Counter

import polars as pl
import pytest

from connectors.batches import Shard
from connectors.generators import chunks
from connectors.log import MemoryLog, fold_shard, slices
from connectors.topics import TICK_KEY, TOPICS
from connectors.written import results_by_place
from deploy.bench.risk_fold import WRITTEN_MS, Done, chain
from jobs.catalogue import JOBS, Config
from schemas.codec import decode
from schemas.records import record
from tests.surveillance import JOBS_OF_IT, STRANGE, Checks, Sent, strange_events

ORDERS, PARTITIONS = 5_000, 2
CONFIG = Config(partitions=PARTITIONS)


class Folded:
    """The three jobs folded one after the other."""

    config = CONFIG

    def __init__(self):
        self.sent = Sent(ORDERS, PARTITIONS)
        feed = chunks(self.sent.world, self.sent.plan(1_000))
        jobs = [JOBS[name](CONFIG) for name in JOBS_OF_IT]
        by_hand = [batch for chunk in self.sent.by_hand() for batch in chunk]
        self.done: dict[str, Done] = chain(jobs, by_hand, feed)

    def frame(self, topic):
        frames = [f for done in self.done.values() for f in done.outputs.get(topic, ())]
        empty = pl.DataFrame(schema=record(TOPICS[topic].record).columns)
        return pl.concat(frames) if frames else empty

    def counts(self, job) -> Counter[str]:
        return self.done[job].counts


@pytest.fixture(scope="module")
def run():
    return Folded()


class TestFolded(Checks):
    pass


@pytest.mark.parametrize("job", JOBS_OF_IT)
def test_a_worker_that_fails_again_and_again_changes_no_byte(run, job):
    """State is loaded from its stored octets every eleven batches, by a step that knows nothing."""
    done, names = run.done[job], [feed.topic for feed in JOBS[job](CONFIG).feeds]
    written = {}
    for number in range(PARTITIONS):
        blobs, spec = {}, JOBS[job](CONFIG)
        shard = Shard(spec, number, blobs)
        for batch, (end, messages, words) in enumerate(
            slices(names, done.log.partition(names, number), spec.slice_ms)
        ):
            if batch % 11 == 10:
                shard = Shard(JOBS[job](CONFIG), number, blobs)
            found = results_by_place(spec, [shard.fold(end, messages, words)])
            for place, pairs in found.items():
                written.setdefault(place, []).extend((end + WRITTEN_MS, *pair) for pair in pairs)
    assert written == done.written


def test_order_events_that_no_book_has_said_are_refused_and_the_rest_goes_on(run):
    log, strange = MemoryLog(), strange_events(run)
    for value in strange.values:
        log.append("order.events", strange.partition, 1_000_000, value, b"h")
    job = JOBS["abuse"](CONFIG)
    spans = log.partition(["order.events"], strange.partition)
    (batch,) = fold_shard(job, strange.partition, spans)
    told = [decode(one.value)[1] for one in batch.results if one.topic == "abuse.refused"]
    assert {row["record_id"]: row["reason"] for row in told} == STRANGE
    assert batch.counts["used"] == len(strange.values)


def test_what_a_supervisor_asks_for_is_in_the_chain(run):
    """Trades, refusals, alerts with their evidence, episodes, what venues set and who is linked."""
    job, log, put = JOBS["regulatory"](CONFIG), MemoryLog(), Counter()
    read = {name: done.log.spans for name, done in run.done.items()}
    for topic in (feed.topic for feed in job.feeds):
        for shard in range(PARTITIONS):
            entries = [
                (k, v) for d in run.done.values() for _, k, v in d.written.get((topic, shard), ())
            ]
            if topic in ("venue.controls", "owner.links", "instrument.links"):
                span = read["abuse" if topic != "venue.controls" else "matching"][topic, shard]
                entries = zip(span.keys, span.values, strict=True)
            for key, value in entries:
                if key != TICK_KEY:
                    log.append(topic, shard, 1_000_000, value, key)
                    put[topic] += 1
    batches = [
        batch
        for shard in range(PARTITIONS)
        for batch in fold_shard(job, shard, log.partition([f.topic for f in job.feeds], shard))
    ]
    events = pl.concat([batch.outputs["regulatory.events"] for batch in batches])
    assert dict(events["source_topic"].value_counts().rows()) == put
    chained = {"executions", "orders.refused", "alerts", "alerts.evidence", "episodes"}
    assert put.keys() >= chained | {"venue.controls", "owner.links", "instrument.links"}
    assert put.keys() >= {f"{name}.batches" for name in JOBS_OF_IT} | {"matching.dead"}
    alerts = events.filter(kind="Alert").select("result_id", "decided_by").sort("result_id")
    told = run.frame("alerts").select("alert_id", "decided_by").sort("alert_id")
    assert alerts.rows() == told.rows()

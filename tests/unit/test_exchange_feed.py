"""The simulated exchange on its way to Kafka, and what the job makes of it."""

from collections.abc import Iterator

import polars as pl
import pytest

from connectors.generators import Chunk, Plan
from connectors.generators.feed import Batch
from connectors.generators.run import chunks
from connectors.producer import deliver
from connectors.topics import TICK_KEY, partition_of
from deploy.errors import UserError
from deploy.evaluate.world import folded, outputs, recorded
from deploy.exchange.bad import REASONS
from deploy.exchange.feed import ExchangeWorld
from deploy.exchange.simulate import simulate
from deploy.generate import Order, generate
from jobs.catalogue import Config, matching_job
from tests.generated import Run
from tests.generated import generate as generated

ORDERS, PARTITIONS = 3_000, 3


@pytest.fixture(scope="module")
def world() -> ExchangeWorld:
    return ExchangeWorld(5, "practices", days=2, orders=ORDERS)


@pytest.fixture(scope="module")
def plan(world: ExchangeWorld) -> Plan:
    return Plan(count=world.count, seed=5, partitions=PARTITIONS)


@pytest.fixture(scope="module")
def run(world: ExchangeWorld, plan: Plan) -> Run:
    return generated(world, plan)


def test_every_partition_has_controls_and_links_and_an_instrument_is_in_one(run: Run) -> None:
    for topic in ("venue.controls", "owner.links", "instrument.links"):
        copies = run.frame(topic).drop("sequence").partition_by("sent_to", include_key=False)
        assert len(copies) == PARTITIONS
        assert all(copy.equals(copies[0]) for copy in copies)
    orders = run.frame("orders")
    places = orders.group_by("isin").agg(pl.col("sent_to").unique())
    for isin, sent_to in places.rows():
        assert sent_to == [partition_of(isin.encode(), PARTITIONS)]
    for part in orders.partition_by("sent_to"):
        assert part["sequence"].to_list() == list(range(part.height))
        assert part["time"].is_sorted()


def test_controls_share_no_chunk_with_orders(world: ExchangeWorld, plan: Plan) -> None:
    phases = 0
    for chunk in chunks(world, plan):
        sent = {batch.topic for batch in chunk if not batch.ticks}
        if "venue.controls" in sent:
            phases += 1
            assert sent == {"venue.controls"}
    assert phases == 1 + 4 * 2


def test_the_job_makes_the_events_that_the_simulation_saw(world: ExchangeWorld, plan: Plan) -> None:
    job = matching_job(Config(partitions=PARTITIONS))
    log = recorded(world, plan, frozenset(feed.topic for feed in job.feeds))
    told = outputs(folded(log, job), ("order.events", "executions"))
    made = simulate(5, "practices", 2, ORDERS)
    names = [
        name
        for name in made.events.columns
        if name not in ("producer", "sequence", "first_offset", "last_offset", "source_topic")
        and name != "source_partition"
    ]
    found = told["order.events"].select(names).sort("event_id")
    assert found.equals(made.events.select(names).sort("event_id"))
    assert told["executions"].height == made.executions.height


def test_bad_messages_are_refused_with_their_reason_and_change_nothing_else(
    world: ExchangeWorld,
) -> None:
    bad = ExchangeWorld(5, "practices", days=2, orders=ORDERS, bad=0.02)
    job = matching_job(Config(partitions=PARTITIONS))
    plan = Plan(count=bad.count, seed=5, partitions=PARTITIONS)
    log = recorded(bad, plan, frozenset(feed.topic for feed in job.feeds))
    told = outputs(folded(log, job), ("order.events", "executions", "orders.refused"))
    refused = told["orders.refused"].filter(pl.col("record_id").str.contains("-[A-Z_]+$"))
    assert refused.height == bad.count - world.count > 50
    named = refused["record_id"].str.extract("-([A-Z_]+)$")
    assert named.to_list() == refused["reason"].to_list()
    assert set(refused["reason"]) == set(REASONS)
    made = simulate(5, "practices", 2, ORDERS)
    sound = told["order.events"].filter(~pl.col("order_id").str.ends_with("-bad"))
    expected = made.events.select("event_id", "remaining").sort("event_id")
    assert sound.select("event_id", "remaining").sort("event_id").equals(expected)
    assert told["executions"].height == made.executions.height


class Ends:
    """An end that notes what is sent and when all before is acknowledged."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def send(self, batch: Batch) -> None:
        self.said.append("tick" if batch.ticks else batch.topic)

    def settle(self) -> None:
        self.said.append("settle")

    def close(self) -> None:
        self.said.append("close")


def _controlled() -> Iterator[Chunk]:
    yield [Batch("orders", 0, [b"k"], [b"v"])]
    yield [Batch("venue.controls", 0, [b"k"], [b"v"]), Batch("venue.controls", 0, TICK_KEY, [b"t"])]
    yield [Batch("orders", 0, [b"k"], [b"v"]), Batch("venue.controls", 0, TICK_KEY, [b"t"])]


def test_a_control_is_acknowledged_between_the_orders_around_it() -> None:
    end = Ends()
    deliver(_controlled(), end)  # type: ignore[arg-type]
    expected = "orders settle venue.controls tick settle orders tick close"
    assert end.said == expected.split()


def _order(**asked: object) -> Order:
    usual = dict(
        kind="exchange", count=2_000, seed=1, partitions=2, faults="0", first="2026-03-02",
        days=1, lateness=5.0, jitter=0.0, rate=None,
    )  # fmt: skip
    return Order(**(usual | asked))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"mix": "odd"}, "there is no mix 'odd'"),
        ({"faults": "0.01"}, "--faults is not for exchange"),
        ({"kind": "trades", "mix": "hard"}, "--mix is for exchange"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_line(asked: dict[str, object], told: str) -> None:
    with pytest.raises(UserError, match=told):
        generate(_order(**asked), "localhost:9", None)

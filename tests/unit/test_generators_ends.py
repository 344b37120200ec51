"""The ends of a run: files as a broker would have kept them, the pace, and the command."""

import json
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
import typer
from typer.testing import CliRunner

from connectors.generators import Batch, Chunk, Faults, Plan, Trades, chunks, to_files, topics
from connectors.generators.files import INTERVAL_MS, SCHEMA
from connectors.producer import DeliveryError, KafkaEnd, Pace, Sent, deliver
from connectors.topics import TICK_KEY
from deploy.commands import generate as command
from deploy.errors import UserError
from tests.generated import generate

PLAN = Plan(count=2_000, seed=4, faults=Faults.total(0.05))


class Recorded:
    """An end that keeps what it is given."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.closed = False

    def send(self, batch: Batch) -> None:
        self.batches.append(batch)

    def close(self) -> None:
        self.closed = True


class Time:
    """A clock that moves only by sleeping, and by a fixed cost a look."""

    def __init__(self, cost: float = 0.0) -> None:
        self.now, self.cost, self.slept = 100.0, cost, []

    def clock(self) -> float:
        self.now += self.cost
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def steady(count: int, size: int) -> Iterator[Chunk]:
    for _ in range(count):
        yield [Batch("fills", 0, [b"k"] * size, [b"v"] * size), Batch("fills", 0, TICK_KEY, [b"t"])]


def test_files_hold_the_run_in_log_order(tmp_path: Path) -> None:
    feed = Trades(4)
    paths = to_files(chunks(feed, PLAN), tmp_path / "day", topics(feed, PLAN), feed.start)
    run = generate(feed, PLAN)
    assert set(paths) == {"obligations", "fills", "labels"}
    for topic, path in paths.items():
        frame = pl.read_parquet(path)
        assert dict(frame.schema) == SCHEMA
        assert set(frame["topic"]) == {topic}
        assert frame["appended"].is_sorted()
        assert frame["appended"][0] == feed.start // 1_000
        assert (frame["appended"] % INTERVAL_MS == 0).all()
        for p in range(PLAN.partitions):
            part = frame.filter(partition=p)
            assert part["offset"].to_list() == list(range(part.height))
            assert part["value"].to_list() == run.values[topic, p]
            assert part["key"].to_list() == run.keys[topic, p]


def test_everything_is_sent_in_order_and_waited_for() -> None:
    end = Recorded()
    sent = deliver(chunks(Trades(4), PLAN), end)
    assert end.closed
    assert end.batches == [batch for chunk in chunks(Trades(4), PLAN) for batch in chunk]
    assert sent.records.total() == sum(len(b.values) for b in end.batches if not b.ticks)
    assert sent.ticks == sum(len(b.values) for b in end.batches if b.ticks)


def test_the_pace_is_kept_on_average() -> None:
    time = Time()
    deliver(steady(100, 50), Recorded(), Pace(1_000, time.clock, time.sleep))
    assert time.now - 100.0 == pytest.approx(5.0)
    assert max(time.slept) == pytest.approx(0.05)


def test_who_is_behind_does_not_sleep() -> None:
    time = Time(cost=1.0)
    deliver(steady(10, 50), Recorded(), Pace(1_000, time.clock, time.sleep))
    assert time.slept == []


def test_progress_is_told_after_each_chunk() -> None:
    told: list[int] = []

    def progress(sent: Sent) -> None:
        told.append(sent.records.total())

    deliver(steady(3, 5), Recorded(), progress=progress)
    assert told == [5, 10, 15]


def test_a_broker_that_is_away_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.kafka_admin.TIMEOUT", 0.2)
    with pytest.raises(DeliveryError, match=r"no Kafka broker answers at 127\.0\.0\.1:1;"):
        KafkaEnd("127.0.0.1:1").check(["fills"], 4)


def test_messages_that_do_not_arrive_are_one_clear_error() -> None:
    end = KafkaEnd("127.0.0.1:1", {"message.timeout.ms": 300, "retries": 1})
    end.send(Batch("fills", 0, [b"k"] * 7, [b"v"] * 7))
    with pytest.raises(DeliveryError, match="7 messages were not delivered; the first one: "):
        end.close()


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    command.register(app)
    return app


def test_the_command_writes_files_and_a_summary(app: typer.Typer, tmp_path: Path) -> None:
    arguments = ["trades", "--count", "500", "--seed", "4", "--faults", "0.1", "--json"]
    result = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path), "--partitions", "2"])
    assert result.exit_code == 0
    summary = json.loads(result.stdout)
    assert summary["topics"]["fills"]["used"] == 500
    assert summary["topics"]["obligations"]["used"] == 1_000
    assert summary["producer"] == "gen-trades-4"
    labels = pl.read_parquet(tmp_path / "labels.parquet").filter(pl.col("key") != TICK_KEY)
    assert sum(summary["labels"].values()) == labels.height > 0


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (["--count", "0"], "count is 0"),
        (["--date", "tomorrow"], "--date is a day"),
        (["--days", "0"], "--days is 0"),
        (["--seed", "-1"], "--seed is -1"),
        (["--faults", "many"], "faults 'many'"),
        (["--rate", "0"], "--rate is 0"),
        (["--rate", "5", "--out", "x"], "for Kafka only"),
        (["--jitter", "9"], "below the lateness"),
        (["--lateness", "nan"], "NaN"),
        (["--partitions", "-3"], "partitions is -3"),
    ],
)
def test_nonsense_is_one_line(app: typer.Typer, wrong: list[str], words: str) -> None:
    result = CliRunner().invoke(app, ["payments", *wrong])
    assert isinstance(result.exception, UserError)
    assert words in str(result.exception)
    assert "\n" not in str(result.exception)


def test_the_command_writes_a_laundering_world(app: typer.Typer, tmp_path: Path) -> None:
    arguments = ["aml", "--count", "4000", "--days", "7", "--people", "300", "--json"]
    schemes = ["--schemes", "smurfing=1,ring=30", "--out", str(tmp_path), "--partitions", "2"]
    result = CliRunner().invoke(app, [*arguments, *schemes])
    assert result.exit_code == 0
    summary = json.loads(result.stdout)
    assert summary["topics"]["payments"]["records"] == 4_000
    assert summary["topics"]["postings"]["records"] > 7_000
    assert summary["topics"]["schemes"]["records"] > 32
    assert summary["producer"] == "gen-aml-0"
    ticks = pl.read_parquet(tmp_path / "rules.parquet")
    assert set(ticks["key"]) == {TICK_KEY}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (["payments", "--people", "500"], "--people and --schemes are for aml, not for payments"),
        (["aml", "--schemes", "x=1"], "no scheme is called x"),
        (["aml", "--vault", "v.sqlite"], "--vault is for payments, not for aml"),
        (["aml", "--faults", "idle=1", "--days", "7", "--out", "x"], "no partition can be idle"),
    ],
)
def test_what_a_world_cannot_be_is_one_line(
    app: typer.Typer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, wrong)
    assert isinstance(result.exception, UserError)
    assert words in str(result.exception)

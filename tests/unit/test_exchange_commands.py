"""How a user runs the exchange: jobs submitted, the market generated beside them."""

import json

import polars as pl
import pytest
from typer.testing import CliRunner

from connectors.topics import TICK_KEY, TOPICS
from deploy.cli import app, register_all
from deploy.exchange.simulate import simulate
from deploy.flink.client import Flink, names
from deploy.settings import Settings
from jobs.arguments import parse
from jobs.catalogue import JOBS, Config
from schemas.codec import decode_batch
from schemas.records import record

register_all()
"""The commands; a second time does no harm."""


@pytest.fixture
def submitted(monkeypatch, tmp_path):
    """What `flink run` would have been given, job by job."""
    given = {}
    monkeypatch.setattr(Settings, "load", classmethod(lambda cls: Settings(home=tmp_path)))
    monkeypatch.setattr(Flink, "_check", lambda *_: None)
    monkeypatch.setattr(Flink, "archive", lambda _: tmp_path / "app.zip")
    monkeypatch.setattr(Flink, "wait_for", lambda *_: None)
    monkeypatch.setattr("deploy.flink.client.package", lambda: tmp_path)

    def run(self, job, argv):
        given[job] = argv
        return "0" * 32

    monkeypatch.setattr(Flink, "_run", run)
    return given


@pytest.mark.parametrize("job", ["matching", "abuse", "crossing"])
def test_a_job_of_the_exchange_is_submitted_as_the_job_itself_reads_it(submitted, job):
    assert job in names()
    told = CliRunner().invoke(app, ["submit", job, "-p", "2", "-o", "slice-ms=200"])
    assert told.exit_code == 0, told.output
    argv = submitted[job]
    assert argv[argv.index("-pym") + 1] == f"jobs.{job}"
    assert argv[argv.index("-p") + 1] == "2"
    arguments = parse(job, argv[argv.index("--brokers") :])
    assert arguments.name == job
    assert arguments.config == Config(slice_ms=200)
    spec = JOBS[job](arguments.config)
    assert spec.slice_ms == 200
    made_by_up = {*spec.outputs, *(feed.topic for feed in spec.feeds)}
    assert made_by_up <= TOPICS.keys()


def test_the_generator_sends_what_the_jobs_read(tmp_path):
    argv = ["generate", "exchange", "--count", "1000", "--days", "1", "--date", "2026-03-02"]
    argv += ["--seed", "4", "--mix", "practices", "--bad", "0.01", "--partitions", "2", "--json"]
    told = CliRunner().invoke(app, [*argv, "--out", str(tmp_path)])
    assert told.exit_code == 0, told.output
    summary = json.loads(told.stdout)["topics"]
    made = simulate(4, "practices", 1, 1_000)
    sent = {path.stem: pl.read_parquet(path) for path in tmp_path.glob("*.parquet")}
    needed = {feed.topic for job in ("matching", "crossing") for feed in JOBS[job](Config()).feeds}
    assert sent.keys() == (needed | {"owner.links", "abuse.labels"}) - {"episodes"}
    for topic, frame in sent.items():
        values = frame.filter(pl.col("key") != TICK_KEY)["value"].to_list()
        records, _, rejected = decode_batch(record(TOPICS[topic].record), values)
        assert rejected == []
        assert records.height == summary[topic]["records"] == summary[topic]["used"]
    labels = summary["abuse.labels"]["records"]
    assert labels == made.labels.height >= 1_000
    assert summary["venue.controls"]["records"] == 2 * made.controls.height
    assert 0 < summary["orders"]["records"] - made.orders.height < 0.03 * made.orders.height

"""The whole path on this machine: generate trades and payments, net, draw, chain, verify.

Start the stack, submit the jobs, send both feeds with faults, wait until every job has covered all
of its input, then sum up: what went in and what became of it, nets, chain, graph.
"""

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from connectors import kafka_admin
from connectors.neo4j import Connection, GraphReader
from connectors.reader import LogReader
from deploy.drills.waiting import MONOTONIC
from deploy.errors import UserError
from deploy.oracle import data
from deploy.processes import python
from deploy.progress import Follower
from deploy.stack import Stack
from deploy.verification import verify_log
from jobs.catalogue import JOBS, Config
from schemas.codec import decode_batch
from schemas.records import record

PARALLELISM = {"netting": 1, "graph": 2, "regulatory": 1}
INPUTS = {"netting": ("obligations",), "graph": ("payments", "obligations")}
RATE = 50_000
"""Records a second of each feed, so that generator and jobs share the machine."""
LONGEST_S = 1_200.0

Echo = Callable[[str], None]


@dataclass
class Outcome:
    """What the demo shows.

    Attributes:
        feeds: What was sent, and what the labels say becomes of it, by topic.
        jobs: Counts of the batch indexes, by job.
        expected: The same counts as the generators' labels give them.
        efficiency: Cycles and netting efficiency in parts per million, by asset.
        chain: Events in all chains.
        chain_ok: Whether every link of every chain holds.
        nodes: Nodes in Neo4j by kind.
        edges: Edges in Neo4j by kind.
        seconds: How long each part took.
    """

    feeds: dict[str, dict[str, Any]]
    jobs: dict[str, dict[str, int]]
    expected: dict[str, dict[str, int]]
    efficiency: dict[str, dict[str, int]]
    chain: int
    chain_ok: bool
    nodes: dict[str, int]
    edges: dict[str, int]
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def adds_up(self) -> bool:
        """Whether each job used, refused and dropped exactly what the generators' labels say."""
        return all(
            all(counts[name] == number for name, number in self.expected[job].items())
            and counts["records"]
            == counts["used"]
            + counts["duplicates"]
            + counts["duplicates_unchecked"]
            + counts["dead"]
            for job, counts in self.jobs.items()
        )


def run(stack: Stack, trades: int, payments: int, faults: float, seed: int, echo: Echo) -> Outcome:
    """Run the demo on a stack without jobs or records; UserError if a job stops."""
    began = MONOTONIC()
    stack.up(echo)
    config = Config(partitions=stack.settings.partitions)
    for job, parallelism in PARALLELISM.items():
        stack.flink.submit(job, min(parallelism, config.partitions))
        echo(f"{job} submitted")
    started = MONOTONIC()
    feeds = _generate(stack, {"trades": trades, "payments": payments}, faults, seed, echo)
    generated = MONOTONIC()
    counts = {job: _follow(stack, config, job, INPUTS[job], echo) for job in INPUTS}
    _follow(
        stack, config, "regulatory", tuple(f.topic for f in JOBS["regulatory"](config).feeds), echo
    )
    processed = MONOTONIC()
    echo("every job has covered its input; verifying the chains")
    verdict = verify_log(stack.settings.brokers, config.partitions)
    outcome = Outcome(
        feeds,
        counts,
        {job: _expected(feeds, topics) for job, topics in INPUTS.items()},
        _efficiency(stack),
        verdict.length,
        verdict.ok,
        *_graph(stack),
    )
    outcome.seconds = {
        "stack and submission": started - began,
        "generation": generated - started,
        "until all is covered": processed - generated,
        "verification": MONOTONIC() - processed,
        "whole run": MONOTONIC() - began,
    }
    return outcome


def again(stack: Stack, kept: dict[str, Any], echo: Echo) -> Outcome:
    """What an earlier demo showed, with the log verified and the graph counted anew."""
    began = MONOTONIC()
    stack.up(echo)
    outcome = Outcome(**kept)
    verdict = verify_log(stack.settings.brokers, stack.settings.partitions)
    outcome.chain, outcome.chain_ok = verdict.length, verdict.ok
    outcome.nodes, outcome.edges = _graph(stack)
    outcome.seconds = {"looking again": MONOTONIC() - began}
    return outcome


def _generate(
    stack: Stack, counts: dict[str, int], faults: float, seed: int, echo: Echo
) -> dict[str, dict[str, Any]]:
    """Both generators side by side, each a process of its own; their summaries by topic."""
    processes = {
        kind: subprocess.Popen(
            [
                *(str(python()), "-m", "deploy.cli", "generate", kind, "--json"),
                *("--count", str(count), "--seed", str(seed), "--faults", str(faults)),
                *("--rate", str(RATE), "--partitions", str(stack.settings.partitions)),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for kind, count in counts.items()
    }
    found: dict[str, dict[str, Any]] = {}
    for kind, process in processes.items():
        out, trouble = process.communicate()
        if process.returncode:
            raise UserError(f"the generator of {kind} failed: {trouble.strip().splitlines()[-1]}")
        summary = json.loads(out)
        echo(f"{kind}: {summary['records']:,} records at {summary['records_per_second']:,}/s")
        for topic, row in summary["topics"].items():
            found.setdefault(topic, {"records": 0})
            found[topic] = row if topic != "labels" else _added(found[topic], row)
    return found


def _added(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {"records": one["records"] + other["records"]}


def _follow(
    stack: Stack, config: Config, job: str, topics: tuple[str, ...], echo: Echo
) -> dict[str, int]:
    """Wait until `job` has covered what `topics` hold now; its counts."""
    follower = Follower(stack.settings.brokers, JOBS[job](config))
    told = [MONOTONIC()]

    def report(left: int) -> None:
        stack.flink.rest.find(job)
        if MONOTONIC() - told[0] > 5:
            told[0] = MONOTONIC()
            echo(f"{job}: {left:,} records to go")

    try:
        follower.wait(kafka_admin.end_offsets(stack.settings.brokers, topics), LONGEST_S, report)
    finally:
        follower.close()
    echo(f"{job}: all covered, {follower.batches:,} batches")
    return dict(follower.counts)


def _expected(feeds: dict[str, dict[str, Any]], topics: tuple[str, ...]) -> dict[str, int]:
    """What the labels say a job must have made of its topics."""
    rows = [feeds[topic] for topic in topics]
    return {
        "records": sum(row["records"] for row in rows),
        "used": sum(row["used"] for row in rows),
        "duplicates": sum(row["duplicates"] for row in rows),
        "late": sum(row["late"] for row in rows),
        "dead": sum(sum(row["dead"].values()) for row in rows),
    }


def _efficiency(stack: Stack) -> dict[str, dict[str, int]]:
    """Netting efficiency of all cycles together, by currency and for all securities, in ppm."""
    reader = LogReader(stack.settings.brokers)
    values = [
        value
        for shard in range(stack.settings.partitions)
        for value in data(reader.read("cycles", shard))
    ]
    reader.close()
    frame, _, _ = decode_batch(record("NettingCycle"), values)
    cash = pl.col("asset").str.len_bytes() == 3
    sums = frame.group_by(asset=pl.when(cash).then("asset").otherwise(pl.lit("securities"))).agg(
        pl.len().alias("cycles"),
        pl.col("gross", "bilateral_net", "multilateral_net").cast(pl.Int128).sum(),
    )
    return {
        row["asset"]: {
            "cycles": row["cycles"],
            "bilateral": _ppm(row["gross"], row["bilateral_net"]),
            "multilateral": _ppm(row["gross"], row["multilateral_net"]),
        }
        for row in sums.sort("asset").iter_rows(named=True)
    }


def _ppm(gross: int, net: int) -> int:
    return 1_000_000 * (gross - net) // gross if gross else 0


def _graph(stack: Stack) -> tuple[dict[str, int], dict[str, int]]:
    settings = stack.settings
    reader = GraphReader(Connection(settings.bolt_url, settings.neo4j_password_file))
    return reader.counts()

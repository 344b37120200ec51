"""How fast the regulatory log is signed, proven and verified, on messages made in memory.

Signing is all the notary does but for reading Kafka: check every link, keep the trees, write tiles,
indexes and state to disk (synced), sign. Verification reads an archive's files in processes of its
own and compares with the notary's checkpoints; starting the processes is part of it.
"""

import os
from collections.abc import Callable
from pathlib import Path
from shutil import rmtree
from statistics import median, quantiles
from tempfile import mkdtemp
from time import perf_counter

import numpy as np

from connectors.log import MemoryLog, Span
from deploy.archive.files import CHUNK, frame_of, summed, write
from deploy.archive.manifest import Manifest, store
from deploy.bench.harness import Result
from deploy.bench.made_events import PARTITIONS, MadeLog
from deploy.drills.recorded import recorded
from deploy.drills.tampering import linked
from deploy.log_ids import EventId, RecordId
from deploy.proofs.check import check
from deploy.proofs.checkpoint import origin_of
from deploy.proofs.heads import Trust
from deploy.proofs.keys import SigningKey
from deploy.proofs.notary import Notary
from deploy.proofs.proof import parse_proof
from deploy.proofs.prove import Prover
from deploy.proofs.sources import TOPIC, InMemory
from deploy.verification import Place, verify
from schemas.merkle import GENESIS
from udfs.regulatory.verify import verify_chain

SIGN_BAR, VERIFY_BAR, PROOF_BAR_MS = 50_000, 200_000, 50
ORIGIN = "bench.tidemark.local/regulatory"

Echo = Callable[[str], None]


def run(
    seed: int, count: int, repeats: int, proofs: int, home: Path, echo: Echo = lambda line: None
) -> list[Result]:
    """Measure on about `count` events in four partitions; `home` says on which disk.

    Args:
        seed: Of the events and of which are proven.
        count: Events.
        repeats: Runs of signing and of verifying; medians are shown.
        proofs: How many events are proven.
        home: A folder of its own is made in it, and removed.
        echo: Hears what is happening.
    """
    log, octets = chained(seed, count, echo)
    events = sum(len(span) for span in log.spans.values())
    key = SigningKey.make()
    home.mkdir(parents=True, exist_ok=True)
    folder = Path(mkdtemp(prefix="bench-log-", dir=home))
    try:
        signing = [_sign(log, folder / f"notary{n}", key, events, echo) for n in range(repeats)]
        notary = folder / "notary0"
        times = _prove(notary, log, key, seed, proofs)
        echo(f"{proofs:,} proofs made and checked, median {median(times):.2f} ms")
        archive = _archive(folder / "archive", log)
        public = tuple(key.public(origin_of(ORIGIN, shard)) for shard in range(PARTITIONS))
        trust = Trust(notary, public)
        workers = len(os.sched_getaffinity(0))
        compared = [_verify(archive, trust, workers, events, echo) for _ in range(repeats)]
        chains = [_verify(archive, None, workers, events, echo) for _ in range(repeats)]
    finally:
        rmtree(folder)
    size = f"{octets // events} bytes on average"
    return [
        Result("events", events, f"events, {PARTITIONS} partitions, {size}"),
        Result("chain and tree, one process", round(median(signing)), "events/s", SIGN_BAR),
        Result("proof of an event, median", round(median(times), 3), "ms", PROOF_BAR_MS, True),
        Result("proof of an event, 99 %", round(quantiles(times, n=100)[98], 3), "ms"),
        Result("proof of a raw record, median", round(_prove_records(seed, home), 3), "ms"),
        Result(
            f"verify an archive, chain and signed tree, {workers} processes",
            round(median(compared)),
            "events/s",
            VERIFY_BAR,
        ),
        Result(f"the same, chain alone, {workers} processes", round(median(chains)), "events/s"),
        Result("chain alone, messages in memory, one process", _alone(log, events), "events/s"),
    ]


def chained(seed: int, count: int, echo: Echo) -> tuple[MemoryLog, int]:
    """Made-up events with links that hold, and how many bytes they have."""
    made, log, octets = MadeLog(seed, count), MemoryLog(), 0
    for shard in range(PARTITIONS):
        span = made.read(TOPIC, shard)
        messages = linked([value or b"" for value in span.values], 0, GENESIS)
        octets += sum(map(len, messages))
        log.spans[TOPIC, shard] = Span(span.offsets, span.appended, span.keys, list(messages))
        echo(f"partition {shard}: {len(messages):,} events made")
    return log, octets


def _sign(log: MemoryLog, path: Path, key: SigningKey, events: int, echo: Echo) -> float:
    began = perf_counter()
    new = Notary(path, ORIGIN, PARTITIONS, key).run(InMemory(log))
    rate = events / (perf_counter() - began)
    if new != events:
        raise AssertionError(f"{new} of {events} events were signed")
    echo(f"signed at {rate:,.0f} events/s")
    return rate


def _prove(notary: Path, log: MemoryLog, key: SigningKey, seed: int, proofs: int) -> list[float]:
    """Milliseconds for each proof; every one is checked."""
    draw = np.random.default_rng(seed)
    times = []
    for _ in range(proofs):
        shard = int(draw.integers(PARTITIONS))
        place = EventId(shard, int(draw.integers(len(log.spans[TOPIC, shard]))))
        began = perf_counter()
        proof = Prover(notary, InMemory(log)).event(place)
        text = str(proof).encode()
        times.append(1_000 * (perf_counter() - began))
        check(parse_proof(text), [key.public(origin_of(ORIGIN, shard))])
    return times


def _prove_records(seed: int, home: Path) -> float:
    """Median milliseconds for the proof of a raw record, in a log of some thousand trades."""
    log, key = recorded(seed, 2_000, 1), SigningKey.make()
    folder = Path(mkdtemp(prefix="bench-log-", dir=home))
    try:
        Notary(folder, ORIGIN, 1, key).run(InMemory(log))
        prover, times = Prover(folder, InMemory(log)), []
        span = log.spans["obligations", 0]
        records = [
            offset for offset, key in zip(span.offsets, span.keys, strict=True) if key != b"tick"
        ]
        for offset in records[:: max(1, len(records) // 100)]:
            began = perf_counter()
            str(prover.record(RecordId("obligations", 0, offset)))
            times.append(1_000 * (perf_counter() - began))
    finally:
        rmtree(folder)
    return median(times)


def _archive(path: Path, log: MemoryLog) -> Path:
    parts = {}
    for (topic, shard), span in log.spans.items():
        frame = frame_of(span)
        files = [(write(path, topic, shard, part), 0) for part in frame.iter_slices(CHUNK)]
        parts[str(shard)] = summed(span.offsets[0], span.offsets[-1] + 1, files)
    store(path, Manifest(prefix="", partitions=PARTITIONS, topics={TOPIC: parts}))
    return path


def _verify(archive: Path, trust: Trust | None, workers: int, events: int, echo: Echo) -> float:
    began = perf_counter()
    verdict = verify(Place(archive=archive), PARTITIONS, trust, workers)
    rate = events / (perf_counter() - began)
    if not verdict.ok or verdict.length != events:
        raise AssertionError(f"the log does not verify: {verdict.findings[:1]}")
    echo(f"verified at {rate:,.0f} events/s")
    return rate


def _alone(log: MemoryLog, events: int) -> int:
    began = perf_counter()
    for span in log.spans.values():
        if not verify_chain(value or b"" for value in span.values).ok:
            raise AssertionError("a chain does not hold")
    return round(events / (perf_counter() - began))

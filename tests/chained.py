"""A whole run in memory: feeds folded by the jobs, results put back into the log, then chained."""

from collections.abc import Iterable
from pathlib import Path

from connectors.generators import Batch, Chunk
from connectors.log import MemoryLog, Span, fold_shard
from connectors.spec import JobSpec
from deploy.archive.files import frame_of, summed, ticks_in, write
from deploy.archive.manifest import Manifest, store
from jobs.catalogue import Config, graph_job, netting_job, regulatory_job
from schemas.codec import decode, encode
from schemas.ids import lei_check_digits
from schemas.records import record

A, B, C, CCP = (
    body + lei_check_digits(body) for body in (f"9999{name}" + "0" * 13 for name in "ABCP")
)
NOON = 1_772_452_800_000_000
HOUR = 3_600_000_000
SECOND = 1_000_000
ONE = Config(partitions=1)
SHARD = {"regulatory.events": 1, "graph.edges": 1}
"""What an index reads, in one partition."""
NET_AB = f"{CCP}|EUR|EUR|2|{NOON + 2 * HOUR}|BILATERAL|{A}|{B}"
"""The net of A and B in the second cycle of `by_hand`: of the obligations at offsets 5 and 7."""


class MemorySource:
    """A log in memory, read as an archive or a broker is."""

    def __init__(self, log: MemoryLog) -> None:
        self.log = log

    def read(
        self, topic: str, partition: int, start: int | None = None, end: int | None = None
    ) -> Span:
        found, span = Span(), self.log.spans.get((topic, partition), Span())
        rows = zip(span.offsets, span.appended, span.keys, span.values, strict=True)
        for row in rows:
            if (start is None or row[0] >= start) and (end is None or row[0] < end):
                found.put(*row)
        return found

    def ends(self, topic: str, partition: int) -> tuple[int, int]:
        return 0, len(self.log.spans.get((topic, partition), Span()))


def folded(log: MemoryLog, config: Config) -> MemoryLog:
    """The log with what netting and graph make of its feeds, and the chain over that."""
    for job in (netting_job(config), graph_job(config), regulatory_job(config)):
        fold_into(log, job)
    return log


def fold_into(log: MemoryLog, job: JobSpec) -> None:
    """Append what a job makes of the log, each batch's results at the end of its slice."""
    for shard in range(job.partitions):
        spans = log.partition([feed.topic for feed in job.feeds], shard)
        for batch in fold_shard(job, shard, spans):
            appended = decode(batch.results[-1].value)[1]["slice_end"] // 1_000
            for result in batch.results:
                log.append(result.topic, shard, appended, result.value, result.key)


def logged(run: Iterable[Chunk], start: int, interval_ms: int = 50) -> MemoryLog:
    """A generator's run as a log: a chunk every `interval_ms` from `start`, microseconds."""
    log = MemoryLog()
    for number, chunk in enumerate(run):
        for batch in chunk:
            _send(log, batch, start // 1_000 + number * interval_ms)
    return log


def _send(log: MemoryLog, batch: Batch, appended: int) -> None:
    keys = [batch.keys] * len(batch.values) if isinstance(batch.keys, bytes) else batch.keys
    for key, value in zip(keys, batch.values, strict=True):
        log.append(batch.topic, batch.partition, appended, value, key)


def obligation(number: int, payer: str, receiver: str, amount: int, time: int) -> bytes:
    """An obligation of the one netting set, in euro cents."""
    row = {
        "obligation_id": f"O{number}",
        "trade_id": f"T{number}",
        "producer": "desk",
        "sequence": number,
        "trade_time": time,
        "netting_set": f"{CCP}|EUR",
        "ccp": CCP,
        "payer": payer,
        "receiver": receiver,
        "asset": "EUR",
        "amount": amount,
        "scale": 2,
        "settlement_date": 20_516,
        "mic": "XETR",
    }
    return encode(record("Obligation"), row)


def payment(number: int, debtor: str, creditor: str, amount: int, time: int) -> bytes:
    """A payment between accounts `debtor` and `creditor`, in euro cents."""
    row = {
        "payment_id": f"P{number}",
        "producer": "bank",
        "sequence": number,
        "time": time,
        "debtor": f"C-{debtor}",
        "debtor_account": debtor,
        "creditor": f"C-{creditor}",
        "creditor_account": creditor,
        "debtor_country": "DE",
        "creditor_country": "FR",
        "amount": amount,
        "scale": 2,
        "currency": "EUR",
        "channel": "WIRE",
        "end_to_end_id": "NOTPROVIDED",
    }
    return encode(record("Payment"), row)


def by_hand() -> MemoryLog:
    """Two netting cycles of A, B and C, a record nobody can read, a repeat, and three payments."""
    log = MemoryLog()
    last = obligation(4, A, B, 70, NOON + HOUR)
    places: list[tuple[int, bytes | None]] = [
        (NOON, None),
        (NOON, obligation(1, A, B, 100, NOON)),
        (NOON + 1, obligation(2, B, C, 100, NOON + 1)),
        (NOON + 2, b"no obligation"),
        (NOON + HOUR - 1, obligation(3, C, A, 100, NOON + HOUR - 1)),
        (NOON + HOUR, last),
        (NOON + HOUR, last),
        (NOON + HOUR, obligation(5, B, A, 30, NOON + HOUR)),
        (NOON + 2 * HOUR + 10 * SECOND, None),
    ]
    _feed(log, "obligations", places)
    paid: list[tuple[int, bytes | None]] = [
        (NOON, None),
        (NOON + SECOND, payment(1, "X", "Y", 500, NOON + SECOND)),
        (NOON + 2 * SECOND, payment(2, "X", "Y", 700, NOON + 2 * SECOND)),
        (NOON + 3 * SECOND, payment(3, "Y", "X", 100, NOON + 3 * SECOND)),
        (NOON + 2 * HOUR, None),
    ]
    _feed(log, "payments", paid)
    return log


def _feed(log: MemoryLog, topic: str, places: Iterable[tuple[int, bytes | None]]) -> None:
    """Append records at their business time; None is a tick that shows it."""
    for time, value in places:
        if value is None:
            log.tick(topic, 0, time // 1_000, time)
        else:
            log.append(topic, 0, time // 1_000, value, b"key")


def archived(log: MemoryLog, folder: Path, topics: Iterable[str]) -> Path:
    """An archive of some topics of a log of one partition."""
    parts = {}
    for topic in topics:
        frame = frame_of(log.spans[topic, 0])
        files = [(write(folder, topic, 0, part), ticks_in(part)) for part in frame.iter_slices(5)]
        parts[topic] = {"0": summed(0, frame.height, files)}
    store(folder, Manifest(prefix="", partitions=1, topics=parts))
    return folder

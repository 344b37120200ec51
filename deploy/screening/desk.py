"""What the screening commands do: publish, tell what is in force, try a name."""

import fcntl
import time as wall
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connectors import kafka_admin
from connectors.producer import DeliveryError, KafkaEnd
from connectors.reader import LogReader
from connectors.topics import TICK_KEY
from deploy.errors import UserError
from deploy.screening import made, reading
from deploy.screening import publish as publishing
from deploy.screening.publish import TOPIC, Publication, Published
from deploy.settings import Settings
from schemas.codec import decode_batch
from schemas.records import record
from udfs.screening.config import Config
from udfs.screening.listed import EXCEPTIONS, LISTED, Entry, canonical, digest
from udfs.screening.score import WHOLE
from udfs.screening.screener import Screener

RUNS = "screening.runs"


def publish(
    file: Path,
    name: str,
    kind: str,
    epoch: int | None,
    author: str,
    time: str | None,
    out: Path | None,
    partitions: int | None,
    brokers: str | None,
    prefix: str,
) -> dict[str, Any]:
    """Publish a list from a file, to Kafka or to a recorded log; what was published.

    Raises:
        UserError: The file, an option or the broker is not what it has to be.
    """
    settings = Settings.load()
    of_kind = LISTED if kind == "listed" else EXCEPTIONS
    rows = reading.read(file, of_kind)
    at = _microseconds(time)
    count = settings.partitions if partitions is None else partitions

    def publication(before: list[Published]) -> Publication:
        number = publishing.next_epoch(name, epoch, digest(canonical(rows)), before)
        return Publication.of(name, of_kind, number, author, at, rows)

    if out is not None:
        before = publishing.recorded(out, count)
        published = publication(before)
        publishing.append(out, publishing.batches(published, before), at // 1_000)
    else:
        with _kafka(settings, brokers or settings.brokers, prefix, count) as (end, before):
            published = publication(before)
            for batch in publishing.batches(published, before):
                end.send(batch)
            end.close()
    return {
        "name": published.name,
        "kind": published.kind,
        "epoch": published.epoch,
        "hash": published.hash,
        "rows": len(rows),
        "parts": len(published.parts),
        "partitions": count,
        "to": str(out or "kafka"),
    }


def status(brokers: str | None, prefix: str) -> tuple[list[dict[str, Any]], list[str]]:
    """The last version in force of each list and partition, and what is wrong with them."""
    settings = Settings.load()
    brokers = brokers or settings.brokers
    if why := kafka_admin.trouble(brokers):
        raise UserError(f"no Kafka broker answers at {brokers} ({why}); start it: tidemark up")
    reader = LogReader(brokers, prefix)
    runs: list[dict[str, Any]] = []
    try:
        for partition in range(settings.partitions):
            span = reader.read(RUNS, partition)
            pairs = zip(span.keys, span.values, strict=True)
            values = [value for key, value in pairs if key != TICK_KEY]
            frame = decode_batch(record("ScreeningRun"), values)[0]
            runs += frame.with_columns(partition=frame["source_partition"]).to_dicts()
    finally:
        reader.close()
    return judged(runs, settings.partitions)


def judged(runs: list[dict[str, Any]], partitions: int) -> tuple[list[dict[str, Any]], list[str]]:
    """The last run of each list and partition, and in words what is wrong."""
    last = {(run["list"], run["partition"]): run for run in runs if run["outcome"] == "IN_FORCE"}
    rows = [last[place] for place in sorted(last)]
    wrong = []
    for name in sorted({run["list"] for run in rows}):
        mine = [run for run in rows if run["list"] == name]
        if len({run["hash"] for run in mine}) > 1:
            wrong.append(f"list {name}: partitions have different versions in force")
        if len(mine) < partitions:
            wrong.append(f"list {name}: in force in {len(mine)} of {partitions} partitions")
    wrong += [
        f"list {run['list']} partition {run['partition']}: epoch {run['epoch']} was refused: "
        f"{run['reason']}; epoch {last[place]['epoch'] if place in last else 'none'} is in force"
        for run in runs
        for place in [(run["list"], run["partition"])]
        if run["outcome"] == "REFUSED" and run["epoch"] > last.get(place, {"epoch": 0})["epoch"]
    ]
    wrong += [
        f"list {run['list']} partition {run['partition']}: {run['screened']} of {run['known']} "
        f"customers were screened, {run['unreadable']} names cannot be read"
        for run in rows
        if run["screened"] != run["known"]
    ]
    return rows, wrong


def try_name(name: str, file: Path | None, threshold: int | None) -> list[dict[str, str]]:
    """The hits of a name on a list file, with the parts of their scores."""
    rows = reading.read(file or made.HERE / "synthetic.csv", LISTED)
    entries = [row for row in rows if isinstance(row, Entry)]
    screener = Screener(entries, Config().threshold if threshold is None else threshold)
    return [
        {
            "score": f"{hit.score.value / WHOLE:.3f}",
            "id": hit.entry.id,
            "name": hit.name,
            "category": hit.entry.category,
            "both": f"{hit.score.both / WHOLE:.3f}",
            "shorter": f"{hit.score.one / WHOLE:.3f}",
            "pairs": ", ".join(f"{p.mine} = {p.theirs} {p.like:.2f}" for p in hit.score.pairs),
        }
        for hit in screener.hits(name) or ()
    ]


@contextmanager
def _kafka(
    settings: Settings, brokers: str, prefix: str, partitions: int
) -> Iterator[tuple[KafkaEnd, list[Published]]]:
    """Where to send, and what is there, with nobody else of this checkout publishing meanwhile."""
    settings.home.mkdir(parents=True, exist_ok=True)
    with (settings.home / "lists.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        end = KafkaEnd(brokers, prefix=prefix)
        reader = LogReader(brokers, prefix)
        try:
            end.check([TOPIC], partitions)
            yield end, [Published.of(reader.read(TOPIC, one)) for one in range(partitions)]
        except DeliveryError as error:
            raise UserError(f"the list is not published everywhere: {error}") from None
        finally:
            reader.close()


def _microseconds(text: str | None) -> int:
    if text is None:
        return wall.time_ns() // 1_000
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(f"--time is {text[:40]!r}; write it as in 2026-03-02T08:00, UTC") from None
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found
    return int(found.timestamp() * 1_000_000)

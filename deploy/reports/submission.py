"""Carries a report to the other side, one recorded step after the other.

A step is written before it is taken: a submission that was broken off is SENT, and sending the same
file again asks for the verdict once more. Nothing but the topic `submissions` remembers anything.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from connectors.topics import TICK_KEY, partition_of
from deploy.errors import UserError
from deploy.proofs.sources import Source, pieces
from deploy.reports.client import Verdict
from deploy.reports.states import (
    ACKNOWLEDGED,
    CORRECTED,
    REJECTED,
    SENT,
    Step,
    first,
    following,
    replayed,
    report_id,
)
from schemas.checks import violations
from schemas.codec import decode_batch, encode
from schemas.records import record

TOPIC = "submissions"
PRODUCER = "reports/{topic}/{partition}"


class Journal(Protocol):
    """Where steps are read from and written to."""

    def history(self, report: str) -> list[Step]:
        """The steps of a report so far, in order."""

    def write(self, step: Step) -> None:
        """Record one more step; it is in the log when this returns."""


@dataclass(frozen=True)
class Told:
    """A step with what its record says beside it; `time` in microseconds UTC."""

    step: Step
    time: int
    producer: str
    sequence: int


def steps(source: Source, partitions: Iterable[int]) -> list[Told]:
    """Every step in the topic, by partition and offset."""
    found = []
    for partition in partitions:
        for span in pieces(source, TOPIC, partition):
            rows = zip(span.keys, span.values, strict=True)
            values = [value for key, value in rows if key != TICK_KEY]
            frame, _, _ = decode_batch(record("ReportSubmission"), values)
            found += [
                Told(Step.of(row), row["time"], row["producer"], row["sequence"])
                for row in frame.to_dicts()
            ]
    return found


def histories(found: Sequence[Told]) -> dict[str, list[Step]]:
    """The steps of each report, in order; a repeat of the same record counts once."""
    out: dict[str, list[Step]] = {}
    seen: set[tuple[str, int, str]] = set()
    for told in found:
        mark = (told.producer, told.sequence, told.step.report_id)
        if mark not in seen:
            seen.add(mark)
            out.setdefault(told.step.report_id, []).append(told.step)
    return out


class KafkaJournal:
    """Steps in the topic `submissions`: numbered by this producer, acknowledged by the broker.

    One at a time: two that write at once would give the same number twice, and the second step
    would be refused downstream. The command holds a lock.
    """

    def __init__(
        self,
        source: Source,
        send: Callable[[int, bytes, bytes], None],
        partitions: int,
        now: Callable[[], int],
    ) -> None:
        """Read from `source`; `send` puts (partition, key, value) into the log and waits."""
        self._source = source
        self._send = send
        self._partitions = partitions
        self._now = now

    def history(self, report: str) -> list[Step]:
        """The steps of a report so far."""
        return histories(self._of(self._partition(report))).get(report, [])

    def write(self, step: Step) -> None:
        """Record one more step."""
        partition = self._partition(step.report_id)
        producer = PRODUCER.format(topic=TOPIC, partition=partition)
        numbers = [told.sequence for told in self._of(partition) if told.producer == producer]
        row = step.record(self._now(), producer, max(numbers, default=-1) + 1)
        rec = record("ReportSubmission")
        message = encode(rec, row)
        if broken := violations(rec, decode_batch(rec, [message])[0]):
            raise UserError(f"the step cannot be recorded: {broken[0].reason}; mend the option")
        self._send(partition, step.report_id.encode(), message)

    def _of(self, partition: int) -> list[Told]:
        return steps(self._source, [partition])

    def _partition(self, report: str) -> int:
        return partition_of(report.encode(), self._partitions)


def submit(
    journal: Journal,
    kind: str,
    content: bytes,
    endpoint: str,
    send: Callable[[str, int, bytes], Verdict],
    corrects: str = "",
    reason: str = "",
) -> Step:
    """Take a report as far as it goes now: to ACKNOWLEDGED or REJECTED; its last step.

    Args:
        journal: Where its steps are.
        kind: What kind of report.
        content: The file.
        endpoint: Where `send` sends it, for the record.
        send: Sends (report id, attempt, content) and gives the verdict.
        corrects: Id of the rejected report that this file corrects; empty for a new report.
        reason: Why it was corrected.

    Raises:
        UserError: The report is where no such step may follow, or there was no verdict.
    """
    if not content:
        raise UserError("the file is empty; give a report with something in it")
    name = corrects or report_id(kind, content)
    history = journal.history(name)
    if wrong := replayed(history):
        raise UserError(
            f"report {name} has a history that cannot be: {wrong[0]}; look into {TOPIC}"
        )
    last = history[-1] if history else None
    if corrects:
        last = _corrected(journal, name, last, kind, content, reason)
    elif last is None:
        last = _write(journal, first(kind, content))
    if last.content_hash != first(kind, content).content_hash:
        raise UserError(f"report {name} was corrected since; submit its newest file, --corrects it")
    if last.state == REJECTED:
        raise UserError(
            f"report {name} was rejected ({last.reason or 'no reason'}); submit a corrected file "
            f"with: --corrects {name} --reason TEXT"
        )
    if last.state != SENT:
        last = _write(journal, following(last, SENT, endpoint=endpoint))
    verdict = send(name, last.attempt, content)
    return _write(
        journal,
        following(
            last,
            verdict.state,
            endpoint=last.endpoint,
            reference=verdict.reference,
            reason=verdict.reason if verdict.state != ACKNOWLEDGED else "",
        ),
    )


def _corrected(
    journal: Journal, name: str, last: Step | None, kind: str, content: bytes, reason: str
) -> Step:
    """The report after its correction, which may have been recorded by a try before this one."""
    if last is None:
        raise UserError(f"there is no report {name}; look at: tidemark report status")
    if last.kind != kind:
        raise UserError(f"report {name} is of kind {last.kind}, not {kind}; mend --kind")
    digest = first(kind, content).content_hash
    if last.state in (CORRECTED, SENT) and last.content_hash == digest:
        return last
    if last.state == REJECTED and last.content_hash == digest:
        raise UserError(f"the file is the one that was rejected as {name}; correct it first")
    if not reason.strip():
        raise UserError("a correction needs a reason; give --reason TEXT")
    return _write(journal, following(last, CORRECTED, content=content, reason=reason))


def _write(journal: Journal, step: Step) -> Step:
    journal.write(step)
    return step

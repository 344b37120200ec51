"""The states of a submitted report, and which step may follow which.

    PREPARED -> SENT -> ACKNOWLEDGED
                 |  ^
                 v  |
          REJECTED -> CORRECTED

Each step is a ReportSubmission record; ACKNOWLEDGED is the end.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from deploy.errors import UserError

PREPARED, SENT, ACKNOWLEDGED = "PREPARED", "SENT", "ACKNOWLEDGED"
REJECTED, CORRECTED = "REJECTED", "CORRECTED"

STEPS: Mapping[str | None, frozenset[str]] = {
    None: frozenset({PREPARED}),
    PREPARED: frozenset({SENT}),
    SENT: frozenset({ACKNOWLEDGED, REJECTED}),
    REJECTED: frozenset({CORRECTED}),
    CORRECTED: frozenset({SENT}),
    ACKNOWLEDGED: frozenset(),
}
"""State (None: there is no such report yet) -> the states that may follow."""

_ID_DIGITS = 32


@dataclass(frozen=True)
class Step:
    """One step of a report, as its record says it.

    Attributes:
        report_id: The report's id.
        kind: What kind of report.
        number: Number of the step, from 0.
        state: State after the step.
        attempt: How often it was sent, this step included.
        content_hash: SHA-256 of the file, hex.
        size: Bytes of the file.
        endpoint: Where it was sent; empty if nothing was.
        reference: Reference of the other side; empty if none.
        reason: Why rejected or corrected; else empty.
    """

    report_id: str
    kind: str
    number: int
    state: str
    attempt: int
    content_hash: str
    size: int
    endpoint: str = ""
    reference: str = ""
    reason: str = ""

    def record(self, time: int, producer: str, sequence: int) -> dict[str, Any]:
        """The ReportSubmission of this step; `time` in microseconds UTC."""
        return {
            "step_id": f"{self.report_id}#{self.number}",
            "producer": producer,
            "sequence": sequence,
            "time": time,
            "report_id": self.report_id,
            "kind": self.kind,
            "step": self.number,
            "state": self.state,
            "attempt": self.attempt,
            "content_hash": self.content_hash,
            "size": self.size,
            "endpoint": self.endpoint,
            "reference": self.reference,
            "reason": self.reason,
        }

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Step":
        """The step that a ReportSubmission tells of."""
        names = ("report_id", "kind", "state", "attempt", "content_hash", "size", "endpoint")
        told = {name: row[name] for name in (*names, "reference", "reason")}
        return cls(number=row["step"], **told)


def report_id(kind: str, content: bytes) -> str:
    """The id of a report: its kind and half of the SHA-256 of its first version."""
    return f"{kind}-{sha256(content).hexdigest()[:_ID_DIGITS]}"


def first(kind: str, content: bytes) -> Step:
    """The first step of a new report."""
    digest = sha256(content).hexdigest()
    return Step(report_id(kind, content), kind, 0, PREPARED, 0, digest, len(content))


def following(
    last: Step,
    state: str,
    content: bytes | None = None,
    endpoint: str = "",
    reference: str = "",
    reason: str = "",
) -> Step:
    """The next step of a report.

    Args:
        last: The step before.
        state: The state it goes to.
        content: The new file, if it is corrected.
        endpoint: Where it was sent.
        reference: What the other side calls it.
        reason: Why it was rejected or corrected.

    Raises:
        UserError: No such step may follow.
    """
    check(last.report_id, last.state, state)
    same = content is None
    return Step(
        report_id=last.report_id,
        kind=last.kind,
        number=last.number + 1,
        state=state,
        attempt=last.attempt + (state == SENT),
        content_hash=last.content_hash if same else sha256(content or b"").hexdigest(),
        size=last.size if same else len(content or b""),
        endpoint=endpoint,
        reference=reference,
        reason=reason,
    )


def check(report: str, last: str | None, state: str) -> None:
    """Whether a report may go from one state to another; UserError in one line if not."""
    allowed = STEPS[last]
    if state in allowed:
        return
    if last is None:
        raise UserError(f"there is no report {report}; prepare it first: tidemark report submit")
    after = f"only {' or '.join(sorted(allowed))} may follow" if allowed else "that is the end"
    raise UserError(f"report {report} is {last} and cannot become {state}: {after}")


def replayed(steps: Sequence[Step]) -> list[str]:
    """What is wrong with a report's history, in words; nothing if every step was legal."""
    wrong = []
    before: Step | None = None
    for number, step in enumerate(steps):
        last = before.state if before else None
        if step.number != number:
            wrong.append(f"step {number} is missing: step {step.number} stands there")
            break
        if step.state not in STEPS[last]:
            wrong.append(f"step {number} goes from {last or 'nothing'} to {step.state}")
        before = step
    return wrong

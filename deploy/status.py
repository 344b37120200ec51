"""What `tidemark status` says of the jobs."""

from dataclasses import dataclass

from deploy.errors import UserError
from deploy.flink import Flink


@dataclass(frozen=True)
class JobStatus:
    """A living job; `trouble` is None when it runs and lost no record as late."""

    id: str
    name: str
    state: str
    late_dropped: int
    trouble: str | None


def job_rows(flink: Flink) -> list[JobStatus]:
    """Every living job with the engine's count of dropped late records; none if Flink is down."""
    try:
        return [
            judge(job.id, job.name, job.state, flink.rest.late_records(job.id))
            for job in flink.jobs()
            if job.alive
        ]
    except UserError:
        return []


def judge(job_id: str, name: str, state: str, late_dropped: int) -> JobStatus:
    """A job's status: a dropped record means that replays will differ from this run."""
    trouble = None
    if state != "RUNNING":
        trouble = f"{state}, see: tidemark logs jobmanager"
    elif late_dropped:
        trouble = f"{late_dropped} records dropped as late: the broker's clock went back"
    return JobStatus(job_id, name, state, late_dropped, trouble)

"""Flink's REST interface: jobs, their states, savepoints, checkpoints, failures, metrics."""

import time
from dataclasses import dataclass
from typing import Any

import requests

from deploy.errors import UserError

TIMEOUT_S = 30
GONE = frozenset({"CANCELED", "FAILED", "FINISHED", "SUSPENDED"})
"""States that a job does not leave."""


@dataclass(frozen=True)
class Job:
    """A job as the JobManager lists it; times in milliseconds."""

    id: str
    name: str
    state: str
    started: int
    duration: int

    @property
    def alive(self) -> bool:
        """Whether it still runs, or is about to."""
        return self.state not in GONE


class Rest:
    """Calls of one JobManager."""

    def __init__(self, url: str) -> None:
        """`url` without a path, as in `http://127.0.0.1:8081`."""
        self._url = url

    def jobs(self) -> list[Job]:
        """All jobs the JobManager knows, newest first; ended ones included."""
        rows = [
            Job(row["jid"], row["name"], row["state"], row["start-time"], row["duration"])
            for row in self.get("/jobs/overview")["jobs"]
        ]
        return sorted(rows, key=lambda job: (-job.started, job.id))

    def find(self, name_or_id: str, alive: bool = True) -> Job:
        """The newest job of this name or id; with `alive`, ended ones do not count."""
        jobs = [job for job in self.jobs() if job.alive or not alive]
        for job in jobs:
            if name_or_id in (job.name, job.id):
                return job
        names = ", ".join(sorted({job.name for job in jobs})) or "none"
        raise UserError(f"no job {name_or_id} is running (running: {names}); see: tidemark jobs")

    def state(self, job_id: str) -> str:
        """The job's state, such as INITIALIZING, RUNNING, RESTARTING, or one of `GONE`."""
        return str(self.get(f"/jobs/{job_id}")["state"])

    def vertices(self, job_id: str) -> list[dict[str, Any]]:
        """The operators of a job: id, name, parallelism, status, metrics."""
        return list(self.get(f"/jobs/{job_id}")["vertices"])

    def running(self, job_id: str) -> bool:
        """Whether every task of the job runs, not only the job as a whole."""
        detail = self.get(f"/jobs/{job_id}")
        return detail["state"] == "RUNNING" and all(
            vertex["status"] in ("RUNNING", "FINISHED") for vertex in detail["vertices"]
        )

    def checkpoints(self, job_id: str) -> dict[str, Any]:
        """Checkpoint statistics: `counts`, `latest` (with `completed`, `restored`), `history`."""
        return dict(self.get(f"/jobs/{job_id}/checkpoints"))

    def exceptions(self, job_id: str) -> list[str]:
        """First lines of the job's failures, newest first."""
        entries = self.get(f"/jobs/{job_id}/exceptions")["exceptionHistory"]["entries"]
        return [root_cause(entry["stacktrace"]) for entry in entries]

    def late_records(self, job_id: str) -> int:
        """Records the engine dropped as late, over all operators; it must stay 0."""
        return self.metric_sum(job_id, "numLateRecordsDropped")

    def metric_sum(self, job_id: str, name: str) -> int:
        """Sum of an operator metric over all operators and subtasks of a job."""
        total = 0.0
        for vertex in self.vertices(job_id):
            base = f"/jobs/{job_id}/vertices/{vertex['id']}/subtasks/metrics"
            ids = [row["id"] for row in self.get(base) if row["id"].rpartition(".")[2] == name]
            for start in range(0, len(ids), 20):
                rows = self.get(base, get=",".join(ids[start : start + 20]), agg="sum")
                total += sum(float(row["sum"]) for row in rows)
        return int(total)

    def slots(self) -> tuple[int, int]:
        """Free and all task slots of the cluster."""
        overview = self.get("/overview")
        return int(overview["slots-available"]), int(overview["slots-total"])

    def cancel(self, job_id: str) -> None:
        """Cancel a job; its last checkpoint is kept."""
        self._call("PATCH", f"/jobs/{job_id}", params={"mode": "cancel"})

    def stop_with_savepoint(self, job_id: str, folder: str, timeout_s: float = 600) -> str:
        """Stop a job after a savepoint in `folder`; the savepoint's path.

        Windows are not drained: what is open goes into the savepoint and on after a restore.
        """
        asked = {"targetDirectory": folder, "drain": False, "formatType": "CANONICAL"}
        trigger = self._call("POST", f"/jobs/{job_id}/stop", json=asked)["request-id"]
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            answer = self.get(f"/jobs/{job_id}/savepoints/{trigger}")
            if answer["status"]["id"] == "COMPLETED":
                operation = answer["operation"]
                if cause := operation.get("failure-cause"):
                    reason = root_cause(cause.get("stack-trace", ""))
                    raise UserError(
                        f"the savepoint failed ({reason}); the job goes on, see: tidemark jobs"
                    )
                return str(operation["location"])
            time.sleep(0.1)
        raise UserError(f"no savepoint after {timeout_s:.0f} s; see: tidemark logs jobmanager")

    def wait_for(self, job_id: str, state: str, timeout_s: float = 120) -> None:
        """Wait until a job is in `state`; RUNNING asks for all of its tasks."""
        deadline = time.monotonic() + timeout_s
        while True:
            now = self.state(job_id)
            if now == state and (state != "RUNNING" or self.running(job_id)):
                return
            if now in GONE and now != state:
                causes = self.exceptions(job_id) or ["no cause recorded"]
                raise UserError(
                    f"the job is {now}, not {state}: {causes[0]}; see: tidemark logs jobmanager"
                )
            if time.monotonic() > deadline:
                raise UserError(
                    f"the job is {now} after {timeout_s:.0f} s, not {state}; see: tidemark jobs"
                )
            time.sleep(0.2)

    def get(self, path: str, **params: str) -> Any:
        """The answer to one GET, as JSON."""
        return self._call("GET", path, params=params)

    def _call(self, method: str, path: str, **given: Any) -> Any:
        try:
            answer = requests.request(method, self._url + path, timeout=TIMEOUT_S, **given)
        except requests.RequestException:
            raise UserError(f"Flink does not answer at {self._url}; run: tidemark up") from None
        if answer.status_code == requests.codes.not_found:
            raise UserError(f"Flink knows nothing of {path}; see: tidemark jobs")
        if not answer.ok:
            errors = answer.json().get("errors", [answer.text])
            raise UserError(f"Flink refuses {method} {path}: {root_cause(str(errors[-1]))}")
        return answer.json() if answer.content else {}


def root_cause(stack_trace: str) -> str:
    """The innermost cause in a Java stack trace, or a Python error inside it, as one line."""
    lines = [line.strip() for line in stack_trace.splitlines() if line.strip()]
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    chosen = (causes or lines or ["no message"])[-1 if causes else 0]
    return chosen[:300]

"""Submitting a job: the checks before, `flink run`, and a readable reason when it fails."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from deploy.errors import UserError
from deploy.flink.archive import archive as make_archive
from deploy.flink.rest import Job, Rest
from deploy.processes import clean_environment, python
from deploy.services.flink import environment, package
from deploy.settings import Settings
from schemas.compatibility import IncompatibleError, check_tree

SUBMIT_TIMEOUT_S = 300
_JOBS = Path(__file__).parents[2] / "jobs"
_SUBMITTED = re.compile(r"submitted with JobID ([0-9a-f]{32})")


class Flink:
    """The cluster of one stack."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is asked of the cluster yet."""
        self._settings = settings
        self.rest = Rest(settings.rest_url)

    def archive(self) -> Path:
        """The zip of the packages that a job needs."""
        return make_archive(self._settings.archives)

    def jobs(self) -> list[Job]:
        """All jobs, newest first."""
        return self.rest.jobs()

    def submit(
        self,
        job: str,
        parallelism: int,
        options: Mapping[str, object] | None = None,
        savepoint: str | None = None,
        app: Path | None = None,
    ) -> str:
        """Start module `jobs.<job>`; the id of the running job.

        `options` go over `_defaults` and become `--key value`; True becomes `--key` alone, None and
        False nothing. `app` is an archive of older code, for a replay; the present code otherwise.
        """
        self._check(job, parallelism, (options or {}).get("name", job), app)
        _check_schemas()
        given = self._defaults(job)
        given |= {key.replace("_", "-"): value for key, value in (options or {}).items()}
        argv = [str(package() / "bin" / "flink"), "run", "-d", "-p", str(parallelism)]
        argv += ["-m", self._settings.rest_url.removeprefix("http://")]
        if savepoint:
            argv += ["-s", savepoint, "-cm", "NO_CLAIM"]
        argv += ["-pym", f"jobs.{job}", "-pyfs", str(app or self.archive())]
        argv += ["-pyexec", str(python()), "-pyclientexec", str(python())]
        argv += arguments(given)
        return self._run(job, argv)

    def stop_with_savepoint(self, job_id: str) -> str:
        """Stop a job after a savepoint in the stack's own folder; the savepoint's path."""
        return self.rest.stop_with_savepoint(job_id, self._settings.savepoints.as_uri())

    def cancel(self, job_id: str) -> None:
        """Cancel a job and wait until it is gone."""
        self.rest.cancel(job_id)
        self.rest.wait_for(job_id, "CANCELED")

    def wait_for(self, job_id: str, state: str, timeout_s: float = 120) -> None:
        """Wait until a job is in `state`; RUNNING asks for all of its tasks."""
        self.rest.wait_for(job_id, state, timeout_s)

    def _defaults(self, job: str) -> dict[str, object]:
        settings = self._settings
        given: dict[str, object] = {"brokers": settings.brokers, "partitions": settings.partitions}
        if job in ("graph", "links"):
            given |= {"neo4j": settings.bolt_url}
            given |= {"neo4j-password-file": settings.neo4j_password_file}
        return given | {"name": job}

    def _check(self, job: str, parallelism: int, name: object, app: Path | None) -> None:
        known = names()
        if app is None and job not in known:
            raise UserError(f"there is no job {job}; jobs: {', '.join(known) or 'none'}")
        if not 1 <= parallelism <= self._settings.partitions:
            raise UserError(
                f"parallelism {parallelism} is not in 1..{self._settings.partitions}, the topics' "
                "partitions; ask for less, or start an empty home with more TIDEMARK_PARTITIONS"
            )
        if any(other.name == name and other.alive for other in self.jobs()):
            raise UserError(f"job {name} is running already; run first: tidemark stop {name}")
        free, total = self.rest.slots()
        if free < parallelism:
            raise UserError(
                f"{parallelism} task slots are needed, {free} of {total} are free; stop a job, or "
                "raise TIDEMARK_SLOTS or TIDEMARK_TASKMANAGERS and run tidemark down, tidemark up"
            )

    def _run(self, job: str, argv: list[str]) -> str:
        log = self._settings.logs / f"submit-{job}.log"
        env = clean_environment() | environment(self._settings, f"submit-{job}")
        neutral = self._settings.run / "cwd"
        neutral.mkdir(parents=True, exist_ok=True)
        try:
            done = subprocess.run(
                argv,
                env=env,
                cwd=neutral,
                capture_output=True,
                text=True,
                timeout=SUBMIT_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise UserError(
                f"{job} was not submitted in {SUBMIT_TIMEOUT_S} s; see: tidemark logs jobmanager"
            ) from None
        log.write_text(done.stdout + done.stderr)
        if found := _SUBMITTED.search(done.stdout):
            return found[1]
        why = reason(done.stdout + done.stderr)
        raise UserError(f"{job} was not submitted: {why}; see: tidemark logs submit-{job}")


def _check_schemas() -> None:
    """Refuse to start a job that could not read its own past."""
    try:
        check_tree()
    except IncompatibleError as error:
        raise UserError(str(error)) from None


def names() -> list[str]:
    """The jobs there are: modules of jobs/ that can be run."""
    return sorted(path.stem for path in _JOBS.glob("*.py") if "\ndef main(" in path.read_text())


def arguments(options: Mapping[str, object]) -> list[str]:
    """A job's command line: `--key value` each, `--key` for True, nothing for False and None."""
    found: list[str] = []
    for key, value in options.items():
        if value is True:
            found.append(f"--{key}")
        elif value is not None and value is not False:
            found += [f"--{key}", str(value)]
    return found


def reason(output: str) -> str:
    """The line of a failed `flink run` that says why: Python's own error before Java's."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    python_error = re.compile(r"^[\w.]*(Error|Exception|Exit|Interrupt)\b.*|^[\w.]+: error: .+")
    own = [
        line
        for line in lines
        if python_error.match(line) and not line.startswith(("org.", "java."))
    ]
    java = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    return (own or java or lines or ["no message"])[-1][:300]

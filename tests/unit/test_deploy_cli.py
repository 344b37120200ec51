"""The command line: quick help, one line for what a person can mend, exit codes."""

import subprocess
import sys

import pytest

from deploy import java, logs, supervise
from deploy.errors import UserError
from deploy.explain import explain
from deploy.flink.client import arguments, reason
from deploy.flink.rest import root_cause
from deploy.status import judge


def tidemark(*argv: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deploy.cli", *argv]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_help_names_the_commands_of_every_module() -> None:
    told = tidemark("--help")
    assert told.returncode == 0
    assert {"up", "down", "status", "doctor", "logs", "submit", "jobs", "stop"} <= set(
        told.stdout.split()
    )


def test_help_does_not_load_what_commands_work_with() -> None:
    look = (
        "import sys; from deploy import cli; cli.register_all(); "
        "print({'pyflink', 'polars', 'confluent_kafka', 'requests'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", look]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"


@pytest.mark.parametrize(
    "argv", [["nonsense"], ["submit", "netting", "-o", "x"], ["logs", "-n", "0"]]
)
def test_nonsense_ends_with_code_2(argv: list[str]) -> None:
    assert tidemark(*argv).returncode == 2


def test_what_a_person_can_mend_is_one_line_and_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEMARK_SLOTS", "none")
    told = tidemark("status")
    assert told.returncode == 1
    assert told.stderr.startswith("tidemark: setting slots: ")
    assert told.stderr.count("\n") == 1


def test_a_full_disk_is_explained_and_our_own_bug_is_not() -> None:
    assert "the disk is full" in (explain(OSError(28, "No space left on device")) or "")
    assert explain(ValueError("a bug")) is None


@pytest.mark.parametrize(
    ("text", "feature"),
    [
        ('openjdk version "17.0.9" 2023-10-17', 17),
        ('java version "1.8.0_381"', 8),
        ('openjdk version "21" 2023-09-19', 21),
        ("no version here", None),
    ],
)
def test_the_feature_release_of_a_java(text: str, feature: int | None) -> None:
    assert java.parse_feature(text) == feature


def test_the_python_error_of_a_failed_submission_comes_before_javas() -> None:
    output = """Traceback (most recent call last):
  File "jobs/netting.py", line 3, in main
ValueError: no such set
org.apache.flink.client.program.ProgramAbortException: java.lang.RuntimeException: exit 1
Caused by: java.lang.RuntimeException: Python process exits with code: 1
"""
    assert reason(output) == "ValueError: no such set"
    assert reason("Caused by: a\nCaused by: b\n") == "b"


def test_options_become_a_jobs_command_line() -> None:
    given = {"slice-ms": 250, "bounded": True, "neo4j": None, "raw": False}
    assert arguments(given) == ["--slice-ms", "250", "--bounded"]


def test_the_root_cause_is_the_innermost() -> None:
    assert root_cause("a.B: x\n\tat y\nCaused by: c.D: z\n\tat w\n") == "c.D: z"
    assert root_cause("") == "no message"


def test_a_job_that_dropped_records_is_amiss() -> None:
    assert judge("1", "netting", "RUNNING", 0).trouble is None
    assert "dropped as late" in (judge("1", "netting", "RUNNING", 2).trouble or "")
    assert "RESTARTING" in (judge("1", "netting", "RESTARTING", 0).trouble or "")


def test_the_pause_before_a_restart_grows_and_is_forgotten() -> None:
    assert supervise.next_wait(0.5, lived=1) == 1.0
    assert supervise.next_wait(10.0, lived=1) == 10.0
    assert supervise.next_wait(10.0, lived=31) == 0.5


def test_a_log_that_is_not_there_is_answered_with_those_that_are(tmp_path) -> None:
    (tmp_path / "kafka.log").write_text("a\nb\nc\n")
    assert logs.tail(logs.find(tmp_path, "kafka"), 2) == ["b", "c"]
    with pytest.raises(UserError, match="there is no log of flink; logs: kafka"):
        logs.find(tmp_path, "flink")
    with pytest.raises(UserError, match="there is no log"):
        logs.find(tmp_path / "x", "../kafka")

"""Processes: started apart from us, found again, ended with all they started, and no others."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deploy import ports
from deploy.errors import UserError
from deploy.processes import Processes
from deploy.services.base import Command
from deploy.settings import Settings

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
PARENT = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
time.sleep(600)
"""


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    processes = Processes(Settings(home=tmp_path))
    yield processes
    processes.stop({*processes.started(), *processes.owned()}, grace=5)


def wait_for(condition) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_process_is_found_again_by_another_instance(processes: Processes, tmp_path: Path) -> None:
    processes.start("one", Command(SLEEP))
    found = Processes(Settings(home=tmp_path)).main("one")
    assert found == processes.main("one")
    assert os.getsid(found.pid) == found.pid


def test_stopping_ends_what_outlived_its_parent_too(processes: Processes) -> None:
    processes.start("one", Command([sys.executable, "-c", PARENT]))
    wait_for(lambda: len(processes.owned().get("one", [])) == 2)
    os.kill(processes.main("one").pid, signal.SIGKILL)
    wait_for(lambda: processes.main("one") is None)
    (orphan,) = processes.owned()["one"]
    processes.stop(["one"])
    assert not psutil.pid_exists(orphan.pid)
    assert processes.owned() == {}
    assert processes.started() == []


def test_a_stranger_with_a_recycled_pid_is_left_alone(processes: Processes, tmp_path: Path) -> None:
    with subprocess.Popen(SLEEP) as stranger:
        try:
            record = tmp_path / "run" / "pids" / "one.json"
            record.parent.mkdir(parents=True)
            record.write_text(json.dumps({"pid": stranger.pid, "created": 1.0}))
            assert processes.main("one") is None
            processes.stop(["one"])
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_stacks_do_not_see_each_others_processes(processes: Processes, tmp_path: Path) -> None:
    processes.start("one", Command(SLEEP))
    assert Processes(Settings(home=tmp_path / "other")).owned() == {}


def test_a_supervised_service_comes_back(processes: Processes) -> None:
    processes.start("one", Command(SLEEP, supervised=True))
    wait_for(lambda: processes.own("one") is not None)
    first = processes.own("one").pid
    assert first != processes.main("one").pid
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: (now := processes.own("one")) is not None and now.pid != first)
    processes.stop(["one"])
    assert processes.owned() == {}


def test_services_do_not_run_where_we_were_called(
    processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    show = "import os; print(os.getcwd(), os.environ.get('PYTHONPATH'))"
    processes.start("one", Command([sys.executable, "-c", show]))
    wait_for(lambda: processes.log("one").read_text().endswith("\n"))
    assert processes.log("one").read_text() == f"{tmp_path / 'run' / 'cwd'} None\n"


def test_a_port_in_use_is_told_with_its_holder_and_the_mend() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(UserError, match=rf"port {port} \(kafka\) is in use by .*{os.getpid()}"):
            ports.check_free({"kafka": port})
    ports.check_free({"kafka": port})


def test_the_words_about_a_port_in_use() -> None:
    assert ports.clash("neo4j-bolt", 7687, "java (pid 12)", 2000) == (
        "port 7687 (neo4j-bolt) is in use by java (pid 12); "
        "stop that process, or set TIDEMARK_PORT_OFFSET=2000"
    )
    assert ports.clash("kafka", 9092, None, None).endswith("free it or set TIDEMARK_PORT_OFFSET")

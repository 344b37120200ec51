"""The stack itself: it serves, survives the loss of a TaskManager, and says what is wrong."""

import os
import signal
import stat
import time

import pytest
import requests

from connectors import kafka_admin
from connectors.topics import TOPICS
from deploy.errors import UserError
from deploy.examine import examine
from deploy.settings import Settings
from deploy.stack import Stack


def wait_until(holds, timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)


def test_every_service_serves(stack: Stack) -> None:
    assert {one.name: one.trouble for one in stack.status()} == dict.fromkeys(
        ["kafka", "neo4j", "jobmanager", "taskmanager-0", "ticker"]
    )


def test_every_topic_has_the_same_partitions(stack: Stack, settings: Settings) -> None:
    found = kafka_admin.describe(settings.brokers)
    assert {name: found[name].partitions for name in TOPICS} == dict.fromkeys(TOPICS, 4)


def test_every_partition_is_ticked(stack: Stack, settings: Settings) -> None:
    before = kafka_admin.end_offsets(settings.brokers, TOPICS)
    wait_until(
        lambda: all(
            end > before[place]
            for place, end in kafka_admin.end_offsets(settings.brokers, TOPICS).items()
        )
    )


def test_doctor_finds_no_problem(stack: Stack, settings: Settings) -> None:
    assert [one for one in examine(settings) if one.grade == "problem"] == []


def test_the_graph_asks_for_the_generated_password(stack: Stack, settings: Settings) -> None:
    url = f"{settings.neo4j_url}/db/neo4j/tx/commit"
    query = {"statements": [{"statement": "RETURN 1"}]}
    right = requests.post(url, json=query, auth=("neo4j", settings.neo4j_password), timeout=30)
    first = requests.post(url, json=query, auth=("neo4j", "neo4j"), timeout=30)
    assert right.json()["errors"] == []
    assert first.status_code == requests.codes.unauthorized
    assert stat.S_IMODE(settings.neo4j_password_file.stat().st_mode) == 0o600


def test_a_second_up_leaves_everything_alone(stack: Stack) -> None:
    before = {one.name: one.pid for one in stack.status()}
    told: list[str] = []
    stack.up(told.append)
    assert told == ["everything is running already"]
    assert {one.name: one.pid for one in stack.status()} == before


def test_a_taskmanager_that_dies_comes_back(stack: Stack) -> None:
    (before, *_) = stack.pids("taskmanager-0")
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: stack.pids("taskmanager-0")[:1] not in ([], [before]))
    stack.start_taskmanager()
    wait_until(lambda: stack.flink.rest.slots() == (10, 10))


def test_a_taskmanager_that_was_killed_stays_down_until_started(stack: Stack) -> None:
    stack.kill("taskmanager-0")
    assert stack.pids("taskmanager-0") == []
    assert "taskmanager-0" not in stack.processes.owned()
    stack.start_taskmanager()
    assert stack.pids("taskmanager-0") != []


def test_another_stack_on_the_same_ports_is_told_who_has_them(
    stack: Stack, settings: Settings, tmp_path
) -> None:
    other = Stack(settings.model_copy(update={"home": tmp_path}))
    with pytest.raises(UserError, match=r"port \d+ \(kafka\) is in use by java .*PORT_OFFSET"):
        other.up(print)
    assert other.processes.owned() == {}


def test_unknown_names_and_too_much_parallelism_are_one_line(stack: Stack) -> None:
    with pytest.raises(UserError, match="there is no job nonsense; jobs: "):
        stack.flink.submit("nonsense", 1)
    with pytest.raises(UserError, match=r"parallelism 5 is not in 1\.\.4"):
        stack.flink.submit("netting", 5)
    with pytest.raises(UserError, match="there is no service nonsense; services: kafka"):
        stack.kill("nonsense")

"""One real stack for the whole session, on free ports and in a folder of its own."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy import ports
from deploy.settings import Settings
from deploy.stack import Stack

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.cluster)


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    offset = ports.free_offset()
    assert offset is not None, "no free range of ports"
    return Settings(
        home=tmp_path_factory.mktemp("stack"),
        jars=Settings.load().jar_home,
        port_offset=offset,
        partitions=4,
        taskmanagers=1,
        slots=10,
    )


@pytest.fixture(scope="session")
def stack(settings: Settings) -> Iterator[Stack]:
    stack = Stack(settings)
    try:
        stack.up(print)
        yield stack
    finally:
        stack.down(print)


@pytest.fixture
def topic_prefix() -> str:
    return f"t{uuid.uuid4().hex[:8]}."

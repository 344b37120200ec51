"""A local Flink for the jobs layer: it proves logic, not the system."""

from pathlib import Path

import pytest

from deploy.settings import Settings

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.jobs)
            # What PyFlink imports calls deprecated names of its own libraries.
            item.add_marker(pytest.mark.filterwarnings("ignore::DeprecationWarning"))


@pytest.fixture(scope="session")
def connector_jar() -> str:
    (jar,) = (Settings.load().jar_home / "flink").glob("flink-sql-connector-kafka-*.jar")
    return jar.as_uri()

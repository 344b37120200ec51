"""A local Flink for the jobs layer: UDFs run in this process, which proves logic and not the system."""

import pytest

from deploy.settings import Settings


@pytest.fixture(scope="session")
def connector_jar() -> str:
    (jar,) = (Settings.load().jar_home / "flink").glob("flink-sql-connector-kafka-*.jar")
    return jar.as_uri()

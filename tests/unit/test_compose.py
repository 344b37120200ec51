"""docker-compose.yml says the same as the native stack: versions, ports, broker, topics."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import versions
from deploy.services import kafka
from deploy.settings import METRICS_PORT, PORTS, Settings

ROOT = Path(__file__).parents[2]
NOT_IN_A_CONTAINER = {
    "process.roles",
    "node.id",
    "controller.quorum.voters",
    "controller.listener.names",
    "listeners",
    "advertised.listeners",
    "listener.security.protocol.map",
    "log.dirs",
}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, Any]:
    return compose["services"]


def default(name: str) -> Any:
    return Settings.model_fields[name].default


def test_every_service_is_there(services: dict[str, Any]) -> None:
    native = {"kafka", "jobmanager", "taskmanager", "neo4j", "ticker", "topics"}
    assert set(services) == native | {"schema-registry", "prometheus", "grafana"}


def test_images_are_those_of_versions_toml(services: dict[str, Any]) -> None:
    for name in ("kafka", "neo4j", "schema-registry", "prometheus", "grafana"):
        assert services[name]["image"] == versions.image(name)
    for name in ("topics", "ticker", "jobmanager", "taskmanager"):
        assert services[name]["build"]["args"]["PYTHON_IMAGE"] == versions.image("python")


@pytest.mark.parametrize("name", ["kafka", "neo4j"])
def test_images_have_the_versions_of_the_native_services(name: str) -> None:
    assert versions.image(name).partition(":")[2].startswith(versions.service(name))


def test_ports_are_the_native_ones_and_on_loopback_only(services: dict[str, Any]) -> None:
    published = {name: one.get("ports", []) for name, one in services.items()}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)

    def numbers(name: str) -> set[int]:
        return {int(port.split(":")[1]) for port in published[name]}

    assert numbers("kafka") == {PORTS["kafka"]}
    assert numbers("jobmanager") == {PORTS["flink-rest"]}
    assert numbers("neo4j") == {PORTS["neo4j-bolt"], PORTS["neo4j-http"]}
    assert published["prometheus"] == []


def test_the_broker_is_set_as_natively(services: dict[str, Any]) -> None:
    given = services["kafka"]["environment"]
    text = kafka.PROPERTIES.format(
        host="",
        port=0,
        controller=0,
        data="",
        partitions=default("partitions"),
        transaction_timeout=kafka.TRANSACTION_MAX_TIMEOUT_MS,
    )
    native = dict(line.split("=", 1) for line in text.splitlines())
    for name in set(native) - NOT_IN_A_CONTAINER:
        assert given[f"KAFKA_{name.upper().replace('.', '_')}"] == native[name], name
    assert given["CLUSTER_ID"] == kafka.CLUSTER_ID


def test_topics_come_from_the_one_table(services: dict[str, Any]) -> None:
    command = services["topics"]["command"]
    assert command[:3] == ["python", "-m", "connectors.kafka_admin"]
    assert command[command.index("--partitions") + 1] == str(default("partitions"))
    assert services["ticker"]["command"][2] == "deploy.ticker"
    assert f"{default('tick_ms')}" in services["ticker"]["command"]
    assert services["jobmanager"]["environment"]["TIDEMARK_PARTITIONS"] == str(
        default("partitions")
    )


def test_no_password_is_written_down(services: dict[str, Any]) -> None:
    assert "${TIDEMARK_NEO4J_PASSWORD:?" in services["neo4j"]["environment"]["NEO4J_AUTH"]
    grafana = services["grafana"]["environment"]
    assert grafana["GF_SECURITY_ADMIN_PASSWORD"].startswith("${TIDEMARK_GRAFANA_PASSWORD:?")


def test_prometheus_reads_every_flink_process() -> None:
    file = ROOT / "deploy" / "monitoring" / "prometheus.yml"
    (scrape,) = yaml.safe_load(file.read_text())["scrape_configs"]
    assert scrape["static_configs"][0]["targets"] == [
        f"jobmanager:{METRICS_PORT}",
        f"taskmanager:{METRICS_PORT + 1}",
    ]


def test_mounted_files_exist(services: dict[str, Any]) -> None:
    for service in services.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert not source.startswith("./") or (ROOT / source).exists(), source

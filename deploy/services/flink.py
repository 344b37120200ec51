"""Flink: one JobManager and some TaskManagers, from the files inside the PyFlink package."""

import contextlib
import importlib.util
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from string import Template

import psutil
import requests

from deploy import jars, java
from deploy.environment import ONE_THREAD, QUIET
from deploy.errors import UserError
from deploy.processes import Processes, python
from deploy.services.base import Command
from deploy.settings import HOST, Settings

CONF = Path(__file__).parents[1] / "flink"
RESOURCE_ID = "taskmanager.resource-id"


def package() -> Path:
    """The folder of the PyFlink package, which is a whole Flink distribution."""
    spec = importlib.util.find_spec("pyflink")
    if spec is None or not spec.submodule_search_locations:
        raise UserError("PyFlink is not installed; run: make setup")
    return Path(spec.submodule_search_locations[0])


def environment(settings: Settings, name: str) -> dict[str, str]:
    """What Flink's scripts want to know; `name` picks the log file."""
    run = settings.run / "flink"
    return {
        "JAVA_HOME": str(java.home()),
        "FLINK_HOME": str(package()),
        "FLINK_CONF_DIR": str(run / "conf"),
        "FLINK_LIB_DIR": str(run / "lib"),
        "FLINK_LOG_DIR": str(settings.logs),
        "FLINK_PID_DIR": str(run / "pids" / name),
        "FLINK_IDENT_STRING": "tidemark",
        "TIDEMARK_FLINK_LOG": str(settings.logs / f"{name}.flink.log"),
    }


@dataclass(frozen=True)
class Network:
    """Under which names the processes find each other, and on which address they listen."""

    jobmanager: str = HOST
    taskmanager: str = HOST
    bind: str = HOST


def write_configuration(settings: Settings, network: Network = Network()) -> None:
    """Render config.yaml and gather Flink's own jars and ours in one folder of links."""
    run = settings.run / "flink"
    for folder in (
        run / "conf",
        run / "tmp",
        settings.logs,
        settings.checkpoints,
        settings.savepoints,
    ):
        folder.mkdir(parents=True, exist_ok=True)
    values = asdict(network) | {
        "rpc_port": settings.port("flink-rpc"),
        "rest_port": settings.port("flink-rest"),
        "slots": settings.slots,
        "checkpoint_ms": settings.checkpoint_ms,
        "checkpoints": settings.checkpoints.as_uri(),
        "savepoints": settings.savepoints.as_uri(),
        "python": python(),
        "tmp": run / "tmp",
        "logs": settings.logs,
    }
    text = Template((CONF / "config.yaml").read_text()).substitute(values)
    (run / "conf" / "config.yaml").write_text(text)
    for name in ("log4j-console.properties", "log4j-cli.properties"):
        shutil.copyfile(CONF / "log4j.properties", run / "conf" / name)
    jars.class_path(settings.jar_home, "flink")
    _link_jars(settings, run / "lib")


def _link_jars(settings: Settings, lib: Path) -> None:
    shutil.rmtree(lib, ignore_errors=True)
    lib.mkdir(parents=True)
    own = (settings.jar_home / "flink").glob("*.jar")
    shared = (package() / "opt").glob("flink-python-*.jar")
    for jar in sorted([*(package() / "lib").glob("*.jar"), *shared, *own]):
        (lib / jar.name).symlink_to(jar)


class JobManager:
    """Flink's JobManager: REST interface, web UI, checkpoints."""

    name = "jobmanager"
    budget_mib = 704

    def __init__(self, settings: Settings) -> None:
        """Nothing is written before `prepare`."""
        self._settings = settings

    def ports(self) -> Mapping[str, int]:
        """REST and the port TaskManagers call."""
        return {name: self._settings.port(name) for name in ("flink-rest", "flink-rpc")}

    def prepare(self) -> Command:
        """Write the configuration that all Flink processes share."""
        write_configuration(self._settings)
        argv: list[str | Path] = [package() / "bin" / "jobmanager.sh", "start-foreground"]
        return Command(argv + metrics(self._settings, 0), environment(self._settings, self.name))

    def trouble(self) -> str | None:
        """None when REST answers."""
        return None if _overview(self._settings) else "REST does not answer"

    def finish(self) -> None:
        """Nothing to do."""

    def address(self) -> str:
        """REST interface and web UI."""
        return self._settings.rest_url


class TaskManager:
    """One of Flink's TaskManagers, which start the Python workers."""

    budget_mib = 2_560

    def __init__(self, settings: Settings, index: int) -> None:
        """TaskManager number `index`, from 0."""
        self.name = f"taskmanager-{index}"
        self._settings = settings
        self._index = index

    def ports(self) -> Mapping[str, int]:
        """None of its own: it takes free ones on loopback."""
        return {}

    def prepare(self) -> Command:
        """Its command; it has the configuration of the JobManager."""
        argv: list[str | Path] = [package() / "bin" / "taskmanager.sh", "start-foreground"]
        argv += ["-D", f"{RESOURCE_ID}={self.name}-{{attempt}}"]
        argv += metrics(self._settings, self._index + 1)
        return Command(
            argv, environment(self._settings, self.name) | ONE_THREAD | QUIET, supervised=True
        )

    def trouble(self) -> str | None:
        """None when the JobManager knows it and its slots."""
        try:
            answer = requests.get(f"{self._settings.rest_url}/taskmanagers", timeout=5).json()
        except requests.RequestException:
            return "the JobManager does not answer"
        known = {row["id"] for row in answer.get("taskmanagers", []) if row["slotsNumber"]}
        return None if known & self._ids() else "has not registered with the JobManager"

    def finish(self) -> None:
        """Nothing to do."""

    def address(self) -> str:
        """The host; its ports are not meant for people."""
        return HOST

    def _ids(self) -> set[str]:
        """The ids it may register under: the JobManager still knows a dead one for a while."""
        marker = f"{RESOURCE_ID}="
        found = set()
        for process in Processes(self._settings).owned().get(self.name, []):
            with contextlib.suppress(psutil.Error):
                found |= {
                    part.removeprefix(marker)
                    for part in process.cmdline()
                    if part.startswith(marker)
                }
        return found


def _overview(settings: Settings) -> dict[str, object] | None:
    try:
        return dict(requests.get(f"{settings.rest_url}/overview", timeout=5).json())
    except (requests.RequestException, ValueError):
        return None


def metrics(settings: Settings, index: int) -> list[str | Path]:
    """Arguments that switch the Prometheus reporter on, if the settings ask for it."""
    if not settings.prometheus:
        return []
    return [
        "-D",
        "metrics.reporter.prom.factory.class=org.apache.flink.metrics.prometheus.PrometheusReporterFactory",
        "-D",
        f"metrics.reporter.prom.port={settings.metrics_port(index)}",
    ]

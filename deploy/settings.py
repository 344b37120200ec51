"""What a checkout's stack looks like (folders, ports, sizes): tidemark.toml and TIDEMARK_*."""

from functools import cached_property
from pathlib import Path
from typing import Self

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from deploy.errors import UserError

HOST = "127.0.0.1"
PORTS = {
    "kafka": 9092,
    "kafka-controller": 9093,
    "flink-rest": 8081,
    "flink-rpc": 6123,
    "neo4j-bolt": 7687,
    "neo4j-http": 7474,
}
"""Base port of each listener; `port_offset` moves all of them."""

METRICS_PORT = 9249
"""Base port of the Prometheus reporters: the JobManager's, then one a TaskManager."""


def _checkout() -> Path:
    source = Path(__file__).resolve().parents[1]
    return source if (source / "pyproject.toml").exists() else Path.cwd()


class Settings(BaseSettings):
    """Settings of one stack: a variable such as TIDEMARK_SLOTS beats the file, it the default.

    Attributes:
        home: Where everything that is not source lives: jars, data, logs, secrets, savepoints.
        jars: Where the services' jars lie, `home`/jars unless given.
        port_offset: Added to every port, so that two checkouts run side by side.
        partitions: Partitions of every topic: the number of shards, and the most a job's
            parallelism may be.
        taskmanagers: How many TaskManager processes `up` starts.
        slots: Task slots of each TaskManager: a job takes as many as its parallelism.
        tick_ms: How often the ticker writes to each partition, at most half the shortest slice.
        checkpoint_ms: Default checkpoint interval of a job.
        kafka: Bootstrap servers of a broker that is not ours, HOST:PORT.
        neo4j: Bolt URL of a graph database that is not ours.
        prometheus: Let Flink serve metrics to Prometheus. The reporter listens on every interface
            and takes no address; set it to false where the machine is not alone.
        min_free_gib: Free disk that `up` asks for.
        origin: Name of the signed log (deploy/proofs); a partition's is this, a slash, its number.
    """

    model_config = SettingsConfigDict(
        env_prefix="TIDEMARK_", toml_file=_checkout() / "tidemark.toml", extra="forbid", frozen=True
    )

    home: Path = _checkout() / ".tidemark"
    jars: Path | None = None
    port_offset: int = Field(default=0, ge=0, le=50_000)
    partitions: int = Field(default=4, ge=1, le=128)
    taskmanagers: int = Field(default=1, ge=1, le=8)
    slots: int = Field(default=12, ge=1, le=64)
    tick_ms: int = Field(default=100, ge=10, le=10_000)
    checkpoint_ms: int = Field(default=2_000, ge=100)
    kafka: str | None = None
    neo4j: str | None = None
    prometheus: bool = True
    min_free_gib: float = Field(default=2.0, ge=0)
    origin: str = Field(default="tidemark.local/regulatory", pattern=r"^[!-*,-~]{1,200}$")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then tidemark.toml."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @classmethod
    def load(cls) -> Self:
        """The settings of this checkout, or one line on which of them is wrong."""
        try:
            return cls()
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"])
            raise UserError(
                f"setting {name}: {first['msg']}; "
                f"mend it in tidemark.toml or TIDEMARK_{name.upper()}"
            ) from None
        except ValueError as error:
            raise UserError(f"tidemark.toml cannot be read: {error}; mend the file") from None

    @field_validator("home", "jars")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return path if path is None else (_checkout() / path.expanduser()).resolve()

    def port(self, listener: str) -> int:
        """The port of one of the listeners in `PORTS`."""
        return PORTS[listener] + self.port_offset

    def metrics_port(self, index: int) -> int:
        """The Prometheus port of the JobManager (0) or of TaskManager `index - 1`."""
        return METRICS_PORT + index + self.port_offset

    @property
    def brokers(self) -> str:
        """Kafka's bootstrap servers."""
        return self.kafka or f"{HOST}:{self.port('kafka')}"

    @property
    def rest_url(self) -> str:
        """Flink's REST interface and web UI."""
        return f"http://{HOST}:{self.port('flink-rest')}"

    @property
    def bolt_url(self) -> str:
        """Neo4j for drivers."""
        return self.neo4j or f"bolt://{HOST}:{self.port('neo4j-bolt')}"

    @property
    def neo4j_url(self) -> str:
        """Neo4j over HTTP."""
        return f"http://{HOST}:{self.port('neo4j-http')}"

    @property
    def neo4j_password_file(self) -> Path:
        """The file, readable by its owner only, that holds the password of user `neo4j`."""
        return self.run / "secrets" / "neo4j"

    @property
    def neo4j_password(self) -> str:
        """The generated password of user `neo4j`."""
        try:
            return self.neo4j_password_file.read_text().strip()
        except FileNotFoundError:
            raise UserError("Neo4j has no password yet; run: tidemark up") from None

    @cached_property
    def jar_home(self) -> Path:
        """Folder of the services' jars, one sub-folder a service."""
        return self.jars or self.home / "jars"

    @property
    def run(self) -> Path:
        """What belongs to the running stack: data, logs, pid files, secrets."""
        return self.home / "run"

    @property
    def data(self) -> Path:
        """The services' own data."""
        return self.run / "data"

    @property
    def logs(self) -> Path:
        """One log file a service."""
        return self.run / "logs"

    @property
    def checkpoints(self) -> Path:
        """Where jobs write checkpoints."""
        return self.home / "checkpoints"

    @property
    def savepoints(self) -> Path:
        """Where `tidemark stop` leaves savepoints."""
        return self.home / "savepoints"

    @property
    def keys(self) -> Path:
        """The notary's and the witness's keys, PEM, and their public keys."""
        return self.home / "keys"

    @property
    def notary(self) -> Path:
        """The notary's trees and signed checkpoints, a folder a partition."""
        return self.home / "notary"

    @property
    def witness(self) -> Path:
        """What the witness of this checkout remembers."""
        return self.home / "witness"

    @property
    def archives(self) -> Path:
        """The code of every submission, by digest, so that a replay can run the recorded one."""
        return self.home / "archives"

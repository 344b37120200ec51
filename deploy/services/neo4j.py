"""Neo4j: the Community server on loopback, with a generated password."""

import secrets
from collections.abc import Mapping
from pathlib import Path

import requests

from deploy import jars, java
from deploy.errors import UserError
from deploy.services.base import GC, Command
from deploy.settings import HOST, Settings

CONFIG = """\
server.default_listen_address={host}
server.default_advertised_address={host}
server.bolt.listen_address={host}:{bolt}
server.bolt.advertised_address={host}:{bolt}
server.http.listen_address={host}:{http}
server.http.advertised_address={host}:{http}
server.https.enabled=false
server.directories.data={data}
server.directories.logs={logs}
server.directories.transaction.logs.root={data}/transactions
server.memory.heap.initial_size=256m
server.memory.heap.max_size=1g
server.memory.pagecache.size=256m
db.tx_log.rotation.retention_policy=64M size
db.tx_log.rotation.size=16M
dbms.security.auth_enabled=true
dbms.usage_report.enabled=false
"""
_OPENS = ("java.nio", "java.io", "sun.nio.ch")
_FIRST_PASSWORD = (
    "neo4j"  # the server's own for a new database; it must be changed at the first login
)


class Neo4j:
    """The graph database of one stack."""

    name = "neo4j"
    budget_mib = 1_550

    def __init__(self, settings: Settings) -> None:
        """Nothing is written before `prepare`."""
        self._settings = settings
        self._home = settings.data / "neo4j"

    def ports(self) -> Mapping[str, int]:
        """Bolt and HTTP."""
        return {name: self._settings.port(name) for name in ("neo4j-bolt", "neo4j-http")}

    def prepare(self) -> Command:
        """Write the configuration and, the first time, the password the server is going to get."""
        config = self._home / "conf" / "neo4j.conf"
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text(
            CONFIG.format(
                host=HOST,
                bolt=self._settings.port("neo4j-bolt"),
                http=self._settings.port("neo4j-http"),
                data=self._home / "data",
                logs=self._home / "logs",
            )
        )
        self._make_password()
        opens = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENS]
        argv: list[str | Path] = [
            java.binary(),
            "-Xms256m",
            "-Xmx1g",
            GC,
            "-XX:MaxDirectMemorySize=256m",
            *opens,
        ]
        argv += ["-cp", jars.class_path(self._settings.jar_home, "neo4j")]
        argv += ["org.neo4j.server.CommunityEntryPoint"]
        argv += [f"--home-dir={self._home}", f"--config-dir={config.parent}"]
        return Command(argv)

    def trouble(self) -> str | None:
        """None when the server answers over HTTP."""
        try:
            requests.get(self._settings.neo4j_url, timeout=5)
        except requests.RequestException:
            return "does not answer over HTTP"
        return None

    def finish(self) -> None:
        """Replace the password of a new database by the generated one."""
        wanted = self._settings.neo4j_password
        if self._run("SHOW CURRENT USER", wanted) is None:
            return
        change = "ALTER CURRENT USER SET PASSWORD FROM $old TO $new"
        given = {"old": _FIRST_PASSWORD, "new": wanted}
        if reason := self._run(change, _FIRST_PASSWORD, given):
            raise UserError(
                f"Neo4j refuses the password in {self._settings.neo4j_password_file} ({reason}); "
                f"put the right one there, or delete {self._home} to start with an empty graph"
            )

    def address(self) -> str:
        """Where drivers connect."""
        return self._settings.bolt_url

    def _make_password(self) -> None:
        path = self._settings.neo4j_password_file
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(24))

    def _run(
        self, statement: str, password: str, given: Mapping[str, str] | None = None
    ) -> str | None:
        """Run one statement in the system database; None if it worked, else the server's reason."""
        answer = requests.post(
            f"{self._settings.neo4j_url}/db/system/tx/commit",
            json={"statements": [{"statement": statement, "parameters": given or {}}]},
            auth=("neo4j", password),
            timeout=30,
        )
        errors = answer.json().get("errors", []) if answer.content else []
        return str(errors[0]["message"]) if errors else None

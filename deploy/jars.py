"""The services' jars: exactly those in jars.lock, each checked against its SHA-256.

`lock` resolves the coordinates of versions.toml and rewrites jars.lock; `fetch` downloads what
the lock names and nothing else. A file appears under its name only when it is whole and checked,
so a fetch that was cut off is simply run again. Mirrors and proxies are jgo's and the
environment's own settings.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy import versions
from deploy.errors import UserError

LOCK = Path(__file__).with_name("jars.lock")
FETCH_THREADS = 6
Echo = Callable[[str], None]


@dataclass(frozen=True, order=True)
class Jar:
    """One locked jar: its service, its coordinate (group:name:version[:classifier]), its hash."""

    group: str
    coordinate: str
    sha256: str

    @property
    def filename(self) -> str:
        """The file's name in a Maven repository, `name-version[-classifier].jar`."""
        return "-".join(self.coordinate.split(":")[1:]) + ".jar"


def parse_lock(text: str) -> list[Jar]:
    """The jars of a lock file, whose lines are `sha256 group coordinate`."""
    jars = []
    for number, line in enumerate(text.splitlines(), 1):
        match line.split():
            case [digest, group, coordinate] if len(digest) == 64 and coordinate.count(":") in (
                2,
                3,
            ):
                jars.append(Jar(group, coordinate, digest))
            case _:
                raise UserError(
                    f"line {number} of jars.lock is not `sha256 group coordinate`; restore it"
                )
    return jars


def locked() -> list[Jar]:
    """What jars.lock names."""
    return parse_lock(LOCK.read_text())


def missing(home: Path) -> list[Jar]:
    """Locked jars that are not in `home`; those that are had their hash checked on arrival."""
    return [jar for jar in locked() if not (home / jar.group / jar.filename).exists()]


def class_path(home: Path, group: str) -> str:
    """A Java class path of one service's locked jars, in the lock's order."""
    jars = [home / jar.group / jar.filename for jar in locked() if jar.group == group]
    absent = [jar.name for jar in jars if not jar.exists()]
    if absent:
        raise UserError(
            f"{len(absent)} jars of {group} are missing ({absent[0]} ...); run: tidemark jars fetch"
        )
    return os.pathsep.join(str(jar) for jar in jars)


def fetch(home: Path, echo: Echo) -> int:
    """Bring `home` to exactly what jars.lock names; how many jars had to be downloaded."""
    jars = locked()
    todo = [jar for jar in jars if sha256(home / jar.group / jar.filename) != jar.sha256]
    _remove_strangers(home, jars)
    if not todo:
        return 0
    home.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix=".fetch-", dir=home) as scratch,
        ThreadPoolExecutor(FETCH_THREADS) as threads,
    ):
        done = threads.map(lambda jar: _fetch_one(jar, home, Path(scratch)), todo)
        for count, jar in enumerate(done, 1):
            if count % 25 == 0 or count == len(todo):
                echo(f"jars: {count} of {len(todo)} ({jar.filename})")
    return len(todo)


def lock(echo: Echo) -> int:
    """Resolve versions.toml afresh and rewrite jars.lock; how many jars it now names."""
    context = _context()
    jars: set[Jar] = set()
    for group, (coordinates, transitive) in versions.jar_groups().items():
        echo(f"jars: resolving {group}")
        for artifact in _resolve(context, coordinates, transitive):
            parts = [artifact.groupId, artifact.artifactId, artifact.version, artifact.classifier]
            digest = sha256(Path(artifact.resolve()))
            if digest is None:
                raise UserError(
                    f"{artifact} could not be downloaded; check the network and run it again"
                )
            jars.add(Jar(group, ":".join(part for part in parts if part), digest))
    text = "".join(f"{jar.sha256} {jar.group} {jar.coordinate}\n" for jar in sorted(jars))
    LOCK.write_text(text)
    return len(jars)


def sha256(path: Path) -> str | None:
    """The hash of a file in hexadecimal; None if there is no such file."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def _fetch_one(jar: Jar, home: Path, scratch: Path) -> Jar:
    source = next((path for path in _sources(jar, scratch) if sha256(path) == jar.sha256), None)
    if source is None:
        raise UserError(
            f"checksum mismatch: {jar.coordinate} is not the jar in jars.lock; "
            "check the mirror or proxy in use, then run: tidemark jars fetch"
        )
    target = home / jar.group / jar.filename
    target.parent.mkdir(parents=True, exist_ok=True)
    whole = scratch / f"{jar.group}-{jar.filename}"
    shutil.copyfile(source, whole)
    whole.replace(target)
    return jar


def _sources(jar: Jar, scratch: Path) -> Iterator[Path]:
    """Where the jar may come from: the user's Maven cache, read only, then the repository."""
    cache = Path(os.environ.get("M2_REPO", Path.home() / ".m2" / "repository"))
    group, name, version, *_ = jar.coordinate.split(":")
    yield cache.joinpath(*group.split("."), name, version, jar.filename)
    try:
        yield Path(_context(scratch).create_dependency(jar.coordinate).artifact.resolve())
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"{jar.coordinate} could not be downloaded ({reason}); "
            "check the network, then run: tidemark jars fetch"
        ) from error


def _remove_strangers(home: Path, jars: list[Jar]) -> None:
    """Delete what an older lock left behind: a service must not find two versions of a library."""
    wanted = {home / jar.group / jar.filename for jar in jars}
    for group in {jar.group for jar in jars}:
        for path in (home / group).glob("*.jar"):
            if path not in wanted:
                path.unlink()


def _resolve(context: Any, coordinates: list[str], transitive: bool) -> list[Any]:
    dependencies = [context.create_dependency(coordinate) for coordinate in coordinates]
    if not transitive:
        return [dependency.artifact for dependency in dependencies]
    inputs, more = context.resolver.resolve(dependencies)
    needed = [
        dependency
        for dependency in more
        if dependency.scope in ("compile", "runtime") and dependency.artifact.packaging == "jar"
    ]
    return [dependency.artifact for dependency in [*inputs, *needed]]


def _context(cache: Path | None = None) -> Any:
    """A Maven context with the system's certificates and the user's jgo configuration."""
    import truststore

    truststore.inject_into_ssl()
    from jgo.config import GlobalSettings
    from jgo.maven import MavenContext

    repositories = dict(GlobalSettings.load().repositories)
    if mirror := os.environ.get("MAVEN_MIRROR"):
        repositories["central"] = mirror
    named = {"remote_repos": repositories} if "central" in repositories else {}
    return MavenContext(repo_cache=cache, timeout=60, **named)

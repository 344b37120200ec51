"""Which version of what the stack is made of, as written in versions.toml."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("versions.toml")


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(_FILE.read_text())


def service(name: str) -> str:
    """The version of one service, as in `service("kafka")`."""
    return str(_table()["services"][name])


def image(name: str) -> str:
    """The container image of one service in docker-compose.yml."""
    return str(_table()["images"][name])


def java_accepted() -> list[int]:
    """The Java feature releases that every service runs on."""
    return list(_table()["java"]["accepted"])


def jar_groups() -> dict[str, tuple[list[str], bool]]:
    """Each group's Maven coordinates, and whether their dependencies are wanted too."""
    versions = _table()["services"]
    return {
        group: (
            [coordinate.format_map(versions) for coordinate in spec["artifacts"]],
            bool(spec.get("transitive", True)),
        )
        for group, spec in _table()["jars"].items()
    }

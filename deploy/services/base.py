"""What the stack asks of a service: how to start it, and whether it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

GC = "-XX:+UseSerialGC"


@dataclass(frozen=True)
class Command:
    """One process to start; a supervised one is started again whenever it ends."""

    argv: Sequence[str | Path]
    env: Mapping[str, str] = field(default_factory=dict)
    supervised: bool = False


class Service(Protocol):
    """A process of the stack.

    Attributes:
        name: What people call it; also the name of its log and pid file.
        budget_mib: The most memory it is meant to use, MiB.
    """

    name: str
    budget_mib: int

    def ports(self) -> Mapping[str, int]:
        """Its listeners: name -> port."""

    def prepare(self) -> Command:
        """Write what it needs on disk; the command that starts it."""

    def trouble(self) -> str | None:
        """Why it does not serve yet, in a few words; None when it does."""

    def finish(self) -> None:
        """What is to be done once, as soon as it serves."""

    def address(self) -> str:
        """Where it is to be found."""

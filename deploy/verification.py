"""Rebuilds every chain of the regulatory log from the records alone, and says what is wrong first.

With a notary's folder and key also whether it is the log that was signed (deploy/proofs/audit.py).
"""

import gc
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from connectors.reader import LogReader
from deploy.archive.reading import Archive
from deploy.errors import UserError
from deploy.explain import explained
from deploy.proofs.audit import Audit, audit
from deploy.proofs.findings import Finding
from deploy.proofs.heads import Trust
from deploy.proofs.sources import TOPIC, Source
from udfs.regulatory.verify import Verdict

__all__ = ["TOPIC", "LogVerdict", "Place", "verify", "verify_log"]


@dataclass(frozen=True)
class LogVerdict:
    """The verdict on each shard's chain, and on each shard's log if it was compared."""

    chains: dict[int, Verdict]
    audits: dict[int, Audit] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """True if every chain holds and nothing else was found."""
        return all(chain.ok for chain in self.chains.values()) and not self.findings

    @property
    def length(self) -> int:
        """Events in all chains."""
        return sum(chain.length for chain in self.chains.values())

    @property
    def findings(self) -> list[tuple[int, Finding]]:
        """Everything that is wrong, with its shard."""
        return [(shard, finding) for shard, one in self.audits.items() for finding in one.findings]


@dataclass(frozen=True)
class Place:
    """Where a log is recorded: a broker and the topics' prefix, or an archive's folder.

    `quick` is for who reads a few records only.
    """

    brokers: str | None = None
    prefix: str = ""
    archive: Path | None = None
    quick: bool = False

    @contextmanager
    def opened(self) -> Iterator[Source]:
        """The log as a source."""
        if self.archive is not None:
            yield Archive(self.archive)
            return
        reader = LogReader(self.brokers or "", self.prefix, self.quick)
        try:
            yield reader
        finally:
            reader.close()

    def partitions(self, otherwise: int) -> int:
        """How many partitions the log has; for a broker, as many as are told.

        Raises:
            UserError: The archive does not hold the log.
        """
        if self.archive is None:
            return otherwise
        found = Archive(self.archive).partitions(TOPIC)
        if not found:
            raise UserError(f"archive {self.archive} does not hold {TOPIC}; export it, too")
        return len(found)


def verify_log(brokers: str, partitions: int, prefix: str = "") -> LogVerdict:
    """Check each link and sequence number of each partition's chain, as committed."""
    return verify(Place(brokers, prefix), partitions)


def verify(
    place: Place,
    partitions: int,
    trust: Trust | None = None,
    workers: int = 1,
    done: Callable[[int], None] = lambda shards: None,
) -> LogVerdict:
    """Check each partition of a recorded log.

    Args:
        place: Where it is.
        partitions: How many partitions it has.
        trust: What it is compared with; None checks the chains alone.
        workers: Processes that share the partitions.
        done: Hears of each partition that is finished.
    """
    audits: dict[int, Audit] = {}
    if workers <= 1:
        for shard in range(partitions):
            audits[shard] = _one(place, shard, trust)
            done(1)
    else:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, context) as pool:
            running = {pool.submit(_alone, place, n, trust): n for n in range(partitions)}
            for future in as_completed(running):
                audits[running[future]] = future.result()
                done(1)
    ordered = dict(sorted(audits.items()))
    return LogVerdict({shard: one.chain for shard, one in ordered.items()}, ordered)


def _alone(place: Place, shard: int, trust: Trust | None) -> Audit:
    """`_one` in a process of its own, where there is nothing for the collector to find."""
    gc.disable()
    return _one(place, shard, trust)


def _one(place: Place, shard: int, trust: Trust | None) -> Audit:
    with explained(), place.opened() as source:
        return audit(source, shard, trust)

"""What tests on the stack read and ask: records of a rig's topics, a command beside its jobs."""

import subprocess
import sys
from collections.abc import Iterable

import polars as pl

from connectors.reader import LogReader
from deploy.drills.rig import Rig
from deploy.oracle import data
from schemas.codec import decode_batch
from schemas.records import record


def values(rig: Rig, topic: str, prefix: str | None = None) -> list[list[bytes]]:
    """The messages of each partition, ticks left out."""
    reader = LogReader(rig.settings.brokers, rig.prefix if prefix is None else prefix)
    try:
        return [list(data(reader.read(topic, shard))) for shard in range(rig.config.partitions)]
    finally:
        reader.close()


def frame(rig: Rig, topic: str, name: str, partitions: Iterable[int] | None = None) -> pl.DataFrame:
    """The records of a topic, of all its partitions or of some."""
    shards = values(rig, topic)
    chosen = range(len(shards)) if partitions is None else partitions
    return decode_batch(record(name), [value for shard in chosen for value in shards[shard]])[0]


def shown(rig: Rig, *argv: object) -> subprocess.CompletedProcess[str]:
    """A command of `tidemark` on the rig's stack, as a user gives it."""
    settings = rig.settings
    env = {
        "TIDEMARK_HOME": str(settings.home),
        "TIDEMARK_JARS": str(settings.jar_home),
        "TIDEMARK_PORT_OFFSET": str(settings.port_offset),
        "PATH": "/usr/bin:/bin",
    }
    command = [sys.executable, "-m", "deploy.cli", *map(str, argv)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=env)

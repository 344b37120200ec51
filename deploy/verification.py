"""Rebuilds every chain of the regulatory log from the topic alone, and says what is wrong first."""

from dataclasses import dataclass

from connectors.reader import LogReader
from deploy.oracle import data
from udfs.regulatory.verify import Verdict, verify_chain

TOPIC = "regulatory.events"


@dataclass(frozen=True)
class LogVerdict:
    """The verdict on each shard's chain."""

    chains: dict[int, Verdict]

    @property
    def ok(self) -> bool:
        """True if every chain holds."""
        return all(chain.ok for chain in self.chains.values())

    @property
    def length(self) -> int:
        """Events in all chains."""
        return sum(chain.length for chain in self.chains.values())


def verify_log(brokers: str, partitions: int, prefix: str = "") -> LogVerdict:
    """Check each link and sequence number of each partition's chain, as committed."""
    reader = LogReader(brokers, prefix)
    try:
        return LogVerdict(
            {shard: verify_chain(data(reader.read(TOPIC, shard))) for shard in range(partitions)}
        )
    finally:
        reader.close()

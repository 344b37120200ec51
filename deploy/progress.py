"""How far jobs have got: waits until their batch indexes cover given offsets."""

import time
from collections import Counter
from collections.abc import Callable, Mapping

from connectors.batches import COUNTS
from connectors.reader import LogReader
from connectors.spec import JobSpec
from deploy.errors import UserError
from deploy.oracle import data, ends_of
from schemas.codec import decode

Ends = Mapping[tuple[str, int], int]


class Follower:
    """Reads on in the batch indexes of one job, and knows what they cover."""

    def __init__(self, brokers: str, job: JobSpec, out_prefix: str = "") -> None:
        """Start at the beginning of the index topics."""
        self.reader = LogReader(brokers, out_prefix)
        self.job = job
        self.next = dict.fromkeys(range(job.partitions), 0)
        self.covered: dict[tuple[str, int], int] = {}
        self.batches = 0
        self.counts: Counter[str] = Counter()

    def poll(self) -> None:
        """Take in the indexes that have been committed since the last call."""
        for shard in range(self.job.partitions):
            span = self.reader.read(f"{self.job.name}.batches", shard, self.next[shard])
            if len(span):
                self.next[shard] = span.offsets[-1] + 1
            for value in data(span):
                index = decode(value)[1]
                self.batches += 1
                self.counts.update({name: index[name] for name in COUNTS})
                for topic, end in ends_of(index["ranges"]).items():
                    self.covered[topic, shard] = end

    def missing(self, ends: Ends) -> int:
        """How many records before `ends` are not covered yet."""
        return sum(max(0, end - self.covered.get(place, 0)) for place, end in ends.items())

    def wait(
        self, ends: Ends, timeout: float, report: Callable[[int], None] = lambda left: None
    ) -> None:
        """Wait until all is covered; `report` hears how many records are left."""
        deadline = time.monotonic() + timeout
        while True:
            self.poll()
            left = self.missing(ends)
            report(left)
            if not left:
                return
            if time.monotonic() > deadline:
                raise UserError(
                    f"job {self.job.name} has {left} records to go after {timeout:.0f} s; "
                    "look at: tidemark jobs, tidemark logs taskmanager-0"
                )
            time.sleep(0.5)

    def close(self) -> None:
        """Disconnect."""
        self.reader.close()

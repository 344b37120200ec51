"""Processor time of a cluster and of its broker while a job runs, by the second."""

import numpy as np

from deploy.bench.meter import Cpu
from deploy.bench.site import Site

FLINK = ("jobmanager", "taskmanager-0")


class Used:
    """Looks at the processes from time to time; what they had used at any moment in between."""

    def __init__(self, site: Site) -> None:
        """What they use from now on counts."""
        self._flink = [site.process(name) for name in FLINK]
        self._broker = [site.process("kafka")]
        self._cpu = Cpu(self._flink), Cpu(self._broker)
        self._seen: list[tuple[float, float, float]] = []

    def look(self, now: float) -> None:
        """Take down what was used by `now`, seconds."""
        flink, broker = self._cpu
        flink.sample(self._flink)
        broker.sample(self._broker)
        self._seen.append((now, flink.seconds, broker.seconds))

    def between(self, first: float, last: float) -> tuple[float, float]:
        """Processor seconds of the cluster, Python workers included, and of the broker."""
        at, flink, broker = np.array(self._seen).T
        spent = [np.diff(np.interp((first, last), at, used))[0] for used in (flink, broker)]
        return float(spent[0]), float(spent[1])

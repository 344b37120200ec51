"""A job on a local Flink writes what the fold of its log gives, at any parallelism."""

import sys
from datetime import date

import pytest

from connectors import memory
from connectors.generators import Faults, Plan, Trades
from connectors.log import MemoryLog, fold_shard, results_by_topic
from connectors.microbatch import environment
from connectors.topics import shard_key
from jobs.catalogue import Config, netting_job
from tests.generated import generate

APPENDED = 1_790_000_000_000
CONFIG = Config(partitions=2, cycle_s=7_200)


def obligations() -> MemoryLog:
    """Two thousand trades with faults, a few thousand records in some tens of slices."""
    plan = Plan(2_000, 3, CONFIG.partitions, Faults.total(0.05))
    run, log = generate(Trades(3, date(2026, 3, 2)), plan), MemoryLog()
    for (topic, partition), values in run.values.items():
        for i, (key, value) in enumerate(zip(run.keys[topic, partition], values, strict=True)):
            log.append(topic, partition, APPENDED + 3 * i, value, key)
    return log


@pytest.mark.parametrize("parallelism", [1, 2])
def test_results_equal_the_fold(parallelism: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers are processes, as on a cluster: otherwise two subtasks would share one process."""
    monkeypatch.setenv("_python_worker_execution_mode", "process")
    log, job = obligations(), netting_job(CONFIG)
    env, tables = environment({"python.executable": sys.executable})
    env.set_parallelism(parallelism)
    written = memory.run(env, tables, job, log)
    for shard in range(CONFIG.partitions):
        key = shard_key(shard, CONFIG.partitions)
        spans = log.partition(["obligations"], shard)
        for topic, expected in results_by_topic(fold_shard(job, shard, spans)).items():
            found = [(r.key, r.value) for r in written if (r.topic, r.key) == (topic, key)]
            assert found == expected, topic

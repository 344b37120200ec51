"""What a job's savepoints depend on: operator uids, state name, layout of each table.

jobs/registry.json holds what is released, and a test compares. A change means that savepoints of
the released version do not restore: give the tables a new version, and say so in the changelog.
"""

import re
from typing import Any

from pyflink.datastream import StreamExecutionEnvironment
from pyflink.table import StreamTableEnvironment

from connectors.batches import table_specs
from connectors.kafka import KafkaEnds
from connectors.layout import mark_of
from connectors.microbatch import MAX_PARALLELISM, STATE, assemble
from connectors.spec import JobSpec


def contract(
    env: StreamExecutionEnvironment, tables: StreamTableEnvironment, spec: JobSpec
) -> dict[str, Any]:
    """The contract of one job, from the graph Flink makes of it with the Kafka connector."""
    assemble(tables, spec, KafkaEnds("127.0.0.1:1"))
    graph = env._j_stream_execution_environment.getStreamGraph(False)
    nodes = sorted(graph.getStreamNodes().toArray(), key=lambda node: node.getId())
    return {
        "uids": _from_one([node.getTransformationUID() or "" for node in nodes]),
        "state": STATE,
        "max_parallelism": MAX_PARALLELISM,
        "tables": {name: mark_of(table).hex() for name, table in sorted(table_specs(spec).items())},
    }


def _from_one(uids: list[str]) -> list[str]:
    """The planner counts on within a JVM; a submission has its own, where nodes begin at 1."""
    first = min(int(number) for uid in uids for number in re.findall(r"\b(\d+)_", uid))
    return [re.sub(r"\b(\d+)_", lambda m: f"{int(m[1]) - first + 1}_", uid) for uid in uids if uid]

"""A replay reads each topic by a table of its own, up to given offsets."""

import pytest

from connectors.kafka import KafkaEnds
from connectors.microbatch import assemble, environment
from jobs.catalogue import JOBS, Config


@pytest.mark.parametrize("job", sorted(JOBS))
def test_flink_plans_it(job: str, connector_jar: str) -> None:
    spec = JOBS[job](Config(partitions=2))
    until = {(feed.topic, p): 5 + p for feed in spec.feeds for p in range(2)}
    env, tables = environment({"pipeline.jars": connector_jar})
    ends = KafkaEnds("127.0.0.1:1", out_prefix="replay1.", until=until)
    assemble(tables, spec, ends)
    graph = env._j_stream_execution_environment.getStreamGraph(False)
    uids = [node.getTransformationUID() or "" for node in graph.getStreamNodes().toArray()]
    assert sum(uid.endswith("_kafka") for uid in uids) == len(spec.feeds)
    assert spec.name in uids
    assert sum(uid.endswith("global-window-aggregate") for uid in uids) == 1
    declared = tables.execute_sql("SHOW CREATE TABLE source0").collect()
    with declared as rows:
        (row,) = rows
    assert "'scan.bounded.specific-offsets' = 'partition:0,offset:5;partition:1,offset:6'" in row[0]
    assert f"'topic' = '{spec.feeds[0].topic}'" in row[0]

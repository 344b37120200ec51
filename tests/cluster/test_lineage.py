"""An index over a real broker: the same as over the archive, and raw records read from Kafka."""

from pathlib import Path

from deploy.archive.reading import Archive
from deploy.archive.restore import restore
from deploy.lineage.answer import trace
from deploy.lineage.build import build
from deploy.lineage.index import Index
from deploy.lineage.source import Origin, opened, partitions
from deploy.lineage.trace import Tracer
from deploy.log_ids import RecordId, ResultId
from deploy.settings import Settings
from deploy.stack import Stack
from tests.chained import NET_AB, ONE, archived, by_hand, folded


def test_an_index_over_a_broker_is_that_over_the_archive(
    stack: Stack, settings: Settings, topic_prefix: str, tmp_path: Path
) -> None:
    log = folded(by_hand(), ONE)
    folder = archived(log, tmp_path / "day", [topic for topic, _ in log.spans])
    restore(settings.brokers, Archive(folder), topic_prefix)
    origins = [Origin(folder), Origin(None, settings.brokers, topic_prefix)]
    said = []
    for number, origin in enumerate(origins):
        path = tmp_path / f"{number}.duckdb"
        with opened(origin, settings) as source:
            built = build(source, path, partitions(origin, settings), origin=origin)
            assert build(source, path, partitions(origin, settings)).offsets == 0
        assert built.rows["events"] == len(log.spans["regulatory.events", 0])
        with Index(path) as index:
            assert index.origin == origin
            with opened(index.origin, settings) as source:
                tracer = Tracer(index, source)
                asked = (ResultId(NET_AB), RecordId("obligations", 0, 5))
                said.append([line for at in asked for n in trace(tracer, at) for line in n.lines()])
    assert said[0] == said[1]
    assert any("obligation_id O4" in line for line in said[0])

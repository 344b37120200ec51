"""From a result back to the raw records it rests on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from connectors.layout import Array
from connectors.log import SpanSource
from deploy.errors import UserError
from deploy.lineage.found import Event
from deploy.lineage.index import Index
from deploy.lineage.nodes import Node, raw_facts, said
from deploy.log_ids import EventId, RecordId, ResultId, parse_id
from jobs.catalogue import JOBS, Config

NEAR = 2_000
"""Records so close to each other are read from the log at one go."""
RAW = "raw record"
NETTED = JOBS["netting"](Config()).feeds[0].topic
"""The feed whose records provenance events list."""


@dataclass
class Tracer:
    """A log and its index.

    Attributes:
        index: The lineage index.
        source: Where records are read; None: they are named, not shown.
        records: How many raw records are shown under one thing.
    """

    index: Index
    source: SpanSource | None = None
    records: int = 20

    def find(self, wanted: EventId | RecordId | ResultId) -> list[Event]:
        """The events an id points at; a record that is a result stands for its event.

        Raises:
            UserError: There is none such in the index.
        """
        match wanted:
            case EventId():
                event = self.index.event(wanted)
                found = [event] if event else []
            case RecordId("regulatory.events"):
                where = "shard = ? AND log_offset = ?"
                found = self.index.events(where, wanted.partition, wanted.offset)
            case RecordId():
                event = self.index.stored_at(wanted)
                found = [event] if event else []
            case ResultId():
                found = self.index.results([wanted.text])
        if not found:
            raise UserError(
                f"nothing in the index has the id {str(wanted)[:100]}; if it is newer than the "
                "index, run: tidemark index"
            )
        return found

    def backward(self, event: Event) -> Node:
        """The event, its result, and under it what the result rests on."""
        node = event_node(event)
        if event.corrects:
            node.children += [event_node(e, "corrects") for e in self._first_version(event)]
        corrections = [e for e in self.index.corrections([event.result_id]) if e.id != event.id]
        node.children += [event_node(e, "corrected by") for e in corrections]
        match event.kind:
            case "NetPosition":
                node.children += self._behind_net(event)
            case "NettingCycle":
                node.children += self._pairs(self._nets(event, event.result_id))
            case "NetProvenance":
                node.children.append(self._listed([event], self.index.listed([event])))
            case _:
                node.children += [
                    self._range(found.topic, found.partition, found.first, found.last)
                    for found in self.index.ranges(event)
                ]
        return node

    def _first_version(self, event: Event) -> list[Event]:
        return [e for e in self.index.results([event.corrects]) if e.kind == event.kind]

    def _behind_net(self, net: Event) -> list[Node]:
        """The obligations of a bilateral net, or the bilateral nets of a multilateral one."""
        children = []
        for found in self.index.ranges(net):
            reads = self.index.batches_of("netting", found)
            if reads:
                count, first, last = reads
                facts = {"batches": count, "first": first.batch, "last": last.batch}
                ends = dict.fromkeys((str(first.event), str(last.event)))
                children.append(Node("read by netting", " to ".join(ends), facts))
        if net.fields.get("kind") == "BILATERAL":
            chunks = self.chunks([net])
            return [*children, self._listed(chunks, self.index.listed(chunks))]
        cycle = net.result_id.rsplit("|", 3)[0]
        member = net.subject
        nets = self._nets(net, cycle)
        own = [e for e in nets if member in (e.subject, e.fields.get("counterparty"))]
        return children + self._pairs(own)

    def _nets(self, event: Event, cycle: str) -> list[Event]:
        """The bilateral nets of a cycle."""
        return self.index.events(
            "shard = ? AND event_time = ? AND kind = 'NetPosition' AND starts_with(result_id, ?)",
            *(event.shard, event.event_time, f"{cycle}|BILATERAL|"),
        )

    def _pairs(self, nets: Sequence[Event]) -> list[Node]:
        """Bilateral nets of one cycle, each with the obligations behind it."""
        chunks = self.chunks(nets)
        offsets = self.index.listed(chunks)
        of: dict[str, list[Event]] = {}
        for chunk in chunks:
            of.setdefault(chunk.result_id.rpartition("#")[0], []).append(chunk)
        nodes = [event_node(net) for net in nets]
        for net, node in zip(nets, nodes, strict=True):
            node.children.append(self._listed(of.get(net.result_id, []), offsets))
        return nodes

    def chunks(self, nets: Sequence[Event]) -> list[Event]:
        """The provenance events of bilateral nets of one shard, in the order of the chain."""
        ids = [f"{n.result_id}#{chunk}" for n in nets for chunk in range(n.fields.get("chunks", 0))]
        return self.index.results(ids, beside=nets[0]) if nets else []

    def _listed(self, chunks: Sequence[Event], found: Mapping[int, Array]) -> Node:
        """The obligations that provenance events list, exactly."""
        if not chunks:
            return Node("provenance", "", {"missing": "not in the index yet; run: tidemark index"})
        parts = [found[chunk.sequence] for chunk in chunks if chunk.sequence in found]
        offsets = np.sort(np.concatenate(parts)).tolist() if parts else []
        ids = ", ".join(str(chunk.id) for chunk in chunks)
        node = Node("listed by", ids, {"records": len(offsets)})
        if self.source is None or len(offsets) > self.records:
            node.facts["offsets"] = offsets
        node.children = self.raw(NETTED, chunks[0].shard, offsets[: self.records])
        node.more = len(offsets) - len(node.children)
        return node

    def _range(self, topic: str, partition: int, first: int, last: int) -> Node:
        """A range of input offsets, and its first records."""
        if first == last:
            return self.raw(topic, partition, [first])[0]
        facts = {"offsets": last - first + 1}
        node = Node("input", f"{topic}/{partition}/{first} to {last}", facts)
        shown = range(first, min(last + 1, first + self.records))
        node.children = self.raw(topic, partition, list(shown))
        node.more = last - first + 1 - len(node.children)
        return node

    def raw(self, topic: str, partition: int, offsets: Sequence[int]) -> list[Node]:
        """Raw records by ascending offset, named only: `fill` says what they hold."""
        return [Node(RAW, str(RecordId(topic, partition, offset))) for offset in offsets]

    def fill(self, nodes: Sequence[Node]) -> None:
        """Say of each raw record what the log holds there; those near each other are read at once.

        Without a log to read from they stay named.
        """
        if self.source is None:
            return
        wanted: dict[tuple[str, int], dict[int, list[Node]]] = {}
        for node in _bare(nodes):
            at = parse_id(node.id)
            assert isinstance(at, RecordId)
            places = wanted.setdefault((at.topic, at.partition), {})
            places.setdefault(at.offset, []).append(node)
            node.facts = {"missing": "not in the log any more, or no record"}
        for (topic, partition), places in wanted.items():
            for start, end in _runs(sorted(places)):
                span = self.source.read(topic, partition, start, end)
                stored = zip(span.offsets, span.appended, span.keys, span.values, strict=True)
                for offset, appended, key, value in stored:
                    for node in places.get(offset, ()):
                        node.facts = raw_facts(appended, key, value)


def _bare(nodes: Sequence[Node]) -> Iterator[Node]:
    """The raw records in some trees of which nothing is said yet."""
    for node in nodes:
        if node.what == RAW and not node.facts:
            yield node
        yield from _bare(node.children)


def event_node(event: Event, relation: str = "") -> Node:
    """An event with what its result says."""
    facts = {
        "result": event.result_id,
        "stored": str(event.source),
        "appended": event.appended * 1_000,
        "version": event.result_version,
        "decided_by": event.decided_by,
        "corrects": event.corrects,
        "fields": said(event.kind, event.fields) if event.fields else {},
    }
    what = f"{relation} {event.kind}".strip()
    return Node(what, str(event.id), {name: fact for name, fact in facts.items() if fact})


def _runs(offsets: Sequence[int]) -> list[tuple[int, int]]:
    """Ranges [start, end) that hold all offsets (ascending), none across a large gap."""
    runs: list[tuple[int, int]] = []
    for offset in offsets:
        if runs and offset - runs[-1][1] < NEAR:
            runs[-1] = runs[-1][0], offset + 1
        else:
            runs.append((offset, offset + 1))
    return runs

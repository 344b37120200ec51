"""From a raw record forward to all that it caused."""

from deploy.errors import UserError
from deploy.lineage.edges import edges_with
from deploy.lineage.found import BatchRow, Event
from deploy.lineage.nodes import Node, raw_facts
from deploy.lineage.trace import NETTED, RAW, Tracer, event_node
from deploy.log_ids import RecordId
from udfs.graph.edges import FEEDS


def forward(tracer: Tracer, record: RecordId) -> Node:
    """The record, the batches that read it, and what they made of it.

    Raises:
        UserError: There is no such record, or nothing that is indexed has read it.
    """
    value, node = _stored(tracer, record)
    index = tracer.index
    batches = {batch.job: batch for batch in index.reading(record)}
    made = {job: _batch(batch) for job, batch in batches.items()}
    refused = set()
    loose: list[Node] = []
    for event, found in index.resting_on(record):
        if event.kind == "DeadLetter":
            refused.add(_job(event))
        exact = found.first == found.last
        child = event_node(event, "" if exact else "rests on a range with it:")
        _under(made, loose, _job(event), child)
    chunks = index.listing(record.partition, record.offset) if record.topic == NETTED else []
    for chunk in chunks:
        _under(made, loose, "netting", _net(tracer, chunk))
    if record.topic in FEEDS and "graph" not in refused:
        for child in edges_with(tracer, record, value):
            _under(made, loose, "graph", child)
    node.children = [*made.values(), *loose]
    if not node.children:
        raise UserError(
            f"nothing that is indexed has read {record}; if it is newer than the index, run: "
            "tidemark index"
        )
    return node


def _stored(tracer: Tracer, record: RecordId) -> tuple[bytes | None, Node]:
    """The record as the log has it."""
    node = Node(RAW, str(record))
    if tracer.source is None:
        return None, node
    span = tracer.source.read(record.topic, record.partition, record.offset, record.offset + 1)
    if not len(span) or span.offsets[0] != record.offset:
        raise UserError(
            f"there is no record {record}: the offset is beyond the end, was removed, or is a mark "
            "of a transaction"
        )
    node.facts = raw_facts(span.appended[0], span.keys[0], span.values[0])
    return span.values[0], node


def _job(event: Event) -> str:
    """The job that wrote a result: the first part of its producer, JOB/SHARD."""
    return str(event.fields.get("producer", "")).partition("/")[0]


def _under(made: dict[str, Node], loose: list[Node], job: str, child: Node) -> None:
    """Put a thing under the batch of its job that read the record, or beside the batches."""
    (made[job].children if job in made else loose).append(child)


def _batch(batch: BatchRow) -> Node:
    facts = {
        "batch": batch.batch,
        "slice_end": batch.slice_end,
        "records": batch.records,
        "used": batch.used,
        "duplicates": batch.duplicates,
        "late": batch.late,
        "dead": batch.dead,
        "version": batch.version,
    }
    return Node(f"read by {batch.job}", str(batch.event), facts)


def _net(tracer: Tracer, chunk: Event) -> Node:
    """The bilateral net a provenance event lists it for, and what rests on that net."""
    index = tracer.index
    net_id = chunk.result_id.rpartition("#")[0]
    cycle, _, member, counterparty = net_id.rsplit("|", 3)
    members = dict.fromkeys((member, counterparty))
    multilateral = [f"{cycle}|MULTILATERAL|{name}|" for name in members]
    found = index.results([net_id, *multilateral, cycle], beside=chunk)
    of = {event.result_id: event_node(event) for event in found}
    for event in index.corrections(list(of)):
        of[event.corrects].children.append(event_node(event, "corrected by"))
    node = of.pop(net_id, None) or Node("NetPosition", net_id, {"missing": "not chained yet"})
    node.children.insert(0, event_node(chunk, "listed by"))
    node.children += [of[name] for name in (*multilateral, cycle) if name in of]
    return node

"""`tidemark trace`: which way a thing is followed, and from where."""

from connectors.topics import KNOWN
from deploy.errors import UserError
from deploy.lineage.edges import behind, edges_named
from deploy.lineage.effects import forward
from deploy.lineage.nodes import Node
from deploy.lineage.source import EVENTS
from deploy.lineage.trace import Tracer
from deploy.log_ids import EventId, RecordId, ResultId
from jobs.catalogue import Config, regulatory_job

RESULTS = frozenset({EVENTS, "graph.edges", *(f.topic for f in regulatory_job(Config()).feeds)})
"""Topics of results: from their records a trace goes back, from all others forward."""


def trace(tracer: Tracer, wanted: EventId | RecordId | ResultId) -> list[Node]:
    """A raw record's effects, or what a result rests on; one tree for each thing of that id.

    Raises:
        UserError: There is no such thing.
    """
    if isinstance(wanted, RecordId):
        if wanted.topic not in KNOWN:
            raise UserError(f"there is no topic {wanted.topic}; topics: {', '.join(KNOWN)}")
        if wanted.topic not in RESULTS:
            return [forward(tracer, wanted)]
    edges = edges_named(tracer, wanted)
    if edges:
        nodes = [behind(tracer, edge) for edge in edges]
    else:
        nodes = [tracer.backward(event) for event in tracer.find(wanted)]
    tracer.fill(nodes)
    return nodes

"""A search for rings over a log, and what is done with what it found.

The same offsets of `transfers`, `alerts` and `alert.actions` give the same records, byte for byte.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from connectors.generators.feed import Batch
from connectors.graph_links import LinkGraph
from connectors.topics import partition_of, shard_key
from deploy.alerts.states import Snoozes
from deploy.alerts.worklist import ACTIONS, ALERTS, joined
from deploy.graph.communities import centrality
from deploy.graph.evidence import TRANSFERS, Evidence, evidence
from deploy.graph.params import VERSION, Params
from deploy.graph.raised import RULE, Judged, judged, known
from deploy.graph.rings import SINK, find
from deploy.proofs.sources import Source
from deploy.rules.recorded import Ends, Recorded, message, recorded

TOPICS = (TRANSFERS, ALERTS, ACTIONS)


@dataclass(frozen=True)
class Search:
    """What was found.

    Attributes:
        seen: What the search rests on.
        rings: The rings, largest first.
        snoozes: Who raises no alerts.
        alerts: The alerts there were.
    """

    seen: Evidence
    rings: tuple[Judged, ...]
    snoozes: Snoozes
    alerts: tuple[Recorded, ...]

    def state(self, one: Judged) -> str:
        """What becomes of a ring: new, grown, known or snoozed."""
        if one.row is None:
            return "known"
        time = one.row["time"]
        for rule in (RULE, ""):
            snooze = self.snoozes.get((one.ring.sink, rule))
            if snooze is not None and time < snooze.until:
                return "snoozed"
        return "grown" if one.row["corrects"] else "new"


def search(
    source: Source, partitions: Sequence[int], params: Params, as_of: int | None = None
) -> Search:
    """The rings of a log; `as_of` as for `evidence`.

    Raises:
        UserError: There are no transfers in the window.
    """
    alerts = recorded(source, ALERTS, partitions)
    work = joined(alerts, recorded(source, ACTIONS, partitions))
    seen = evidence(source, alerts, params, as_of)
    rings = find(seen.transfers.select("source", "target", "amount"), seen.marked, params)
    found = judged(rings, known(work.items), seen, params)
    return Search(seen, tuple(found), work.snoozes, tuple(alerts))


def raise_alerts(found: Search, ends: Ends) -> int:
    """Write an alert for each ring that is new or has grown; how many.

    An alert goes to the partition of its first version's subject, where actions on it are, too.
    The producer of a partition is `rings/PARTITION`.
    """
    batches: dict[int, Batch] = {}
    for one in found.rings:
        if one.row is None or found.state(one) == "snoozed":
            continue
        partition = partition_of(one.subject.encode(), ends.partitions)
        batch = batches.setdefault(partition, Batch(ALERTS, partition, [], []))
        producer = f"rings/{partition}"
        number = _next(found.alerts, producer) + len(batch.values)
        row = {**one.row, "producer": producer, "sequence": number}
        batch.values.append(message(ALERTS, row))
        if isinstance(batch.keys, list):
            batch.keys.append(shard_key(partition, ends.partitions))
    ends.send([batches[partition] for partition in sorted(batches)])
    return sum(len(batch.values) for batch in batches.values())


def _next(alerts: Sequence[Recorded], producer: str) -> int:
    own = [one.row["sequence"] for one in alerts if one.row["producer"] == producer]
    return max(own, default=-1) + 1


def draw(found: Search, graph: LinkGraph) -> int:
    """Write every ring that is not snoozed to Neo4j, known ones again; how many."""
    rows = [drawn(one, found.seen) for one in found.rings if found.state(one) != "snoozed"]
    graph.put_rings(rows)
    return len(rows)


def drawn(one: Judged, seen: Evidence) -> dict[str, Any]:
    """A ring as Neo4j gets it, under the id of its alert's first version."""
    ring, rank = one.ring, centrality(one.ring.edges)
    to_sink = seen.transfers.filter(target=ring.sink)
    outside = (to_sink["target"] == to_sink["target_account"]).any()
    return {
        "id": one.alert,
        "sink": ring.sink,
        "outside": ring.sink if outside else "",
        "score": ring.score,
        "amount": ring.amount,
        "time": int(to_sink["time"].max()),  # type: ignore[arg-type]
        "version": VERSION,
        "members": [
            {"id": name, "role": role, "centrality": rank.get(name, 0)}
            for name, role in ring.roles.items()
        ],
    }


def line(one: Judged, found: Search) -> dict[str, Any]:
    """A ring as it is shown: the sink under its role, members by number."""
    ring = one.ring
    return {
        "alert": one.alert,
        "state": found.state(one),
        SINK: ring.sink,
        "members": len(ring.members),
        "collectors": len(ring.collectors),
        "depositors": len(ring.depositors),
        "strangers": ring.strangers,
        "score": ring.score,
        "amount": ring.amount,
    }

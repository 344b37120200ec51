"""Rings: many who structure cash, a few who collect it, and one to whom it all goes.

    transfers of the window -> flows of structurers and collectors -> communities
    community -> sink, and everyone whose money reaches it -> score -> ring

The sink of a community is the one who keeps most. Its ring are those upstream of it; what is left
of the community may hold another ring.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from deploy.graph.communities import communities
from deploy.graph.flows import Flows, flows
from deploy.graph.params import WHOLE, Params

DEPOSITOR, COLLECTOR, SINK = "depositor", "collector", "sink"


@dataclass(frozen=True)
class Ring:
    """A ring and what speaks for it.

    Attributes:
        sink: To whom the money goes.
        collectors: Who gather it, sorted.
        depositors: Who pay in and have alerts that say so, sorted.
        strangers: Payers upstream without such alerts: no members, but they lower the score.
        score: 0 to 1,000,000.
        shares: What the score is made of, parts per million each.
        edges: The members' flows towards the sink: source, target, amount.
        amount: What the sink got of members, minor units.
    """

    sink: str
    collectors: tuple[str, ...]
    depositors: tuple[str, ...]
    strangers: int
    score: int
    shares: Mapping[str, int]
    edges: pl.DataFrame
    amount: int

    @property
    def roles(self) -> dict[str, str]:
        """Member -> role, the sink first."""
        return {
            self.sink: SINK,
            **dict.fromkeys(self.collectors, COLLECTOR),
            **dict.fromkeys(self.depositors, DEPOSITOR),
        }

    @property
    def members(self) -> frozenset[str]:
        """All of them."""
        return frozenset(self.roles)


def find(transfers: pl.DataFrame, marked: frozenset[str], params: Params) -> list[Ring]:
    """The rings in the transfers of a window, largest first.

    Args:
        transfers: Columns source, target, amount (minor units of one currency).
        marked: Customers with evidence in the window.
        params: Of the search.
    """
    seen = flows(transfers, marked, params)
    found = [ring for part in communities(seen.kept, params) for ring in _rings(part, seen, params)]
    return sorted(found, key=lambda ring: (-len(ring.members), ring.sink))


def _rings(part: frozenset[str], seen: Flows, params: Params) -> Iterator[Ring]:
    """The rings of a community, one a sink."""
    while len(part) >= params.least_members:
        inside = sorted(part)
        edges = seen.kept.filter(pl.col("source").is_in(inside) & pl.col("target").is_in(inside))
        if edges.is_empty():
            return
        sink = _sink(edges)
        upstream = _upstream(edges, sink, params.layers)
        ring = _judged(sink, upstream, edges, seen, params)
        if len(ring.members) >= params.least_members and ring.score >= params.threshold:
            yield ring
        part = part - upstream - {sink}


def _sink(edges: pl.DataFrame) -> str:
    """Who keeps most: what came in less what went out; of equals the first by name."""
    came = edges.select(node="target", kept="amount")
    went = edges.select(node="source", kept=-pl.col("amount"))
    net = pl.concat([came, went]).group_by("node").agg(pl.col("kept").sum())
    return str(net.sort("kept", "node", descending=[True, False])["node"][0])


def _upstream(edges: pl.DataFrame, sink: str, layers: int) -> frozenset[str]:
    """All whose money reaches the sink in so many steps."""
    found: frozenset[str] = frozenset()
    front = {sink}
    for _ in range(layers):
        payers = edges.filter(pl.col("target").is_in(sorted(front)))["source"].to_list()
        front = set(payers) - found - {sink}
        found |= front
    return found


def _judged(
    sink: str, upstream: frozenset[str], edges: pl.DataFrame, seen: Flows, params: Params
) -> Ring:
    """The ring of a sink, with its score."""
    collectors = (upstream & seen.collectors) - {sink}
    depositors = (upstream & seen.marked) - collectors
    members = sorted({sink} | collectors | depositors)
    within = pl.col("source").is_in(members) & pl.col("target").is_in(members)
    own = edges.filter(within & (pl.col("source") != sink))
    payers = sorted(upstream - collectors)
    shares = {
        "evidence": _ppm(len(depositors), len(payers)),
        "flow": _ppm(_sum(own, pl.col("target") == sink), _first(seen.sent, depositors)),
        "common": _ppm(_sharing(own, depositors, params.senders), len(depositors)),
        "closed": _ppm(_sum(own), _touching(seen.sent, members)),
    }
    weights = {
        "evidence": params.weight_evidence,
        "flow": params.weight_flow,
        "common": params.weight_common,
        "closed": params.weight_closed,
    }
    return Ring(
        sink=sink,
        collectors=tuple(sorted(collectors)),
        depositors=tuple(sorted(depositors)),
        strangers=len(payers) - len(depositors),
        score=sum(shares[name] * weight for name, weight in weights.items()) // WHOLE,
        shares=shares,
        edges=own,
        amount=_sum(own, pl.col("target") == sink),
    )


def _ppm(part: int, whole: int) -> int:
    """A share, at most one; none of nothing."""
    return min(WHOLE, part * WHOLE // whole) if whole else 0


def _sum(edges: pl.DataFrame, where: pl.Expr | bool = True) -> int:
    return int(edges.filter(where)["amount"].sum())


def _first(sent: pl.DataFrame, depositors: frozenset[str]) -> int:
    """All that the depositors sent, to whomever."""
    return _sum(sent, pl.col("source").is_in(sorted(depositors)))


def _sharing(own: pl.DataFrame, depositors: frozenset[str], senders: int) -> int:
    """Depositors who pay the same one as so many of them do."""
    paid = own.filter(pl.col("source").is_in(sorted(depositors)))
    common = paid.filter(pl.len().over("target") >= senders)
    return int(common["source"].n_unique())


def _touching(sent: pl.DataFrame, members: list[str]) -> int:
    """All transfers to or from a member."""
    return _sum(sent, pl.col("source").is_in(members) | pl.col("target").is_in(members))

"""How much of a generated ring of 1,000 structurers is found, and who is taken for a member.

The job aml is folded over a world with the ring and other schemes in it; the search gets what the
job wrote. In that world members transfer to nobody outside the ring, so it is searched once more
with everyday transfers between members and others put in.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from connectors.generators import AmlWorld, Plan, Wanted
from deploy.bench.harness import Result
from deploy.evaluate.world import folded, labels, outputs, recorded
from deploy.graph.params import Params
from deploy.graph.rings import Ring, find
from jobs.catalogue import Config, aml_job

RING = 1_000
DAYS = 10
PEOPLE = 5_000
PAYMENTS = 120_000
LEAST_FOUND = 0.95
SHORT = ("structuring-near", "smurfing", "funnel-account", "consolidation", "fan-in")
"""Schemes that look like parts of a ring."""
OTHERS = 8
"""Schemes of each of these kinds in the world without a ring."""
EVERYDAY = 3
"""Transfers that are put in for each member, either way."""
_TOPICS = frozenset({"postings", "customers", "rules", "alert.actions", "schemes"})

Echo = Callable[[str], None]


@dataclass(frozen=True)
class World:
    """A generated world: its labels, what the job wrote, and who has evidence."""

    labels: pl.DataFrame
    sent: pl.DataFrame
    evidence: pl.DataFrame

    @property
    def marked(self) -> frozenset[str]:
        """Customers with evidence."""
        return frozenset(self.evidence["subject"].to_list())


def run(seed: int, worlds: int, echo: Echo) -> list[Result]:
    """Members found and false members, as generated and with everyday transfers put in.

    Figures of several worlds are the worst of them.
    """
    told: list[list[Result]] = []
    for number in range(seed, seed + worlds):
        echo(f"world {number}: {PAYMENTS:,} payments with a ring, the same many without")
        told.append([*_with_ring(number), *_without(number)])
    return [_worst(same) for same in zip(*told, strict=True)]


def _worst(same: Sequence[Result]) -> Result:
    """The least of what has a bar to reach, the greatest of all else."""
    pick = max if same[0].bar is None else min
    return pick(same, key=lambda result: float(result.value))


def _with_ring(seed: int) -> list[Result]:
    world = _world(seed, Wanted(ring=RING))
    ring = world.labels.filter(kind="ring")
    members = frozenset(ring["member"].to_list())
    own = world.evidence.filter(pl.col("subject").is_in(ring["member"].implode()))
    waited = (int(own["time"].min()) - int(ring["first_time"].min())) / 3.6e9  # type: ignore[arg-type]
    mixed = pl.concat([world.sent, everyday(seed, world.sent, members)])
    return [
        *judged("", find(world.sent, world.marked, Params()), members),
        *judged(", with everyday transfers", find(mixed, world.marked, Params()), members),
        Result("first alert on a member after the ring's first deposit", round(waited, 1), "h"),
    ]


def _without(seed: int) -> list[Result]:
    """Other schemes, no ring: who is taken for a member of one and is honest."""
    world = _world(seed, Wanted(counts=dict.fromkeys(SHORT, OTHERS)))
    rings = find(world.sent, world.marked, Params())
    planted = frozenset(world.labels["member"].to_list())
    honest = sum(len(ring.members - planted) for ring in rings)
    return [
        Result("rings in a world without one", len(rings), "rings"),
        Result("honest members of these", honest, "customers"),
    ]


def _world(seed: int, wanted: Wanted) -> World:
    made = AmlWorld(seed, days=DAYS, count=PAYMENTS, people=PEOPLE, wanted=wanted)
    log = recorded(made, Plan(count=made.count, seed=seed), _TOPICS)
    job = aml_job(Config(slice_ms=10_000, lateness_ms=1_000))
    found = outputs(folded(log, job), ("alerts", "transfers"))
    evidence = found["alerts"].filter(pl.col("rule").is_in(Params().evidence))
    sent = found["transfers"].select("source", "target", "amount")
    return World(labels(log), sent, evidence)


def judged(which: str, rings: list[Ring], members: frozenset[str]) -> list[Result]:
    """Of the ring that shares most members: found and false; and how many other rings there are."""
    best = max(rings, key=lambda ring: len(ring.members & members), default=None)
    found = best.members if best else frozenset()
    share = round(len(found & members) / len(members), 4)
    return [
        Result(f"members found{which}", share, "share", LEAST_FOUND),
        Result(f"false members{which}", len(found - members), "customers"),
        Result(f"other rings{which}", len(rings) - (best is not None), "rings"),
    ]


def everyday(seed: int, sent: pl.DataFrame, members: frozenset[str]) -> pl.DataFrame:
    """Transfers around 500.00 of each member to customers outside, and of such to each member."""
    rng = np.random.default_rng([seed, 9])
    inside = np.array(sorted(members))
    outside = np.array(sorted(set(sent["source"].to_list()) - members))
    who = np.repeat(inside, EVERYDAY)
    others = rng.choice(outside, (2, len(who)))
    amount = (50_000 * np.exp(rng.normal(0, 1, (2, len(who))))).astype(np.int64) + 1
    return pl.DataFrame(
        {
            "source": np.concatenate([who, others[0]]),
            "target": np.concatenate([others[1], who]),
            "amount": amount.ravel(),
        },
        schema=sent.schema,
    )

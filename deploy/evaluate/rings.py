"""How much of a generated ring of 1,000 structurers is found, and who is taken for a member.

The job aml is folded over a world with the ring and other schemes in it; the search gets what the
job wrote. In that world members transfer to nobody outside the ring, so it is searched once more
with everyday transfers between members and others put in.
"""

from collections.abc import Callable
from time import perf_counter

import numpy as np
import polars as pl

from connectors.generators import AmlWorld, Plan, Wanted
from deploy.bench.harness import Result
from deploy.evaluate.world import folded, outputs, recorded
from deploy.graph.params import Params
from deploy.graph.rings import Ring, find
from deploy.proofs.sources import events
from jobs.catalogue import Config, aml_job
from schemas.codec import decode_batch
from schemas.records import record

RING = 1_000
DAYS = 10
PEOPLE = 5_000
PAYMENTS = 120_000
LEAST_FOUND = 0.95
EVERYDAY = 3
"""Transfers that are put in for each member, either way."""
_TOPICS = frozenset({"postings", "customers", "rules", "alert.actions", "schemes"})

Echo = Callable[[str], None]


def run(seed: int, echo: Echo) -> list[Result]:
    """Members found and false members, as generated and with everyday transfers put in."""
    world = AmlWorld(seed, days=DAYS, count=PAYMENTS, people=PEOPLE, wanted=Wanted(ring=RING))
    log = recorded(world, Plan(count=world.count, seed=seed), _TOPICS)
    values = [
        value
        for (topic, _), span in log.spans.items()
        if topic == "schemes"
        for value in events(span)[1]
    ]
    labels = decode_batch(record("SchemeLabel"), values)[0].filter(kind="ring")
    echo(f"{PAYMENTS:,} payments with a ring of {labels.height:,} members")
    job = aml_job(Config(slice_ms=10_000, lateness_ms=1_000))
    found = outputs(folded(log, job), ("alerts", "transfers"))
    alerts, sent = found["alerts"], found["transfers"].select("source", "target", "amount")
    echo(f"{alerts.height:,} alerts, {sent.height:,} transfers")
    params = Params()
    evidence = alerts.filter(pl.col("rule").is_in(params.evidence))
    marked = frozenset(evidence["subject"].to_list())
    members = frozenset(labels["member"].to_list())
    own = evidence.filter(pl.col("subject").is_in(labels["member"].implode()))
    waited = (int(own["time"].min()) - int(labels["first_time"].min())) / 3.6e9  # type: ignore[arg-type]
    start = perf_counter()
    rings = find(sent, marked, params)
    passed = perf_counter() - start
    mixed = find(pl.concat([sent, everyday(seed, sent, members)]), marked, params)
    return [
        *judged("", rings, members),
        *judged(", with everyday transfers", mixed, members),
        Result("customers with evidence", len(marked), "customers"),
        Result("first alert on a member after the ring's first deposit", round(waited, 1), "h"),
        Result(f"search in {sent.height:,} transfers", round(passed, 2), "s"),
    ]


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

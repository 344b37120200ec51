"""What rules, typologies and motifs find of the schemes in generated worlds, and raise beside.

Several worlds of one size, each from a seed of its own, are judged as one. The ring of people who
structure is a further world: it is laid out whatever the share of laundering.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import polars as pl

from connectors.generators.aml import AmlWorld
from connectors.generators.aml.schemes import Wanted
from connectors.generators.feed import Plan
from deploy.bench.harness import Report, Result
from deploy.errors import UserError
from deploy.evaluate import figures, motifs
from deploy.evaluate.judged import Judged, by_kind, by_rule, judge, pooled
from deploy.evaluate.world import folded, labels, outputs, recorded, values
from jobs.catalogue import Config, aml_job
from udfs.aml.catalogue import RULES
from udfs.motifs.params import COMMON, MOTIFS

CONFIG = Config(partitions=1, slice_ms=10_000, lateness_ms=1_000)
"""Long slices: fewer batches to fold, the same alerts."""
A_DAY = 1.25
"""Payments of a customer on a day."""
SIDES = 1.9
"""Postings of a payment, about: one for each party that is a customer."""
_TOPICS = frozenset({"postings", "customers", "rules", "alert.actions", "schemes"})

Stage = Callable[[pl.DataFrame], pl.DataFrame]
STAGES: tuple[Stage, ...] = (motifs.alerts,)
"""Stages behind the job whose alerts count as well: from records Transfer to records Alert."""


@dataclass(frozen=True)
class Asked:
    """The worlds to judge.

    Attributes:
        customers: Of each world, about.
        days: Length of each world.
        seed: Of the first world; each further one has the next.
        worlds: How many.
        laundering: Share of postings that are part of schemes.
        ring: Depositors of the ring; 0: no such world.
    """

    customers: int
    days: int
    seed: int
    worlds: int
    laundering: float
    ring: int


@dataclass(frozen=True)
class Seen:
    """Size of the judged worlds, and what was found in them."""

    found: Judged
    postings: int
    planted: int
    exposure: float


@dataclass(frozen=True)
class Outcome:
    """The figures, and the tables behind them: by kind of scheme, by rule, the ring's by rule."""

    report: Report
    kinds: pl.DataFrame
    rules: pl.DataFrame
    ring: pl.DataFrame


def run(asked: Asked, tell: Callable[[str], None] = lambda line: None) -> Outcome:
    """Make the worlds, fold the job over each, judge its alerts; UserError for no such world."""
    seen = []
    for number in range(asked.worlds):
        seen.append(_judged(_world(asked, asked.seed + number)))
        tell(f"world {number + 1} of {asked.worlds}: {seen[-1].found.alerts.height:,} alerts")
    whole = _together(seen)
    looked = {*RULES, *MOTIFS} - {COMMON}
    kinds, rules = by_kind(whole.found, looked), by_rule(whole.found, whole.exposure)
    results = [
        *_size(asked, whole),
        *figures.of_kinds(kinds),
        *figures.of_rules(rules),
        *figures.of_all(whole.found, whole.exposure),
    ]
    ring = pl.DataFrame()
    if asked.ring:
        made, ring = _ring(asked)
        results += made
        tell(f"ring of {asked.ring}: done")
    return Outcome(Report("evaluate-aml", asked.seed, results), kinds, rules, ring)


def _made(asked: Asked, seed: int, wanted: Wanted) -> AmlWorld:
    count = round(asked.customers * asked.days * A_DAY)
    try:
        return AmlWorld(seed, days=asked.days, count=count, people=asked.customers, wanted=wanted)
    except ValueError as error:
        raise UserError(f"there is no such world: {error}") from None


def _world(asked: Asked, seed: int) -> AmlWorld:
    """A world with as many schemes as make the share of postings, kinds taking turns.

    Schemes are asked for as a share of accounts, so that share is found in two tries.
    """
    if not asked.laundering:
        return _made(asked, seed, Wanted(rate=0.0))
    rate = asked.laundering
    for _ in range(3):
        world = _made(asked, seed, Wanted(rate=min(rate, 0.1)))
        postings = SIDES * asked.customers * asked.days * A_DAY
        rate *= asked.laundering * postings / int(world.schemes.labels["posting_count"].sum())
    return world


def _judged(world: AmlWorld) -> Seen:
    log = recorded(world, Plan(world.count, world.seed, CONFIG.partitions), _TOPICS)
    found = outputs(folded(log, aml_job(CONFIG)), ("alerts", "transfers"))
    alerts = [found["alerts"], *(stage(found["transfers"]) for stage in STAGES)]
    told = [frame for frame in alerts if frame.height]
    postings = sum(1 for _ in values(log, "postings"))
    planted = labels(log)
    return Seen(
        judge(planted, pl.concat(told) if told else pl.DataFrame()),
        postings,
        int(planted["posting_count"].sum()),
        world.days * world.bank.customer_accounts / 10_000,
    )


def _together(seen: list[Seen]) -> Seen:
    return Seen(
        pooled([one.found for one in seen]),
        sum(one.postings for one in seen),
        sum(one.planted for one in seen),
        sum(one.exposure for one in seen),
    )


def _size(asked: Asked, whole: Seen) -> list[Result]:
    return [
        Result("worlds", asked.worlds, "worlds"),
        Result("customers of a world, about", asked.customers, "customers"),
        Result("days of a world", asked.days, "days"),
        Result("postings", whole.postings, "postings"),
        Result("postings in schemes", round(whole.planted / whole.postings, 6), "share"),
        Result("schemes", whole.found.schemes.height, "schemes"),
    ]


def _ring(asked: Asked) -> tuple[list[Result], pl.DataFrame]:
    """A world with nothing in it but the ring: which of its people were found, by which rule."""
    days = min(asked.days, 30)
    world = _made(replace(asked, days=days), asked.seed, Wanted(counts={}, ring=asked.ring))
    return figures.of_ring(_judged(world).found)

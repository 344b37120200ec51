"""Worlds with schemes as tests look at them: records, what they are worth, who is to be found."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from math import acos, cos, radians, sin

import polars as pl

from connectors.generators import AmlWorld, Plan, Wanted
from connectors.generators.aml import KINDS, RATES
from tests.generated import Run, generate

HOUR = 3_600_000_000
DAY = 24 * HOUR
T = 1_000_000
"""10,000.00 dollars, 31 CFR 1010.311."""


def worth(amount: int, scale: int, currency: str) -> int:
    """Cents of dollars, half up, by the definition: amount / 10^scale units at the rate."""
    dollars = Decimal(amount).scaleb(-scale) * Decimal(RATES[currency]) / 1_000_000
    return int((dollars * 100).quantize(Decimal(1), ROUND_HALF_UP))


@dataclass(frozen=True)
class Case:
    """One scheme: who is its subject, all their postings, and those that the label names."""

    scheme: str
    who: str
    postings: pl.DataFrame
    named: pl.DataFrame
    customer: dict[str, object]


@dataclass(frozen=True)
class Found:
    """A whole run, its postings with `base`, in order of time."""

    world: AmlWorld
    run: Run
    postings: pl.DataFrame
    labels: pl.DataFrame
    customers: pl.DataFrame

    def subjects(self, kind: str) -> Iterator[Case]:
        """The schemes of a kind, each with its subject."""
        for label in self.labels.filter(kind=kind, role="subject").rows(named=True):
            own = self.postings.filter(owner=label["member"])
            named = own.filter(pl.col("posting_id").is_in(label["postings"].split(";")))
            (customer,) = self.customers.filter(customer=label["member"]).rows(named=True)
            yield Case(label["scheme"], label["member"], own, named, customer)

    def edges(self, scheme: str) -> pl.DataFrame:
        """The transfers between customers that a scheme is made of, in order of time."""
        ids = set(";".join(self.labels.filter(scheme=scheme)["postings"]).split(";"))
        return self.transfers().filter(pl.col("posting_id").is_in(ids))

    def transfers(self) -> pl.DataFrame:
        """All transfers between customers, seen from who pays."""
        return self.postings.filter(
            (pl.col("direction") == "DEBIT")
            & pl.col("channel").is_in(["TRANSFER", "WIRE"])
            & (pl.col("counterparty") != "")
        )

    def role(self, scheme: str, role: str) -> set[str]:
        """Members with a role in a scheme."""
        return set(self.labels.filter(scheme=scheme, role=role)["member"])


@cache
def found(seed: int, days: int = 30, each: int = 4) -> Found:
    """A world with `each` schemes of every kind that it is long enough for."""
    long_enough = [kind for kind in KINDS if kind != "dormant-wake-up" or days >= 200]
    wanted = Wanted(counts=dict.fromkeys(long_enough, each))
    world = AmlWorld(seed, days=days, count=25_000 + 200 * days, people=500, wanted=wanted)
    return looked_at(world, generate(world, Plan(count=world.count, seed=seed)))


def looked_at(world: AmlWorld, run: Run) -> Found:
    """A run with what its postings are worth."""
    postings = run.frame("postings")
    rows = postings.select("amount", "scale", "currency").rows()
    postings = postings.with_columns(base=pl.Series([worth(*row) for row in rows]))
    customers, labels = run.frame("customers"), run.frame("schemes")
    return Found(world, run, postings.sort("time", "posting_id"), labels, customers)


def windows(postings: pl.DataFrame, width: int) -> Iterator[pl.DataFrame]:
    """For each posting the ones in (time - width, time], itself last."""
    times = postings["time"].to_list()
    for last, time in enumerate(times):
        first = next(i for i, t in enumerate(times) if t > time - width)
        yield postings[first : last + 1]


def kilometres(one: dict[str, int], other: dict[str, int]) -> float:
    """Great-circle distance by the spherical law of cosines, R = 6,371 km."""
    a, b = (radians(p["latitude"] / 1e6) for p in (one, other))
    turn = radians((one["longitude"] - other["longitude"]) / 1e6)
    return 6_371 * acos(min(1.0, sin(a) * sin(b) + cos(a) * cos(b) * cos(turn)))

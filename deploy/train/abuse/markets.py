"""The simulated markets that models are fitted on, chosen by and judged by.

Markets of other seeds have other people, and those of each part lie in other weeks: no trader and
no day is in two parts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from deploy.exchange.simulate import Simulated, simulate
from deploy.train.abuse.samples import Samples, folded, samples, seen
from udfs.abuse import step
from udfs.abuse.features import Scorer

FIRST = {
    "train": date(2026, 3, 2),
    "validation": date(2026, 3, 16),
    "test": date(2026, 4, 7),
}
"""First day of the markets of each part."""
DAYS = 3
HOURS = 8.5
"""Continuous trading of a day."""
_SEEDS = {"train": 100, "validation": 400, "test": 700}


@dataclass(frozen=True)
class Asked:
    """A market to simulate.

    Attributes:
        mix: As in default (deploy.exchange.mix).
        seed: Of the simulation.
        first: Its first day.
        days: How many.
        orders: In all; as the mix says if None.
    """

    mix: str
    seed: int
    first: date
    days: int = DAYS
    orders: int | None = None


@dataclass(frozen=True)
class Market:
    """A market as it was judged.

    Attributes:
        asked: Which it is.
        samples: Its orders at their end, scored if a model was given.
        labels: Records AbuseLabel.
        events: Columns event_id, order_id, isin, mic, time of its OrderEvents.
        alerts: Records Alert that the job writes of it.
    """

    asked: Asked
    samples: Samples
    labels: pl.DataFrame
    events: pl.DataFrame
    alerts: pl.DataFrame

    @property
    def hours(self) -> float:
        """Hours of trading."""
        return HOURS * self.asked.days


def plan(part: str, mixes: Mapping[str, int], seed: int, orders: int | None) -> list[Asked]:
    """The markets of a part: so many of each mix, each with a seed of its own."""
    names = [mix for mix, count in mixes.items() for _ in range(count)]
    base = 1_000 * seed + _SEEDS[part]
    return [Asked(mix, base + place, FIRST[part], orders=orders) for place, mix in enumerate(names)]


def market(asked: Asked, scorer: Scorer | None = None) -> Market:
    """Simulate a market and fold the job over it; without a model only its features."""
    made = simulate(asked.seed, asked.mix, asked.days, asked.orders, asked.first)
    return judged(asked, made, scorer)


def judged(asked: Asked, made: Simulated, scorer: Scorer | None = None) -> Market:
    """What the job makes of a simulated market."""
    links = {step.OWNERS: made.owner_links, step.INSTRUMENTS: made.instrument_links}
    out: dict[str, pl.DataFrame] = {}
    if scorer is None:
        rows = seen(made.events, links)
    else:
        rows, out = folded(made.events, links, scorer)
    return Market(
        asked,
        samples(rows, made.labels, asked.seed),
        made.labels,
        made.events.select("event_id", "order_id", "isin", "mic", "time"),
        out.get(step.ALERTS, pl.DataFrame()),
    )

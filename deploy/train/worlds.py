"""Samples for models: a generated world's customers day by day, seen as the rule sees them.

One sample is a customer and a day on which postings of the customer counted. It is positive if one
of those postings is named by the label of a scheme of which the customer is a member. Worlds of
other seeds have other customers: a split by seed shares none.
"""

from dataclasses import dataclass

import polars as pl

from connectors.generators.aml import AmlWorld, Wanted
from connectors.store import TableStore
from udfs.aml import features
from udfs.aml.customers import changes_of
from udfs.aml.flow_owners import OWNERS, OWNERS_TABLE, numbered
from udfs.aml.rule import DAY, EVENTS, WHOLE
from udfs.aml.ruleset import DEFAULT, to_base

_A_DAY = 1.6
"""Payments of a person on a day, business and schemes included."""


@dataclass(frozen=True)
class World:
    """What models are fitted on or judged by.

    Attributes:
        seed: Of the generator.
        events: Columns EVENTS, in order of time.
        samples: Columns owner_number, owner, `end` of the day, features.FEATURES, `positive`.
        members: Columns owner, kind: who takes part in which kind of scheme; a row each.
    """

    seed: int
    events: pl.DataFrame
    samples: pl.DataFrame
    members: pl.DataFrame

    @property
    def customers(self) -> pl.DataFrame:
        """One row for each customer with postings: owner, and whether a member of any scheme."""
        members = self.members["owner"].unique().implode()
        owners = self.samples.select("owner").unique().sort("owner")
        return owners.with_columns(member=pl.col("owner").is_in(members))


def world(seed: int, people: int, days: int, rate: float) -> World:
    """The samples of a world.

    Args:
        seed: Of the generator.
        people: Persons beside the members of schemes.
        days: How long it lasts.
        rate: Share of accounts whose owners launder.
    """
    made = AmlWorld(seed, days=days, count=round(people * days * _A_DAY), people=people,
                    wanted=Wanted(rate=rate))  # fmt: skip
    found: dict[str, list[pl.DataFrame]] = {"postings": [], "customers": [], "schemes": []}
    for units in made.units():
        for topic, frame in made.records(units).items():
            if topic in found:
                found[topic].append(frame)
    postings, customers, labels = (pl.concat(found[topic]) for topic in found)
    events = events_of(postings, customers)
    return World(seed, events, *labelled(sampled(events), events, labels))


def events_of(postings: pl.DataFrame, customers: pl.DataFrame) -> pl.DataFrame:
    """Records as rules are shown them, numbers of owners included; each customer known as last."""
    placed = customers.with_columns(at="time", offset=pl.int_range(customers.height))
    known = changes_of(placed).unique("customer", keep="last", maintain_order=True)
    joined = postings.with_columns(at="time").sort("at", "posting_id").join(
        known.drop("at"), left_on="owner", right_on="customer", how="left", maintain_order="left"
    )  # fmt: skip
    priced = joined.with_columns(
        base=to_base("amount", "scale", "currency", DEFAULT.rates),
        factor=pl.lit(WHOLE),
        late=pl.lit(False),
        offset=pl.int_range(joined.height),
        counterparty_name=pl.lit(""),
        own=pl.col("counterparty") == pl.col("owner"),
    )
    store = TableStore({OWNERS_TABLE: OWNERS}, {})
    return numbered(store.tables, priced).select(
        pl.col(name).cast(kind) for name, kind in EVENTS.items()
    )


def sampled(events: pl.DataFrame) -> pl.DataFrame:
    """Features of each customer and day, by the code that runs in a worker; the last day is open.

    Column `end` is the first instant after the day, microseconds UTC.
    """
    store = TableStore(features.TABLES, {})
    frames = []
    for day in features.closed(store.tables, events):
        frames.append(day.rows.with_columns(end=pl.lit(day.end, pl.Int64)))
        store.commit()
    return pl.concat(frames)


def labelled(
    samples: pl.DataFrame, events: pl.DataFrame, labels: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Samples with `positive`, and the members of schemes by kind."""
    named = labels.select(
        owner="member", posting_id=pl.col("postings").str.split(";")
    ).explode("posting_id")  # fmt: skip
    hit = events.join(named, on=["owner", "posting_id"], how="semi").select(
        "owner", end=(pl.col("at") // DAY + 1) * DAY, positive=pl.lit(True)
    )
    joined = samples.join(hit.unique(), on=["owner", "end"], how="left", maintain_order="left")
    members = labels.select("kind", owner="member").unique(maintain_order=True)
    return joined.with_columns(pl.col("positive").fill_null(False)), members

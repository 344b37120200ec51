"""What is known of customers, as of any moment of business time that is still being decided."""

from collections.abc import Mapping

import polars as pl

from schemas.step import State, TableSpec
from udfs.aml.rule import WHOLE
from udfs.aml.ruleset import Factor

TABLE = "aml.customers"
_KEPT = ("kind", "home_area", "home_country", "opened", "zone", "rating", "enhanced", "pep")
CUSTOMERS = {
    TABLE: TableSpec(
        {
            "customer": "str",
            "kind": "str",
            "home_area": "str",
            "home_country": "str",
            "opened": "int",
            "zone": "str",
            "rating": "str",
            "enhanced": "bool",
            "pep": "bool",
        },
        "customer",
    )
}


def changes_of(records: pl.DataFrame) -> pl.DataFrame:
    """Customer records as changes: `at`, what is kept, and the offset."""
    return records.select(
        "at",
        "customer",
        kind="kind",
        home_area="area",
        home_country="country",
        opened="opened",
        zone="zone",
        rating="rating",
        enhanced=pl.col("due_diligence") == "ENHANCED",
        pep="pep",
        offset="offset",
    )


def known_as_of(state: State, changes: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Events with what was known of their owners at their time.

    Args:
        state: Has the table of customers as of before all of `changes`.
        changes: As from `changes_of`, sorted by `at` and offset: of one moment the last counts.
        events: Sorted by `at`; their order is kept. A change counts for events of its own moment.
    """
    known = state[TABLE].lookup(events["owner"].unique().rename("customer")).drop("known")
    joined = events.join(
        known, left_on="owner", right_on="customer", how="left", maintain_order="left"
    )
    if changes.height:
        newer = changes.select(
            "at", "customer", *(pl.col(name).alias(f"new_{name}") for name in _KEPT)
        )
        joined = joined.join_asof(
            newer, on="at", by_left="owner", by_right="customer", check_sortedness=False
        ).with_columns(pl.coalesce(f"new_{name}", name).alias(name) for name in _KEPT)
        joined = joined.drop(*(f"new_{name}" for name in _KEPT))
    zone = pl.when(pl.col("zone") == "").then(pl.lit("UTC")).otherwise("zone")
    return joined.with_columns(zone=zone)


def learn(state: State, changes: pl.DataFrame) -> None:
    """Take in changes, the newest of each customer."""
    if changes.height:
        newest = changes.unique("customer", keep="last", maintain_order=True)
        state[TABLE].upsert(newest.drop("at", "offset"))


def factor(factors: Mapping[Factor, int]) -> pl.Expr:
    """The share of every money limit that applies to an owner, parts per million: the smallest."""
    whole = pl.lit(WHOLE, pl.Int64)
    asked: dict[Factor, pl.Expr] = {
        "MEDIUM": pl.col("rating") == "MEDIUM",
        "HIGH": pl.col("rating") == "HIGH",
        "ENHANCED": pl.col("enhanced"),
        "PEP": pl.col("pep"),
    }
    return pl.min_horizontal(
        whole,
        *(
            pl.when(applies).then(pl.lit(factors[name], pl.Int64)).otherwise(whole)
            for name, applies in asked.items()
            if name in factors
        ),
    )

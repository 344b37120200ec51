"""What a business may do more than a person: limits are set for persons, and stretched."""

from typing import Annotated

import polars as pl
from pydantic import Field

from udfs.aml.rule import WHOLE

Times = Annotated[int, Field(ge=WHOLE, le=10_000 * WHOLE)]
"""So many times a person's limit is that of a business, parts per million."""


def stretch(times: Times) -> pl.Expr:
    """By how much an owner's limits are greater than a person's, parts per million.

    An owner of whom it is not known what they are counts as a person.
    """
    business = pl.col("kind") == "BUSINESS"
    person = pl.lit(WHOLE, pl.Int64)
    return pl.when(business).then(pl.lit(times, pl.Int64)).otherwise(person).alias("stretch")


def stretched(times: Times) -> pl.Expr:
    """Column factor for limits of money that are `times` as great for a business."""
    return (pl.col("factor") * stretch(times) // WHOLE).alias("factor")

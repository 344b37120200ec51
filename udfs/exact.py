"""Sums of money that are exact or refused, never wrapped."""

from collections.abc import Sequence

import polars as pl

LARGEST = 2**63 - 1


def require_sums(frame: pl.DataFrame, by: Sequence[str], amount: str) -> None:
    """Refuse amounts whose sum in any group of `by` leaves a signed 64-bit integer.

    `amount` holds values >= 0, so every partial sum and every difference of two of them fits as
    well. The exact sums are only computed when rows times the largest amount would not fit.

    Raises:
        OverflowError: A group's sum is above 2^63 - 1; names the group.
    """
    if frame.is_empty() or frame.height * int(frame[amount].max() or 0) <= LARGEST:  # type: ignore[arg-type]
        return
    sums = frame.group_by(by).agg(pl.col(amount).cast(pl.Int128).sum().alias("sum"))
    wrong = sums.filter(pl.col("sum") > LARGEST).sort(by)
    if wrong.height:
        where = ", ".join(f"{name}={wrong[name][0]}" for name in by)
        raise OverflowError(f"the amounts of {where} add up to {wrong['sum'][0]}, above 2^63 - 1")

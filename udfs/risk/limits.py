"""How much of each limit is used, and which limits are breached.

A limit is a record with the time from which it holds. Later records of the same limit replace
earlier ones from their own time on, so "which limits were in force at 10:32" has one answer, now
and in a replay. (Limits for VaR by desk and for the whole portfolio, approved and documented:
Commission Delegated Regulation (EU) 2024/1085, article 14.)

Limits: limit_id, scope, name, measure, soft, hard, effective_from, sequence, revoked.
Measures: scope, name, measure, value, complete.

`scope` is "firm", "book" or what else is limited, `name` which one of it; values and limits are
integers in one unit, losses and sizes positive. What may not be large in either direction is handed
in as its absolute value.
"""

from enum import IntEnum

import numpy as np
import numpy.typing as npt
import polars as pl

from udfs.risk.integers import Ints, ints, mul_div_up

PPM = 1_000_000
MOST_PPM = 10**15
"""The use reported where it is more, or of a limit of zero that is exceeded."""

OF = ("scope", "name", "measure")


class Status(IntEnum):
    """Where a value stands against its limits."""

    WITHIN = 0
    SOFT = 1
    HARD = 2
    UNMEASURED = 3


def use_ppm(value: npt.ArrayLike, limit: npt.ArrayLike) -> Ints:
    """How much of a limit is used, in parts per million, rounded up.

    Above 1,000,000 exactly when value > limit. A value of zero or below uses nothing, whatever the
    limit; a value above a limit of zero uses MOST_PPM.

    Args:
        value: Loss or size, below 2^62.
        limit: The same unit, not negative.

    Raises:
        ValueError: A limit is negative.
    """
    v, most = np.broadcast_arrays(np.maximum(ints(value), 0), ints(limit))
    if np.any(most < 0):
        raise ValueError("a limit is negative")
    beyond = v // (MOST_PPM // PPM) >= most  # also where the limit is zero
    small = mul_div_up(np.where(beyond, 0, v), PPM, np.maximum(most, 1))
    return np.where(v == 0, 0, np.where(beyond, MOST_PPM, np.minimum(small, MOST_PPM)))


def status(value: npt.ArrayLike, soft: npt.ArrayLike, hard: npt.ArrayLike) -> Ints:
    """The `Status` of values that were measured: a limit is breached when it is exceeded.

    Args:
        value: Loss or size.
        soft: Limit that warns.
        hard: Limit that must not be exceeded.
    """
    v = ints(value)
    over = np.where(v > ints(soft), Status.SOFT, Status.WITHIN)
    return np.where(v > ints(hard), Status.HARD, over).astype(np.int64)


def faulty(limits: pl.DataFrame) -> pl.DataFrame:
    """The records that cannot be limits, with `reason`: "negative" or "soft above hard"."""
    reason = (
        pl.when((pl.col("soft") < 0) | (pl.col("hard") < 0))
        .then(pl.lit("negative"))
        .when(pl.col("soft") > pl.col("hard"))
        .then(pl.lit("soft above hard"))
    )
    return limits.with_columns(reason=reason).filter(pl.col("reason").is_not_null())


def in_force(limits: pl.DataFrame, at: int) -> pl.DataFrame:
    """The limits in force at a time: of each limit its last record by (effective_from, sequence).

    A record holds from `effective_from` on, that microsecond included. A faulty record changes
    nothing: the one before it stays in force. A limit whose last record revokes it is not there.

    Args:
        limits: Records of limits, in any order.
        at: Business time, microseconds UTC.

    Returns:
        One row a limit, ordered by limit_id.
    """
    bad = (pl.col("soft") < 0) | (pl.col("hard") < 0) | (pl.col("soft") > pl.col("hard"))
    known = limits.filter((pl.col("effective_from") <= at) & (pl.col("revoked") | ~bad))
    last = known.sort("effective_from", "sequence").unique(
        "limit_id", keep="last", maintain_order=True
    )
    return last.filter(~pl.col("revoked")).sort("limit_id")


def used(limits: pl.DataFrame, measures: pl.DataFrame) -> pl.DataFrame:
    """Each limit in force with what it limits, its use and its status.

    Args:
        limits: Limits as `in_force` returns them.
        measures: One row for each (scope, name, measure).

    Returns:
        The columns of `limits`, ordered by limit_id, with `value` (null if it was not measured),
        `complete` (false if it was not, or if marks or rates were missing), `use_ppm` of the hard
        limit (null if unmeasured), `status` (a `Status`) and `remaining`, hard - value.
    """
    rows = limits.join(measures, on=OF, how="left", validate="m:1").sort("limit_id")
    measured = rows["value"].is_not_null()
    value = rows["value"].fill_null(0).cast(pl.Int64).to_numpy()
    soft, hard = rows["soft"].to_numpy(), rows["hard"].to_numpy()
    stands = np.where(measured.to_numpy(), status(value, soft, hard), Status.UNMEASURED)
    return rows.with_columns(
        complete=pl.col("complete").fill_null(value=False),
        use_ppm=pl.when(measured).then(pl.Series(use_ppm(value, hard), dtype=pl.Int64)),
        status=pl.Series(stands, dtype=pl.Int64),
        remaining=pl.col("hard") - pl.col("value"),
    )


def unlimited(limits: pl.DataFrame, measures: pl.DataFrame) -> pl.DataFrame:
    """The measures that no limit in force is about, ordered by what they are of."""
    return measures.join(limits, on=OF, how="anti").sort(OF)


def changed(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """The limits whose status is another than before, as rows of `after` with `status_before`.

    A limit that is new and within its bounds is no change; one that is new and breached is. One
    that is no longer in force is not reported.

    Args:
        before: The last frame of `used`; empty at first.
        after: This one.
    """
    was = before.select("limit_id", status_before="status")
    both = after.join(was, on="limit_id", how="left", maintain_order="left")
    both = both.with_columns(pl.col("status_before").fill_null(int(Status.WITHIN)))
    return both.filter(pl.col("status") != pl.col("status_before"))

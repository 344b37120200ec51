"""What each pair and each member owes in a netting cycle, and how much netting saved.

Functions from frames to frames, to be chained: `in_cycles` -> `paired` -> `bilateral` ->
`multilateral`, and `cycles` over both. Amounts are integers in minor units; a netting group is one
asset of one netting set at one scale in one cycle, so nothing that is added up is in different
units.
"""

import polars as pl

from schemas.step import effective_time
from udfs.exact import require_sums

GROUP = ("cycle_end", "netting_set", "asset", "scale")
"""What obligations must have in common to be netted against each other."""

PAIR = (*GROUP, "member", "counterparty")
MEMBER = (*GROUP, "member")

PPM = 1_000_000


def in_cycles(obligations: pl.DataFrame, cycle_us: int) -> pl.DataFrame:
    """The obligations with `cycle_end`, the end of the cycle each of them is netted in.

    Cycles are tumbling windows [cycle_end - cycle_us, cycle_end) of business time, aligned to the
    epoch. A late obligation counts at its place in the log, so it falls into the cycle that is open
    there.
    """
    end = (effective_time("trade_time") // cycle_us + 1) * cycle_us
    return obligations.with_columns(cycle_end=end)


def paired(obligations: pl.DataFrame) -> pl.DataFrame:
    """The obligations with the pair they are netted in, ordered by pair and then by offset.

    Adds `member` and `counterparty`, payer and receiver in code-point order.
    """
    swapped = pl.col("payer") > pl.col("receiver")
    return obligations.with_columns(
        member=pl.when(swapped).then("receiver").otherwise("payer"),
        counterparty=pl.when(swapped).then("payer").otherwise("receiver"),
    ).sort(*PAIR, "offset")


def bilateral(pairs: pl.DataFrame) -> pl.DataFrame:
    """The net of each pair as its `member` sees it: net = receives - delivers, ordered by pair.

    With x_ij what i owes j, `net` is x_ji - x_ij for i = member, so that |net| = n_ij + n_ji of the
    definition n_ij = max(0, x_ij - x_ji). An obligation of a member to itself receives and delivers
    the same amount.

    Args:
        pairs: Obligations as `paired` returns them.

    Returns:
        PAIR, receives, delivers, net, obligations, late, first_offset, last_offset.

    Raises:
        OverflowError: The amounts of a netting group add up to more than 2^63 - 1.
    """
    require_sums(pairs, GROUP, "amount")
    amount, member = pl.col("amount"), pl.col("member")
    return (
        pairs.group_by(PAIR, maintain_order=True)
        .agg(
            receives=amount.filter(pl.col("receiver") == member).sum(),
            delivers=amount.filter(pl.col("payer") == member).sum(),
            obligations=pl.len().cast(pl.Int64),
            late=pl.col("late").cast(pl.Int64).sum(),
            first_offset=pl.col("offset").min(),
            last_offset=pl.col("offset").max(),
        )
        .with_columns(net=pl.col("receives") - pl.col("delivers"))
    )


def both_views(bilaterals: pl.DataFrame) -> pl.DataFrame:
    """Each bilateral net as either of its members sees it, by member and then counterparty.

    A member's net with itself has one view only.
    """
    swap = {
        "member": pl.col("counterparty"),
        "counterparty": pl.col("member"),
        "receives": pl.col("delivers"),
        "delivers": pl.col("receives"),
        "net": -pl.col("net"),
    }
    others = bilaterals.filter(pl.col("member") != pl.col("counterparty")).with_columns(**swap)
    return pl.concat([bilaterals, others]).sort(PAIR)


def multilateral(views: pl.DataFrame) -> pl.DataFrame:
    """The net of each member against all: net_i = sum_j x_ji - sum_j x_ij, ordered by member.

    The nets of a group add up to zero.

    Args:
        views: Bilateral nets as `both_views` returns them.

    Returns:
        MEMBER, receives, delivers, net, obligations, late, first_offset, last_offset and `pairs`,
        the number of bilateral nets behind it.
    """
    return views.group_by(MEMBER, maintain_order=True).agg(
        pl.col("receives", "delivers", "net", "obligations", "late").sum(),
        first_offset=pl.col("first_offset").min(),
        last_offset=pl.col("last_offset").max(),
        pairs=pl.len().cast(pl.Int64),
    )


def cycles(bilaterals: pl.DataFrame, multilaterals: pl.DataFrame) -> pl.DataFrame:
    """How much each netting group saved: gross, nets and efficiency, ordered by group.

    Efficiency is 1 - N / G, rounded down to parts per million, with G the sum of all obligations, N
    the sum of |net| over pairs (bilateral) or of the positive nets over members (multilateral):
    each debt is counted once, at one of its sides.

    Returns:
        GROUP, members, obligations, late, gross, bilateral_net, multilateral_net,
        bilateral_efficiency_ppm, multilateral_efficiency_ppm.
    """
    by_pair = bilaterals.group_by(GROUP, maintain_order=True).agg(
        pl.col("obligations", "late").sum(), bilateral_net=pl.col("net").abs().sum()
    )
    by_member = multilaterals.group_by(GROUP, maintain_order=True).agg(
        members=pl.len().cast(pl.Int64),
        gross=pl.col("delivers").sum(),
        multilateral_net=pl.col("net").clip(lower_bound=0).sum(),
    )
    return (
        by_pair.join(by_member, on=GROUP, validate="1:1")
        .sort(GROUP)
        .with_columns(
            bilateral_efficiency_ppm=_saved_ppm("bilateral_net"),
            multilateral_efficiency_ppm=_saved_ppm("multilateral_net"),
        )
    )


def _saved_ppm(net: str) -> pl.Expr:
    """floor(10^6 (G - N) / G), 0 where nothing was owed; the product needs more than 64 bits."""
    gross = pl.col("gross").cast(pl.Int128)
    return (PPM * (gross - pl.col(net)) // gross).fill_null(0).cast(pl.Int64)

"""How much a book can lose: value at risk and expected shortfall of a scenario P&L vector.

L = -P&L is the loss. The tail a is given in parts per million, so that ceil(n a) is exact: at 99 %
a is 10,000 ppm, and 500 scenarios have k = 5. A book that gains in its worst scenarios has a
negative VaR; nothing is floored at 0.

Two expected shortfalls are computed, and named wherever they appear:

- inclusive: the mean of the k largest losses, the VaR among them (as in ORE). Parts of it by
  position add up exactly.
- fractional: the mean over exactly the worst share a, the VaR entering with what is left of it
  (Acerbi and Tasche, On the coherence of expected shortfall, J. Banking & Finance 26, 2002).

They are equal where n a is whole. The mean of the losses beyond VaR, without VaR itself, is a third
one that some textbooks use; it is not computed here.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from udfs.risk.whole import PPM, Floats, Ints, divided, require_exact, whole

WEIGHT_UNIT = 10**12
"""Weights of scenarios are whole numbers of this fraction of 1."""


@dataclass(frozen=True)
class Tail:
    """VaR and both shortfalls of a P&L vector, in its own unit.

    Attributes:
        var: The smallest loss that the worst share a is made of; None without a usable scenario.
        es_inclusive: Mean of the losses down to VaR's; None for unequal weights.
        es_fractional: Mean over exactly the share a.
        rank: How many losses the tail has: VaR is the rank-th largest.
        tail_sum: Sum of these losses, exact.
        scenarios: How many scenarios were usable.
        unusable: How many were not (NaN or infinite); they were left out.
        incomplete: Why the numbers are not to be relied on; empty if they are.
    """

    var: int | None
    es_inclusive: int | None
    es_fractional: int | None
    rank: int
    tail_sum: int
    scenarios: int
    unusable: int
    incomplete: tuple[str, ...]


def rank_of(scenarios: int, tail_ppm: int) -> int:
    """How many losses the tail has: k = ceil(n a), exact.

    Raises:
        ValueError: The tail is not between 0 and 1.
    """
    if not 0 < tail_ppm < PPM:
        raise ValueError("the tail is given in ppm, between 0 and 1,000,000: 10,000 for 99 %")
    return -(-scenarios * tail_ppm // PPM)


def historical(pnl: ArrayLike, tail_ppm: int = 10_000) -> Tail:
    """VaR and ES of equally weighted scenarios, each rounded to whole units, halves up.

    Args:
        pnl: Shape (n,): P&L in whole units (minor units, say), losses negative.
        tail_ppm: 1 - confidence in parts per million.

    Raises:
        OverflowError: A P&L is 2^53 or more in magnitude.
        ValueError: A P&L has a fraction, or the tail is not between 0 and 1.
    """
    usable, unusable = _usable(pnl)
    n = usable.size
    k = rank_of(n, tail_ppm)
    reasons = _reasons(unusable, n, too_few=n * tail_ppm < PPM)
    if n == 0:
        return Tail(None, None, None, 0, 0, 0, unusable, reasons)
    worst = np.partition(usable, k - 1)[:k]
    var = -int(worst[k - 1])
    tail_sum = -sum(int(loss) for loss in worst.tolist())
    beyond = tail_sum * PPM - (k * PPM - n * tail_ppm) * var
    return Tail(
        var=var,
        es_inclusive=divided(tail_sum, k),
        es_fractional=divided(beyond, n * tail_ppm),
        rank=k,
        tail_sum=tail_sum,
        scenarios=n,
        unusable=unusable,
        incomplete=reasons,
    )


def age_weights(scenarios: int, decay: float) -> Ints:
    """Weights that fall with age: w_i = l^(n-i) (1-l) / (1-l^n), i = n the newest.

    Boudoukh, Richardson and Whitelaw, The best of both worlds, Risk 11 (1998). Rounded to whole
    parts of WEIGHT_UNIT, so that sums of them do not depend on their order.

    Args:
        scenarios: n, at least 1.
        decay: l, above 0 and at most 1; 1 weighs all alike.

    Returns:
        Shape (n,), oldest first.

    Raises:
        ValueError: The decay is out of range.
    """
    if not 0 < decay <= 1:
        raise ValueError("a decay is above 0 and at most 1")
    powers = np.cumprod(np.concatenate([[1.0], np.full(scenarios - 1, decay)]))[::-1]
    unit = 1 / scenarios if decay == 1 else (1 - decay) / (1 - powers[0] * decay)
    weights: Ints = np.rint(powers * unit * WEIGHT_UNIT).astype(np.int64)
    return weights


def weighted(pnl: ArrayLike, weights: ArrayLike, tail_ppm: int = 10_000) -> Tail:
    """VaR and fractional ES of scenarios that count unequally.

    The worst losses are taken until their weight reaches the share a of the whole; the last of them
    is VaR, and enters ES with the weight still missing: ES = [sum w L + (a - sum w) VaR] / a.

    Args:
        pnl: Shape (n,): P&L in whole units.
        weights: Shape (n,): whole numbers >= 0, not all 0 (`age_weights`). Their unit is free.
        tail_ppm: 1 - confidence in parts per million.

    Raises:
        OverflowError: A P&L is 2^53 or more in magnitude.
        ValueError: A P&L has a fraction, or a weight is negative.
    """
    values = np.asarray(pnl, dtype=np.float64)
    kept = np.isfinite(values)
    usable, unusable = _usable(values)
    share = np.asarray(weights, dtype=np.int64)[kept]
    if share.size and int(share.min()) < 0:
        raise ValueError("weights are whole numbers >= 0")
    rank_of(0, tail_ppm)
    order = np.argsort(usable, kind="stable")
    order = order[share[order] > 0]
    if order.size == 0:
        return Tail(None, None, None, 0, 0, 0, unusable, _reasons(unusable, 0, too_few=True))
    losses = [-int(value) for value in usable[order].tolist()]
    counts = [int(count) for count in share[order].tolist()]
    wanted = sum(counts) * tail_ppm
    rank, full, taken = 0, 0, 0
    while (taken + counts[rank]) * PPM < wanted:
        taken += counts[rank]
        full += counts[rank] * losses[rank]
        rank += 1
    var = losses[rank]
    too_few = rank == 0 and counts[0] * PPM > wanted
    return Tail(
        var=var,
        es_inclusive=None,
        es_fractional=divided(full * PPM + (wanted - taken * PPM) * var, wanted),
        rank=rank + 1,
        tail_sum=sum(losses[: rank + 1]),
        scenarios=len(losses),
        unusable=unusable,
        incomplete=_reasons(unusable, len(losses), too_few=too_few),
    )


def age_weighted(pnl: ArrayLike, tail_ppm: int = 10_000, decay: float = 0.995) -> Tail:
    """VaR and fractional ES with weights that fall with the age of a scenario, oldest first."""
    values = np.asarray(pnl, dtype=np.float64)
    return weighted(values, age_weights(values.size, decay) if values.size else [], tail_ppm)


def volatility_scaled(changes: ArrayLike, sigma: ArrayLike, sigma_now: ArrayLike) -> Floats:
    """Changes as they would be at today's volatility: change_i * sigma_now / sigma_i.

    Hull and White, Incorporating volatility updating into the historical simulation method, J. of
    Risk 1 (1998). Of returns or price changes by factor, with `ewma.variances` for sigma; or of the
    P&L of a book by the volatility of that P&L, which then goes through `whole`.

    Args:
        changes: Shape (n, factors) or (n,).
        sigma: The same shape: the volatility estimated for that day.
        sigma_now: Shape (factors,) or (): today's.

    Returns:
        Shape of `changes`; NaN where a volatility is not above 0 and finite, so that `historical`
        counts it.
    """
    then, now = np.asarray(sigma, dtype=np.float64), np.asarray(sigma_now, dtype=np.float64)
    good = (then > 0) & (now > 0) & np.isfinite(then) & np.isfinite(now)
    ratio = np.full(good.shape, np.nan)
    np.divide(now, then, out=ratio, where=good)
    scaled: Floats = np.asarray(changes, dtype=np.float64) * ratio
    return scaled


def volatility_scaled_tail(
    pnl: ArrayLike, sigma: ArrayLike, sigma_now: float, tail_ppm: int = 10_000
) -> Tail:
    """VaR and ES of a book's P&L vector brought to today's volatility, rounded to whole units."""
    return historical(whole(volatility_scaled(pnl, sigma, sigma_now)), tail_ppm)


def _usable(pnl: ArrayLike) -> tuple[Floats, int]:
    """The finite values, checked, and how many are not finite."""
    values = np.asarray(pnl, dtype=np.float64)
    kept = values[np.isfinite(values)]
    require_exact(kept)
    return kept, values.size - kept.size


def _reasons(unusable: int, scenarios: int, *, too_few: bool) -> tuple[str, ...]:
    """What is wrong with a tail, in words."""
    reasons = []
    if unusable:
        reasons.append(f"scenarios not finite: {unusable}")
    if too_few:
        reasons.append(f"too few scenarios for this tail: {scenarios}")
    return tuple(reasons)

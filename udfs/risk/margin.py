"""What a counterparty must post, what its collateral counts for, and what is called or returned.

All amounts are whole minor units of one currency. Roundings go against the poster: collateral is
rounded down, requirements up, calls up and returns down.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from udfs.risk.integers import Bools, Ints, ints, mul_div_up, plus, round_up, sums

PPM = 1_000_000


def initial_margin(
    scenario: npt.ArrayLike,
    stress: npt.ArrayLike,
    *,
    weight_ppm: int = PPM,
    liquidity: npt.ArrayLike = 0,
    concentration: npt.ArrayLike = 0,
) -> Ints:
    """Initial margin of each account from its losses in scenarios, never below zero.

    Formula, of the form of CME's SPAN 2: x * scenario + (1 - x) * stress + liquidity +
    concentration, rounded up. `scenario` is a historical VaR or ES; central counterparties take 99
    to 99.5 % over two days (`worst_of` for several look-back periods).

    Args:
        scenario: Loss of each account, positive, minor units, shape (accounts,).
        stress: Loss in the stress scenarios.
        weight_ppm: x, in parts per million; all on `scenario` by default.
        liquidity: Cost of closing out in a thin market.
        concentration: Add-on for large positions.

    Raises:
        ValueError: A weight outside 0 to 1.
    """
    if not 0 <= weight_ppm <= PPM:
        raise ValueError(f"weight_ppm {weight_ppm} is not between 0 and {PPM}")
    loss, worst = np.broadcast_arrays(ints(scenario), ints(stress))
    # stress + x (scenario - stress), rounded up
    blended = plus(worst, mul_div_up(plus(loss, -worst), weight_ppm, PPM))
    return np.maximum(plus(blended, liquidity, concentration), 0)


def worst_of(*margins: npt.ArrayLike) -> Ints:
    """The largest of several measures, account by account: two and ten years at LME Clear."""
    result: Ints = np.max(np.broadcast_arrays(*(ints(m) for m in margins)), axis=0)
    return result


def variation_margin(settled: npt.ArrayLike, value: npt.ArrayLike) -> Ints:
    """What each account owes since it was last settled: the fall of its positions' worth.

    Args:
        settled: Worth at the marks up to which variation margin was exchanged, minor units.
        value: Worth now, and whatever cash the positions paid out since.

    Returns:
        Minor units; negative where the account gained and is owed.
    """
    return plus(settled, -ints(value))


def collateral_value(
    amount: npt.ArrayLike,
    haircut_ppm: npt.ArrayLike,
    *,
    currency_haircut_ppm: npt.ArrayLike = 0,
) -> Ints:
    """What posted collateral counts for: amount * (1 - haircut - currency haircut), rounded down.

    Haircuts are configuration. The standard ones of Basel II and III (for example Central Bank of
    Bahrain, CA-4.3.7 and 4.3.8) are 0.5, 2 and 4 % for AAA to AA- sovereigns up to 1, 5 and more
    years, 15 % for main index equities and gold, 0 for cash, and 8 % more where the currency is not
    that of the exposure.

    Args:
        amount: Market value in minor units of the margin currency, not negative.
        haircut_ppm: Haircut of each, parts per million.
        currency_haircut_ppm: Added where the collateral is in another currency.

    Returns:
        Minor units; 0 where the haircuts reach 100 %.

    Raises:
        ValueError: An amount is negative.
    """
    cut = np.clip(plus(haircut_ppm, currency_haircut_ppm), 0, PPM)
    posted = ints(amount)
    if np.any(posted < 0):
        raise ValueError("collateral of a negative amount is none")
    return posted - mul_div_up(posted, cut, PPM)


def collateral_by_account(value: npt.ArrayLike, account: npt.ArrayLike, accounts: int) -> Ints:
    """The haircut values of each account's collateral added up, minor units, (accounts,)."""
    return sums(value, account, accounts)


@dataclass(frozen=True)
class Calls:
    """What moves; int64 minor units of shape (accounts,), at most one of the first two not zero.

    Attributes:
        call: To be posted now: a multiple of the rounding amount.
        returned: To be given back now: the same.
        required: Initial and variation margin above the threshold, at least zero.
        deficit: required - collateral; negative for an excess.
        uncalled: Deficit that is below the minimum transfer amount and stays open.
        complete: Whether everything the requirement rests on was known.
    """

    call: Ints
    returned: Ints
    required: Ints
    deficit: Ints
    uncalled: Ints
    complete: Bools


def calls(
    initial: npt.ArrayLike,
    variation: npt.ArrayLike,
    collateral: npt.ArrayLike,
    *,
    minimum_transfer: npt.ArrayLike = 0,
    rounding: npt.ArrayLike = 1,
    threshold: npt.ArrayLike = 0,
    complete: npt.ArrayLike = True,
) -> Calls:
    """Margin calls and returns, one currency, one call a period.

    Formula: deficit = max(0, IM + VM - threshold) - collateral after haircut. A deficit or excess
    moves if it equals or exceeds the minimum transfer amount (ISDA 1994 Credit Support Annex, New
    York law, paragraph 3); then calls are rounded up and returns down to a multiple of the rounding
    amount (paragraph 13). A requirement that is not complete can call, but returns nothing.

    Args:
        initial: Initial margin by account, minor units, shape (accounts,).
        variation: Variation margin; negative where the account is owed.
        collateral: Value after haircut of what is held.
        minimum_transfer: Least amount that moves.
        rounding: Amounts that move are multiples of it, at least 1.
        threshold: Requirement below which nothing is asked for.
        complete: Whether marks, rates and losses behind the requirement were all there.

    Raises:
        ValueError: A rounding amount below 1, or a minimum transfer amount or threshold below 0.
    """
    step, least, free = ints(rounding), ints(minimum_transfer), ints(threshold)
    if np.any(step < 1) or np.any(least < 0) or np.any(free < 0):
        raise ValueError("rounding is at least 1, minimum transfer and threshold at least 0")
    required = np.maximum(plus(initial, variation, -free), 0)
    deficit = plus(required, -ints(collateral))
    known = np.broadcast_to(np.asarray(complete, np.bool_), deficit.shape)
    moves = np.abs(deficit) >= least
    call = np.where(moves & (deficit > 0), round_up(deficit, step), 0)
    back = np.where(moves & (deficit < 0) & known, -deficit // step * step, 0)
    uncalled = np.where(~moves & (deficit > 0), deficit, 0)
    return Calls(call, back, required, deficit, uncalled, known)

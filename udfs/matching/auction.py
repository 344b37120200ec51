"""The price of an auction: where most is traded."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Uncrossing(NamedTuple):
    """What an auction comes to.

    Attributes:
        price: All its trades have it, price units.
        volume: Pieces that trade.
        surplus: Pieces to buy that are left at it, less those to sell.
    """

    price: int
    volume: int
    surplus: int


def uncrossing(
    bids: Iterable[tuple[int, int]],
    asks: Iterable[tuple[int, int]],
    market: tuple[int, int],
    reference: int,
    tick: int = 1,
) -> Uncrossing | None:
    """The price that trades most, then leaves least, then follows the surplus, then the reference.

    Candidates are the limits and a reference price on tick. Where all that are left have a surplus
    to buy the highest is taken, where all have one to sell the lowest; else the nearest to the
    reference, of two as near the lower. Without a reference the middle of them stands for it.

    Args:
        bids: Limit and pieces of orders to buy.
        asks: The same to sell.
        market: Pieces to buy and to sell at any price.
        reference: Reference price; 0 if there is none.
        tick: Smallest step of a price, price units.

    Returns:
        None if nothing trades.
    """
    buys, sells = _sums(bids), _sums(asks)
    prices = sorted({*buys, *sells, *([reference] if reference and not reference % tick else [])})
    if not prices:
        return None
    wanted, offered = [0] * len(prices), [0] * len(prices)
    total = market[0]
    for i in reversed(range(len(prices))):
        total += buys.get(prices[i], 0)
        wanted[i] = total
    total = market[1]
    for i, price in enumerate(prices):
        total += sells.get(price, 0)
        offered[i] = total
    found = [
        Uncrossing(price, min(buy, sell), buy - sell)
        for price, buy, sell in zip(prices, wanted, offered, strict=True)
    ]
    volume = max(one.volume for one in found)
    return _chosen([one for one in found if one.volume == volume], reference) if volume else None


def _chosen(found: Sequence[Uncrossing], reference: int) -> Uncrossing:
    """Of candidates in order of price that trade as much."""
    least = min(abs(one.surplus) for one in found)
    found = [one for one in found if abs(one.surplus) == least]
    if all(one.surplus > 0 for one in found):
        return found[-1]
    if all(one.surplus < 0 for one in found):
        return found[0]
    near = reference or (found[0].price + found[-1].price) // 2
    return min(found, key=lambda one: (abs(one.price - near), one.price))


def _sums(orders: Iterable[tuple[int, int]]) -> dict[int, int]:
    sums: dict[int, int] = {}
    for price, quantity in orders:
        sums[price] = sums.get(price, 0) + quantity
    return sums

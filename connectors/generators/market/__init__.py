"""Seeded markets: who trades what where, and a world of quotes, fills and prices with a history.

`parties` holds members, books and equities; `factors` how markets move; `instruments` what is
quoted; `pricing` what it is worth; `history` the days before; `ticks` the day itself; `world` the
feed.
"""

from connectors.generators.market.parties import Market

__all__ = ["Market"]

"""How much of what a simulation has in it: the mixes, by name."""

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Mix:
    """What is to be simulated.

    Attributes:
        name: As in default.
        orders: Orders in all, each with its whole life: labelled transactions.
        shares: Share of the orders that belong to a practice.
        unseen: Parameters lie outside, or at the far end of, those that models are trained on, and
            people are others.
    """

    name: str
    orders: int
    shares: Mapping[str, float]
    unseen: bool = False

    @property
    def pool(self) -> str:
        """Which people there are."""
        return "unseen" if self.unseen else "seen"

    def of(self, orders: int | None) -> "Mix":
        """The same with another number of orders."""
        return self if orders is None else replace(self, orders=orders)


_ASKED = {"spoofing": 0.05, "wash-trade": 0.03, "layering": 0.02}
_OTHERS = {
    "matched-orders": 0.006,
    "painting-the-tape": 0.006,
    "ramping": 0.006,
    "marking-the-close": 0.006,
    "quote-stuffing": 0.02,
    "momentum-ignition": 0.006,
    "smoking": 0.006,
    "front-running": 0.006,
    "cross-venue": 0.006,
    "cross-product": 0.006,
}
MIXES: Mapping[str, Mix] = {
    mix.name: mix
    for mix in [
        Mix("default", 100_000, _ASKED),
        Mix("hard", 100_000, {"spoofing": 0.0004, "wash-trade": 0.0003, "layering": 0.0003}),
        Mix("unseen", 100_000, _ASKED, unseen=True),
        Mix("practices", 100_000, {**{name: 0.015 for name in _ASKED}, **_OTHERS}),
        Mix(
            "practices-unseen",
            100_000,
            {**{name: 0.015 for name in _ASKED}, **_OTHERS},
            unseen=True,
        ),
        Mix("honest", 100_000, {}),
    ]
}
"""default is 5 % spoofing, 3 % wash trades, 2 % layering; hard has 0.1 % in all; practices has each
practice there is."""


def mix_of(name: str) -> Mix:
    """The mix of that name.

    Raises:
        ValueError: There is none.
    """
    if name not in MIXES:
        raise ValueError(f"there is no mix {name!r}: {', '.join(MIXES)}")
    return MIXES[name]

"""Who trades: members, market makers, funds, private owners, and which owners act together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from connectors.generators.draw import codes, stream
from schemas.ids import lei_check_digits


class Party(NamedTuple):
    """Under whose names an order is sent; the fields of Order."""

    member: str
    client: str
    owner: str
    trader: str
    executor: str
    capacity: str
    liquidity_provision: bool


@dataclass(frozen=True)
class Parties:
    """The people of a seeded exchange.

    Attributes:
        makers: Market makers under an agreement.
        funds: Institutions that work large orders through a member's algorithms.
        public: Private and small professional owners, the most active first; abusers are found
            among them, so that nobody is known by the name.
        groups: Owners that are told to act together (OwnerLink), each a few of the public.
    """

    makers: Sequence[Party]
    funds: Sequence[Party]
    public: Sequence[Party]
    groups: Sequence[tuple[Party, ...]]

    @classmethod
    def of(cls, seed: int, pool: str, public: int = 900, groups: int = 120) -> "Parties":
        """Draw them; another `pool` has other people under the same seed."""
        rng = stream(seed, f"exchange parties {pool}")
        leis = [lei(code) for code in codes(rng, 70, 16)]
        members, houses, clients = leis[:20], leis[20:32], leis[32:]
        words = codes(rng, public + 200, 8)
        makers = [
            Party(
                house,
                house,
                f"O-{words[i]}",
                f"ALGO-{words[i][:5]}",
                f"ALGO-{words[i][:5]}",
                "DEAL",
                True,
            )
            for i, house in enumerate(houses)
        ]
        funds = []
        for i, client in enumerate(clients):
            word = words[20 + i]
            member = members[int(rng.integers(len(members)))]
            funds.append(
                Party(
                    member, client, f"O-{word}", f"T-{word}", f"ALGO-{member[4:9]}", "AOTC", False
                )
            )
        people = []
        for word in words[200:]:
            member = members[int(rng.integers(len(members)))]
            people.append(
                Party(member, member, f"O-{word}", f"T-{word}", f"T-{word}", "AOTC", False)
            )
        return cls(makers, funds, people, _groups(rng, people, groups))


def _groups(
    rng: np.random.Generator, people: Sequence[Party], groups: int
) -> list[tuple[Party, ...]]:
    """Disjoint groups of two to four owners."""
    order = rng.permutation(len(people)).tolist()
    found = []
    for _ in range(groups):
        size = int(rng.integers(2, 5))
        found.append(tuple(people[order.pop()] for _ in range(size)))
    return found


def lei(code: str) -> str:
    """The LEI of 16 characters of a code: prefix 9999, which no issuer has, and check digits."""
    body = f"9999{code[2:]}"
    return body + lei_check_digits(body)

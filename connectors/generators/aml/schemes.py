"""All schemes of a world: how many of each kind, who takes part, and what is to be found.

A kind is named after the rule or shape that must find it, as far as there is one for it alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from connectors.generators.aml import cash, flows, motifs
from connectors.generators.aml.people import Bank
from connectors.generators.aml.ring import collectors, ring
from connectors.generators.aml.stage import SUBJECT, Laid, Stage
from connectors.generators.aml.units import UNIT, payment_ids
from connectors.generators.draw import stream

LISTED = 1_000
"""A label names at most so many postings."""
RING = "ring"
_DORMANT = "dormant-wake-up"
LEAST_DAYS = 7
"""Days that a world with schemes has at least."""


@dataclass(frozen=True)
class Kind:
    """One kind of scheme.

    Attributes:
        lay: Lays one out.
        covered: Covered members it takes at most.
        silent: Silent members it takes.
        mean: Members it takes on average.
    """

    lay: Callable[[Stage], Laid]
    covered: int
    silent: int
    mean: float


KINDS: Mapping[str, Kind] = {
    "structuring-near": Kind(cash.structuring_near, 1, 0, 1),
    "structuring-spread": Kind(cash.structuring_spread, 1, 0, 1),
    "micro-structuring": Kind(cash.micro_structuring, 1, 0, 1),
    "smurfing": Kind(cash.smurfing, 10, 0, 7.5),
    "consolidation": Kind(cash.consolidation, 0, 1, 1),
    "funnel-account": Kind(cash.funnel_account, 8, 1, 7),
    "pass-through": Kind(flows.pass_through, 0, 1, 1),
    "dormant-wake-up": Kind(flows.dormant, 0, 1, 1),
    "velocity": Kind(flows.velocity, 0, 1, 1),
    "round-amounts": Kind(flows.round_amounts, 0, 1, 1),
    "time-of-day": Kind(flows.time_of_day, 0, 1, 1),
    "impossible-travel": Kind(flows.impossible_travel, 1, 0, 1),
    "high-risk-corridor": Kind(flows.corridor, 0, 1, 1),
    "fan-in": Kind(motifs.fan_in, 17, 0, 9.5),
    "fan-out": Kind(motifs.fan_out, 17, 0, 8.5),
    "gather-scatter": Kind(motifs.gather_scatter, 29, 0, 16),
    "scatter-gather": Kind(motifs.scatter_gather, 18, 0, 9.5),
    "cycle": Kind(motifs.cycle, 10, 0, 4),
    "bipartite": Kind(motifs.bipartite, 8, 0, 6.4),
    "stack": Kind(motifs.stack, 11, 0, 8.4),
    "random": Kind(motifs.random_walk, 11, 0, 6.6),
}


@dataclass(frozen=True)
class Wanted:
    """Which schemes a world shall have.

    Attributes:
        rate: Share of accounts whose owners launder; kinds that the world is long enough for take
            turns.
        counts: Or exactly so many of each kind; then the rate does not matter.
        ring: People in one ring who structure; 0: there is none.
    """

    rate: float = 0.001
    counts: Mapping[str, int] | None = None
    ring: int = 0

    def __post_init__(self) -> None:
        """Refuse what makes no sense, in words for whoever typed it."""
        if not 0.0 <= self.rate <= 0.1:
            raise ValueError(f"share of laundering accounts is {self.rate:g}: 0 to 0.1 is asked")
        unknown = (self.counts or {}).keys() - KINDS.keys()
        if unknown:
            raise ValueError(f"no scheme is called {min(unknown)}: there are {', '.join(KINDS)}")
        if min([self.ring, *(self.counts or {}).values()]) < 0:
            raise ValueError("the number of schemes of a kind is 0 or more")

    @classmethod
    def parse(cls, text: str) -> "Wanted":
        """Read `0.002` (a share of accounts) or `smurfing=3,ring=1000` (exactly these).

        Example:
            >>> Wanted.parse("cycle=2,ring=1000").ring
            1000
        """
        try:
            if "=" not in text:
                return cls(rate=float(text))
            counts = {
                name.strip(): int(number)
                for name, _, number in (part.partition("=") for part in text.split(","))
            }
        except ValueError:
            raise ValueError(f"schemes {text!r}: a share or KIND=NUMBER,... is asked") from None
        return cls(counts=counts, ring=counts.pop(RING, 0))

    def of(self, seed: int, accounts: float, start: int, days: int) -> dict[str, int]:
        """How many schemes of each kind a world has, so many accounts on so many days from `start`.

        Raises:
            ValueError: The world is too short for what is asked for.
        """
        found = {kind: n for kind, n in (self.counts or {}).items() if n}
        if (found or self.ring or (self.counts is None and self.rate)) and days < LEAST_DAYS:
            raise ValueError(f"days is {days}: schemes need at least {LEAST_DAYS}")
        if _DORMANT in found and days < flows.DORMANT_DAYS:
            raise ValueError(
                f"days is {days}: to fall asleep and wake up takes {flows.DORMANT_DAYS}"
            )
        if self.counts is not None:
            return found
        no_room = {_DORMANT: days < flows.DORMANT_DAYS}
        no_room["time-of-day"] = not len(flows.month_ends(start, days))
        kinds = [kind for kind in KINDS if not no_room.get(kind, False)]
        members, order = 0.0, stream(seed, "aml kinds").permutation(np.array(kinds)).tolist()
        while members < self.rate * accounts:
            kind = order[sum(found.values()) % len(order)]
            found[kind] = found.get(kind, 0) + 1
            members += KINDS[kind].mean
        return found

    def pool(self, counts: Mapping[str, int]) -> tuple[int, int]:
        """Covered and silent members to set aside."""
        covered = sum(KINDS[kind].covered * n for kind, n in counts.items())
        if self.ring:
            covered += 1 + collectors(self.ring) + self.ring
        return covered, sum(KINDS[kind].silent * n for kind, n in counts.items())


@dataclass(frozen=True)
class Schemes:
    """What was laid out.

    Attributes:
        moves: All payments of schemes and their cover, in order of time and numbered from 0.
        labels: A row for each member of each scheme, in order of `at`, its last posting's time.
        opened: When members' accounts were opened for it, by member, microseconds UTC.
    """

    moves: pl.DataFrame
    labels: pl.DataFrame
    opened: Mapping[int, int]

    @classmethod
    def lay(
        cls,
        seed: int,
        bank: Bank,
        start: int,
        days: int,
        counts: Mapping[str, int],
        depositors: int,
    ) -> "Schemes":
        """Lay out so many schemes of each kind, and a ring if it has depositors."""
        stage = Stage(stream(seed, "aml schemes"), bank, start, days)
        laid = [(kind, KINDS[kind].lay(stage)) for kind, n in counts.items() for _ in range(n)]
        if depositors:
            laid.append((RING, ring(stage, depositors)))
        frames, roles = [pl.DataFrame(schema=UNIT).with_columns(_scheme(0))], []
        opened: dict[int, int] = {}
        for number, (kind, scheme) in enumerate(laid, 1):
            frames += [frame.with_columns(_scheme(number)) for frame in scheme.moves]
            frames += [frame.with_columns(_scheme(0)) for frame in scheme.cover]
            roles += [(number, kind, member, role) for member, role in scheme.roles.items()]
            opened |= scheme.opened
        moves = pl.concat(frames).sort("at", maintain_order=True)
        moves = moves.with_columns(number=pl.int_range(moves.height, dtype=pl.Int64))
        schema = {"scheme": pl.Int64, "kind": pl.String, "member": pl.Int64, "role": pl.String}
        members = pl.DataFrame(roles, schema=schema, orient="row")
        return cls(moves.select(*UNIT), _labels(seed, bank, moves, members), opened)


def _scheme(number: int) -> pl.Expr:
    """The scheme a payment is part of; 0: it is cover."""
    return pl.lit(number, pl.Int64).alias("scheme")


def _labels(seed: int, bank: Bank, moves: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """Members with their postings; for those who only hand over cash, the ones that name them."""
    moves = moves.with_columns(payment_id=payment_ids(seed, moves["number"].to_numpy()))
    from_ours = pl.col("debtor_account") < bank.customer_accounts
    to_ours = pl.col("creditor_account") < bank.customer_accounts
    sides = [("debtor", from_ours, "-D"), ("creditor", to_ours, "-C"), ("debtor", ~from_ours, "-C")]
    postings = pl.concat(
        moves.filter(counted).select(
            "scheme", "at", member=pl.col(side), posting=pl.col("payment_id") + pl.lit(suffix)
        )
        for side, counted, suffix in sides
    )
    found = (
        members.join(postings, on=["scheme", "member"], maintain_order="left_right")
        .group_by("scheme", "kind", "member", "role", maintain_order=True)
        .agg(
            first_time=pl.col("at").min(),
            last_time=pl.col("at").max(),
            postings=pl.col("posting").sort_by("at").head(LISTED).str.join(";"),
            posting_count=pl.len().cast(pl.Int64),
        )
    )
    name = pl.concat_str(pl.lit(f"S{seed}-"), pl.col("scheme").cast(pl.String).str.zfill(5))
    return found.with_columns(at="last_time", scheme=name).sort("at", maintain_order=True)


__all__ = ["KINDS", "LISTED", "RING", "SUBJECT", "Kind", "Schemes", "Wanted"]

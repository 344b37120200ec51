"""What may be chosen about each shape, with defaults; a rule set names it under `motifs`."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from udfs.aml.rule import WHOLE, Band, RuleParams

DAY_S = 86_400
LONGEST_S = 9 * DAY_S
"""Edges of so long are remembered; no window may be longer."""

Ppm = Annotated[int, Field(ge=0, le=WHOLE)]
_BANDS = ("LOW", "MEDIUM", "HIGH")


def _bands(low: int, medium: int, high: int) -> tuple[Band, ...]:
    return (
        Band(name="LOW", at_least=low, score=400_000),
        Band(name="MEDIUM", at_least=medium, score=600_000),
        Band(name="HIGH", at_least=high, score=850_000),
    )


class Motif(RuleParams):
    """What every shape lets one choose.

    `bands` are over the shape's size, the first is its threshold. A shape that was not met again
    for `cool_down_s`, at least for its window, is over: what comes later is a new one.

    Attributes:
        window_s: All edges of a shape lie in (t - window_s, t], t the time of its last edge.
        new_only: Only edges between parties count that had no dealings before the window.
    """

    window_s: Annotated[int, Field(ge=1, le=LONGEST_S)] = 4 * DAY_S
    new_only: bool = True

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        named = [_BANDS.index(band.name) for band in self.bands]
        if named != sorted(set(named)):
            raise ValueError("name each band once, in order LOW, MEDIUM, HIGH")
        return self

    @property
    def window(self) -> int:
        """The window in microseconds."""
        return self.window_s * 1_000_000

    @property
    def threshold(self) -> int:
        """The size from which on the shape is reported."""
        return self.bands[0].at_least

    @property
    def closed_after(self) -> int:
        """Microseconds after which a shape that was not met again is over."""
        return max(self.window_s, self.cool_down_s) * 1_000_000


class Fan(Motif):
    """Fan-in or fan-out; the size is the number of different new counterparties.

    Attributes:
        burst_ppm: Least number of new counterparties as a multiple of what the hub had in as long a
            time before; a shop has new ones all the time.
    """

    bands: tuple[Band, ...] = _bands(5, 8, 12)
    burst_ppm: Annotated[int, Field(ge=0, le=10 * WHOLE)] = 5_000_000


class GatherScatter(Motif):
    """Fan-in and then fan-out of one node; the size is the smaller number of counterparties.

    Attributes:
        passed_ppm: Least share of what was gathered that is scattered.
    """

    window_s: Annotated[int, Field(ge=1, le=LONGEST_S)] = LONGEST_S
    bands: tuple[Band, ...] = _bands(3, 5, 8)
    passed_ppm: Ppm = 500_000


class ScatterGather(Motif):
    """One node over several middlemen to another; the size is the number of middlemen.

    Attributes:
        passed_ppm: Least share of what came to a middleman that he passes on.
        rise_ppm: Most by which he passes on more, because conversion rounds.
    """

    bands: tuple[Band, ...] = _bands(3, 5, 8)
    passed_ppm: Ppm = 500_000
    rise_ppm: Ppm = 10_000


class Chain(Motif):
    """Cycle or walk; the size is the number of hops.

    Attributes:
        longest: Most hops of a chain.
        fall_ppm: Most by which the amount falls in a hop.
        rise_ppm: Most by which it rises, because conversion rounds.
    """

    new_only: bool = False
    longest: Annotated[int, Field(ge=2, le=16)] = 10
    fall_ppm: Ppm = 100_000
    rise_ppm: Ppm = 1_000


class Cycle(Chain):
    """Money that comes back to where it began."""

    bands: tuple[Band, ...] = _bands(3, 4, 6)


class Walk(Chain):
    """Money that moves on without return; off, as ordinary payments are full of it."""

    enabled: bool = False
    bands: tuple[Band, ...] = _bands(5, 7, 9)


class Layers(Motif):
    """Sets that pay sets; the size is the number of pairs that paid."""


class Bipartite(Layers):
    """One set that pays another."""

    bands: tuple[Band, ...] = _bands(6, 9, 12)


class Stack(Layers):
    """One set that pays another that pays a third."""

    bands: tuple[Band, ...] = _bands(8, 12, 18)


class Common(BaseModel):
    """What all shapes share.

    Attributes:
        floor: Edges count only above this, minor units of the base currency; 1,000 dollars is from
            where on the FATF asks for a transfer's parties (recommendation 16).
        memory_s: Two parties that had no dealings for so long are new to each other; more than a
            month, or each salary and rent would be new.
        learn_s: So long after the first edge nothing is reported that rests on who is new to whom:
            a log begins with everybody new, and each first salary and rent makes a fan. 0 shows all
            and bears with those.
        growth_ppm: A shape is reported again when its size is so many millionths of the one last
            reported.
        ends: Most edges looked at around a node in one direction, the newest ones.
        paths: Most chains followed at once back from one edge.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    floor: Annotated[int, Field(ge=0, le=10**15)] = 100_000
    memory_s: Annotated[int, Field(ge=LONGEST_S, le=400 * DAY_S)] = 45 * DAY_S
    learn_s: Annotated[int, Field(ge=0, le=400 * DAY_S)] = 0
    growth_ppm: Annotated[int, Field(gt=WHOLE, le=100 * WHOLE)] = 1_500_000
    ends: Annotated[int, Field(ge=2, le=1_000)] = 64
    paths: Annotated[int, Field(ge=1, le=10_000)] = 64


COMMON = "common"
MOTIFS: Mapping[str, type[BaseModel]] = {
    COMMON: Common,
    "fan-in": Fan,
    "fan-out": Fan,
    "gather-scatter": GatherScatter,
    "scatter-gather": ScatterGather,
    "cycle": Cycle,
    "bipartite": Bipartite,
    "stack": Stack,
    "walk": Walk,
}
"""What a rule set may say under `motifs`; a shape that it does not list is not looked for."""


class Params(Common):
    """How the stage runs: what all shapes share, and each shape."""

    fan_in: Fan = Fan()
    fan_out: Fan = Fan()
    gather_scatter: GatherScatter = GatherScatter()
    scatter_gather: ScatterGather = ScatterGather()
    cycle: Chain = Cycle()
    bipartite: Layers = Bipartite()
    stack: Layers = Stack()
    walk: Chain = Walk()

    @classmethod
    def of(cls, motifs: Mapping[str, Mapping[str, Any]]) -> "Params":
        """As a rule set says, which was checked by MOTIFS."""
        shapes = {
            name.replace("-", "_"): model.model_validate(motifs.get(name, {"enabled": False}))
            for name, model in MOTIFS.items()
            if name != COMMON
        }
        return cls.model_validate({**motifs.get(COMMON, {}), **shapes})

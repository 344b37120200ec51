"""What can be wrong with a stream on purpose, how often, and what a reader must make of it.

| kind                  | what is sent                                          | a reader      |
|-----------------------|-------------------------------------------------------|---------------|
| duplicate             | a real event once more, same bytes                    | drops it      |
| conflicting-duplicate | a real event once more, another body                  | dead letter   |
| out-of-order          | a real event, dated back by less than the lateness    | uses it       |
| late                  | a real event, dated before its partition's watermark  | marks it late |
| malformed             | one more message: cut off, random, wrong magic, empty | dead letter   |
| unknown-schema        | one more message under a schema id nobody knows       | dead letter   |
| out-of-range          | one more message that breaks a rule of its schema     | dead letter   |

No real event is ever lost, so the feeds of one run stay consistent whatever is injected: what
cannot be used is always an extra message, made from an event nearby. Some extra messages take a
sequence number of their own, which then never arrives: a reader remembers a gap. There are at most
`GAPS` of them in each topic partition.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

import polars as pl

GAPS = 256
"""Sequence numbers of a topic partition that extra messages may use up."""

_SHARES = {
    "duplicate": 0.30,
    "conflicting_duplicate": 0.10,
    "out_of_order": 0.25,
    "late": 0.15,
    "malformed": 0.10,
    "unknown_schema": 0.05,
    "out_of_range": 0.05,
}


@dataclass(frozen=True)
class Faults:
    """Shares of each topic's records to tamper with, by kind; and a partition to keep silent.

    Attributes:
        duplicate: Repeats with the same body.
        conflicting_duplicate: Repeats with another body.
        out_of_order: Events dated back, within the lateness.
        late: Events dated back beyond the lateness.
        malformed: Messages that do not decode.
        unknown_schema: Messages under an unknown schema id.
        out_of_range: Messages with a field out of bounds, or dated in 2099.
        idle: Partition that gets ticks only; business that would touch it does not happen.
    """

    duplicate: float = 0.0
    conflicting_duplicate: float = 0.0
    out_of_order: float = 0.0
    late: float = 0.0
    malformed: float = 0.0
    unknown_schema: float = 0.0
    out_of_range: float = 0.0
    idle: int | None = None

    def __post_init__(self) -> None:
        """Refuse shares that are none."""
        for kind, share in self.rates.items():
            if not 0.0 <= share <= 1.0:
                raise ValueError(f"share of {kind} is {share}: 0 to 1 is asked")
        if self.rate > 1.0:
            raise ValueError(f"shares of all faults add up to {self.rate:g}: at most 1 is asked")

    @classmethod
    def total(cls, rate: float, idle: int | None = None) -> "Faults":
        """Every kind at once: `rate` of the records in all, split in a fixed proportion."""
        if not 0.0 <= rate <= 1.0:
            raise ValueError(f"share of faults is {rate:g}: 0 to 1 is asked")
        return cls(**{name: rate * share for name, share in _SHARES.items()}, idle=idle)

    @classmethod
    def parse(cls, text: str) -> "Faults":
        """Read `0.01` (all kinds) or `late=0.01,duplicate=0.002` (only these), and `idle=3`.

        Example:
            >>> Faults.parse("late=0.01,idle=3").late
            0.01
        """
        named = dict(_named(part) for part in text.split(","))
        unknown = named.keys() - _SHARES.keys() - {"idle", "all"}
        if unknown or (named.keys() & _SHARES.keys() and "all" in named):
            kinds = ", ".join(name.replace("_", "-") for name in _SHARES)
            raise ValueError(
                f"faults {text!r}: a share of all, or KIND=SHARE,... with {kinds}; idle=PARTITION"
            )
        silent = named.pop("idle", None)
        if silent is not None and not silent.is_integer():
            raise ValueError(f"faults {text!r}: idle=PARTITION is a whole number")
        idle = None if silent is None else int(silent)
        return cls.total(named["all"], idle) if "all" in named else cls(**named, idle=idle)

    @property
    def rates(self) -> dict[str, float]:
        """Share by kind, kinds as labels name them."""
        return {
            f.name.replace("_", "-"): getattr(self, f.name)
            for f in fields(self)
            if f.name != "idle"
        }

    @property
    def rate(self) -> float:
        """Share of records that are tampered with in any way."""
        return sum(self.rates.values())


def _named(part: str) -> tuple[str, float]:
    """One item of the text form; a share without a name is that of all kinds."""
    name, equals, value = part.partition("=")
    try:
        return (name.strip().replace("-", "_"), float(value)) if equals else ("all", float(part))
    except ValueError:
        raise ValueError(f"faults {part!r}: a share or KIND=SHARE,... is asked") from None


@dataclass(frozen=True)
class Expected:
    """What a reader of one topic must count.

    Attributes:
        duplicates: Repeats with the same body.
        late: Used events that are marked as late.
        dead: Dead letters by the code their reason begins with.
    """

    duplicates: int
    late: int
    dead: Mapping[str, int]

    def used(self, sent: int) -> int:
        """Records of the `sent` ones (ticks apart) that reach the decision."""
        return sent - self.duplicates - sum(self.dead.values())


def expected_counts(labels: pl.DataFrame) -> dict[str, Expected]:
    """What a reader must count in each topic, from all labels of a run (columns of record Label).

    A label of an unusable message has the code of the reader's reason before the colon of its note.
    """
    if labels.is_empty():
        return {}
    code = pl.col("note").str.extract(r"^([a-z-]+):")
    counted = (
        labels.group_by("topic", "kind", code.alias("code")).len().sort("topic", "kind", "code")
    )
    return {
        topic: _expected(counted.filter(topic=topic).rows())
        for topic in counted["topic"].unique().sort()
    }


def _expected(rows: Iterable[tuple[str, str, str | None, int]]) -> Expected:
    duplicates = late = 0
    dead: dict[str, int] = {}
    for _, kind, code, n in rows:
        if kind == "duplicate":
            duplicates += n
        elif kind == "late":
            late += n
        elif kind != "out-of-order":
            dead[code or kind] = dead.get(code or kind, 0) + n
    return Expected(duplicates, late, dead)

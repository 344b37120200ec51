"""What models look at: how a customer's money moved on a day, in 7 and in 28 days up to it.

A day is one of UTC. It is closed by the first posting of the shard that counts on a later day; then
every customer who had a posting on it gets a row of features. So features are a function of the
postings in the order of business time, however the log was cut.

Every feature is a whole number from 0 to FULL, which float32 holds exactly: a model in ONNX sees
what was counted. Amounts are in whole units of the base currency, each posting rounded down.
Numbers of parties and of areas are bits set of 62, a bit a party by its CRC-32: exact for few,
too low for many, and as quick for a million postings as for ten.

State: the postings of the open day; one row a customer and day with postings, for 28 days.
"""

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from schemas.money import EXPONENTS
from schemas.step import State, TableSpec
from udfs.aml.rule import DAY

TODAY, OPEN, DAYS = (f"aml.model-score.{name}" for name in ("today", "open", "days"))
FULL = 8_388_607
"""The greatest value of a feature: 2^23 - 1."""
LONG, SHORT = 28, 7
"""Windows, days up to and with the day that is closed."""
NEAR, LIMIT, SMALL = 800_000, 1_000_000, 300_000
"""Cash-ins from NEAR to LIMIT are near the report's limit; below SMALL they are small; cents."""
ROUND = 1_000
"""A transfer is round if it is a multiple of so many whole units of its own currency."""
CALLED = ("IR", "KP", "MM")
"""Countries subject to a call for action (FATF)."""
_BITS = 62

_COUNTS = {
    "in_count": "credits",
    "out_count": "debits",
    "in_sum": "credited, USD",
    "out_sum": "debited, USD",
    "cash_in_count": "cash-ins",
    "cash_in_sum": "cash in, USD",
    "cash_out_sum": "cash out, USD",
    "near": "cash-ins of 8,000 to 10,000 USD",
    "small": "cash-ins below 3,000 USD",
    "round": "round transfers",
    "abroad_count": "transfers with other countries",
    "abroad_sum": "moved to and from other countries, USD",
    "called": "transfers with countries under a call for action",
}
_PARTIES = {
    "in_parties": "parties that paid",
    "out_parties": "parties that were paid",
    "areas": "areas with cash or a card",
}
_DAY = ("in_count", "out_count", "in_sum", "out_sum", "cash_in_sum")
_SHORT = (*_COUNTS, *_PARTIES, "largest", "active")
_LONG = (
    *("in_count", "out_count", "in_sum", "out_sum", "cash_in_sum", "in_parties", "out_parties"),
    *("largest", "active"),
)
_WORDS = {**_COUNTS, **_PARTIES, "largest": "largest amount, USD", "active": "days with postings"}

FEATURES: Mapping[str, str] = {
    **{f"{name}_1": f"{_WORDS[name]}, this day" for name in _DAY},
    **{f"{name}_{SHORT}": f"{_WORDS[name]}, {SHORT} d" for name in _SHORT},
    **{f"{name}_{LONG}": f"{_WORDS[name]}, {LONG} d" for name in _LONG},
    f"passed_{SHORT}": f"lesser of in and out, per mille of the greater, {SHORT} d",
    "recent": f"moved in {SHORT} d, per mille of {LONG} d",
    "quiet": f"days without postings before this one, at most {LONG}",
    "age": "days since the first account was opened",
    "business": "is a business",
}
"""Name of each feature -> what it counts, in the order in which models take them."""

_FLAGS = ("credit", "cash", "round", "moved", "abroad", "called", "business")
_DAILY = (*_COUNTS, *_PARTIES, "largest")
TABLES: Mapping[str, TableSpec] = {
    TODAY: TableSpec({"key": "str", "day": "int"}, "key"),
    OPEN: TableSpec(
        {
            "at": "int",
            "posting_id": "str",
            "owner": "str",
            "owner_number": "int",
            "offset": "int",
            "late": "bool",
            "base": "int",
            "opened": "int",
            "flags": "int",
            "party": "int",
            "place": "int",
        }
    ),
    DAYS: TableSpec(
        {"owner_number": "int", "day": "int"} | dict.fromkeys(_DAILY, "int")  # type: ignore[arg-type]
    ),
}
_ONE = pl.Series("key", ["open"])


@dataclass(frozen=True)
class Closed:
    """A day that was closed.

    Attributes:
        end: The first instant after it, microseconds UTC.
        at: When the posting counts that closes it.
        rows: Columns owner_number, owner and FEATURES, by owner_number: who had postings on it.
        postings: Those postings in order of time, columns of OPEN; `base` in minor units.
    """

    end: int
    at: int
    rows: pl.DataFrame
    postings: pl.DataFrame


def closed(state: State, events: pl.DataFrame) -> Iterator[Closed]:
    """Take in events; the days that they close, in order.

    Args:
        state: Has TABLES.
        events: Columns udfs.aml.rule.EVENTS, sorted by `at`, all after those of earlier calls.
    """
    if events.is_empty():
        return
    table = state[TODAY].lookup(_ONE)
    today = int(table["day"][0]) if table["known"][0] else None
    flagged = _flagged(events)
    for (day,), part in flagged.group_by("day", maintain_order=True):
        if today is not None and today < day:
            yield _close(state, today, part["at"][0])
        state[OPEN].append(part.select(*TABLES[OPEN].columns))
        today = day
    state[TODAY].upsert(pl.DataFrame({"key": _ONE, "day": today}))


def _close(state: State, day: int, at: int) -> Closed:
    """Sum a day up, forget its postings, and look back from it; `at` is when it is closed."""
    postings = state[OPEN].due(None, "at", (day + 1) * DAY - 1)
    summed = (
        _counted(postings.lazy())
        .group_by("owner_number")
        .agg(
            pl.col("owner", "opened", "business").last(),
            *(pl.col(name).sum() for name in _COUNTS),
            *(pl.col(name).bitwise_or() for name in _PARTIES),
            pl.col("largest").max(),
            day=pl.lit(day, pl.Int64),
        )
        .sort("owner_number")
        .collect()
    )
    state[DAYS].expire("day", day - LONG + 1)
    state[DAYS].append(summed)
    past = state[DAYS].having("owner_number", summed["owner_number"])
    age = pl.when(pl.col("opened") > 0).then(day - pl.col("opened") // DAY).otherwise(0)
    rows = (
        _features(past.lazy(), day)
        .join(summed.lazy().select("owner_number", "owner", "opened", "business"), "owner_number")
        .with_columns(age=age)
        .select("owner_number", "owner", *(pl.col(name).clip(0, FULL) for name in FEATURES))
        .sort("owner_number")
        .collect()
    )
    return Closed((day + 1) * DAY, at, rows, postings)


def _features(past: pl.LazyFrame, day: int) -> pl.LazyFrame:
    """Features of what was counted on days up to `day`, by owner_number."""
    columns: list[pl.Expr] = []
    for days, names in ((1, _DAY), (SHORT, _SHORT), (LONG, _LONG)):
        inside = pl.col("day") > day - days
        for name in names:
            columns.append(_over(name, inside).alias(f"{name}_{days}"))
    earlier = pl.col("day").filter(pl.col("day") < day).max()
    found = past.group_by("owner_number").agg(
        *columns, quiet=pl.min_horizontal(day - earlier - 1, pl.lit(LONG)).fill_null(LONG)
    )
    moved_in, moved_out = pl.col(f"in_sum_{SHORT}"), pl.col(f"out_sum_{SHORT}")
    all_long = pl.col(f"in_sum_{LONG}") + pl.col(f"out_sum_{LONG}")
    lesser, greater = (f(moved_in, moved_out) for f in (pl.min_horizontal, pl.max_horizontal))
    return found.with_columns(
        _per_mille(lesser, greater).alias(f"passed_{SHORT}"),
        _per_mille(moved_in + moved_out, all_long).alias("recent"),
    )


def _over(name: str, inside: pl.Expr) -> pl.Expr:
    """One number of the days inside a window."""
    if name == "active":
        return inside.sum().cast(pl.Int64)
    if name == "largest":
        return pl.col(name).filter(inside).max().fill_null(0)
    if name in _PARTIES:
        return pl.col(name).filter(inside).bitwise_or().bitwise_count_ones().cast(pl.Int64)
    return pl.col(name).filter(inside).sum()


def _per_mille(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    return pl.when(whole > 0).then(part * 1_000 // whole).otherwise(0)


def _flagged(events: pl.DataFrame) -> pl.DataFrame:
    """Events with their day and what has to be remembered of them."""
    moved = pl.col("channel").is_in(["TRANSFER", "WIRE"])
    other = pl.col("counterparty_country")
    whole = {c: ROUND * 10 ** EXPONENTS.get(c, 2) for c in events["currency"].unique().to_list()}
    multiple = pl.col("currency").replace_strict(whole, default=1, return_dtype=pl.Int64)
    flags = {
        "credit": pl.col("direction") == "CREDIT",
        "cash": pl.col("channel") == "CASH",
        "round": moved & (pl.col("base") >= 100 * ROUND) & (pl.col("amount") % multiple == 0),
        "moved": moved,
        "abroad": moved & (pl.lit("") != other) & _differs(other, pl.col("home_country")),
        "called": moved & other.is_in(CALLED),
        "business": pl.col("kind") == "BUSINESS",
    }
    party = pl.col("counterparty")
    events = events.with_columns(
        day=pl.col("at") // DAY,
        opened=pl.col("opened").fill_null(0),
        flags=pl.sum_horizontal(
            flags[name].fill_null(False).cast(pl.Int64) * 2**place
            for place, name in enumerate(_FLAGS)
        ),
        party=pl.when(party == "").then("counterparty_account").otherwise(party),
        place=pl.when((pl.col("channel") == "CASH") | pl.col("card_present"))
        .then("area")
        .otherwise(pl.lit("")),
    )
    return events.with_columns(party=_bit(events["party"]), place=_bit(events["place"]))


def _differs(one: pl.Expr, other: pl.Expr) -> pl.Expr:
    return (other != "") & (one != other)


def _counted(postings: pl.LazyFrame) -> pl.LazyFrame:
    """Postings with what each adds to the counts of its day."""
    flag = {name: pl.col("flags") // 2**n % 2 == 1 for n, name in enumerate(_FLAGS)}
    units, credit, cash = pl.col("base") // 100, flag["credit"], flag["cash"]
    paid_in = cash & credit
    counted: dict[str, pl.Expr] = {
        "in_count": credit,
        "out_count": ~credit,
        "in_sum": credit * units,
        "out_sum": ~credit * units,
        "cash_in_count": paid_in,
        "cash_in_sum": paid_in * units,
        "cash_out_sum": (cash & ~credit) * units,
        "near": paid_in & pl.col("base").is_between(NEAR, LIMIT),
        "small": paid_in & (pl.col("base") < SMALL),
        "round": flag["round"],
        "abroad_count": flag["abroad"],
        "abroad_sum": flag["abroad"] * units,
        "called": flag["called"],
        "largest": units,
        "in_parties": credit * pl.col("party"),
        "out_parties": ~credit * pl.col("party"),
        "areas": pl.col("place"),
        "business": flag["business"],
    }
    return postings.with_columns(**{name: v.cast(pl.Int64) for name, v in counted.items()})


def _bit(names: pl.Series) -> pl.Series:
    """One bit of 62 for each name, by its CRC-32; none for the empty name."""
    distinct = names.unique().to_list()
    bits = {n: 1 << zlib.crc32(n.encode()) % _BITS if n else 0 for n in distinct if n is not None}
    return names.replace_strict(bits, default=0, return_dtype=pl.Int64)

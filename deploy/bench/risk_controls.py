"""Control records of a generated market's firm: scenarios of its history, limits, margin terms.

Every partition gets a copy, since every shard needs them.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from connectors.generators.feed import Batch
from connectors.generators.market.world import MarketWorld
from connectors.topics import TOPICS
from schemas.codec import encode
from schemas.records import record
from udfs.risk.scenario_parts import MONTE_CARLO, parts_of

SCENARIOS, LIMITS, TERMS = "scenarios", "limits", "margin.terms"
CONTROLS = (SCENARIOS, LIMITS, TERMS, "corporate.actions")
"""Topics of control records that the job `risk` reads."""
_MEASURES = ("VAR", "ES", "LOSS", "GROSS", "NET")
_SOFT, _HARD = 5_000_000_00, 10_000_000_00
_WHO = {"author": "bench", "approver": "", "reason": "made for a measurement"}


def controls(
    world: MarketWorld, partitions: int, book_scenarios: int, firm_scenarios: int
) -> list[Batch]:
    """A Monte Carlo set over the 750 days, all limits of each book and the firm, margin terms."""
    found = []
    for topic, rows in (
        (SCENARIOS, scenario_rows(world, book_scenarios, firm_scenarios)),
        (LIMITS, limit_rows(world)),
        (TERMS, term_rows(world)),
    ):
        known = record(TOPICS[topic].record)
        key = str(TOPICS[topic].key)
        made = list(rows)
        for partition in range(partitions):
            producer = {"producer": f"bench/{topic}/{partition}"}
            values: list[bytes | None] = [
                encode(known, {**row, **producer, "sequence": number})
                for number, row in enumerate(made)
            ]
            found.append(Batch(topic, partition, [row[key].encode() for row in made], values))
    return found


def scenario_rows(world: MarketWorld, book: int, firm: int) -> Iterator[Mapping[str, Any]]:
    """One row an instrument that is no option: options move by their underlyings."""
    frame = world.universe.frame
    known = frame.filter(pl.col("kind") != "OPTION")["isin"].to_list()
    returns = world.past.instruments.of(tuple(known)).returns
    parts = parts_of(
        known,
        returns,
        "market",
        1,
        method=MONTE_CARLO,
        decay_ppm=997_000,
        seed=world.seed + 1,
        book_scenarios=book,
        firm_scenarios=firm,
    )
    for row in parts.iter_rows(named=True):
        yield {**row, **_WHO, "row_id": f"market-1-{row['part']}", "time": world.start}


def limit_rows(world: MarketWorld) -> Iterator[Mapping[str, Any]]:
    """Each measure of each book, and of the firm ten times as high."""
    for scope, names, times in (
        ("BOOK", world.universe.market.books.to_list(), 1),
        ("FIRM", ["firm"], 10),
    ):
        for name in names:
            for measure in _MEASURES:
                limit = f"{name}-{measure}"
                yield {
                    "record_id": f"{limit}-1", "limit_id": limit, "scope": scope, "name": name,
                    "measure": measure, "soft": _SOFT * times, "hard": _HARD * times,
                    "revoked": False, "time": world.start, **_WHO,
                }  # fmt: skip


def term_rows(world: MarketWorld) -> Iterator[Mapping[str, Any]]:
    """Every book has posted two millions and moves no less than a quarter of one."""
    for book in world.universe.market.books.to_list():
        yield {
            "record_id": f"{book}-1", "book": book, "collateral": 2_000_000_00,
            "haircut_ppm": 20_000, "threshold": 0, "minimum_transfer": 250_000_00,
            "rounding": 10_000_00, "time": world.start, **_WHO,
        }  # fmt: skip

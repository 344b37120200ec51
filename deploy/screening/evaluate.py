"""How well names are found: labelled pairs against the list, alone and among many others.

A pair that is a match is found if its listed party is among the hits. One that is none is a false
hit if its name hits anybody: the names beside it are invented too.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from deploy.bench.harness import Result
from deploy.screening import made, reading
from deploy.screening.made import HERE, Pair
from udfs.screening.config import Config
from udfs.screening.listed import LISTED, Entry
from udfs.screening.score import WHOLE
from udfs.screening.screener import Screener

OTHERS_SEED = 99


@dataclass(frozen=True)
class Judged:
    """A pair, and whether its name was held to be (match) or to hit anyone (no match)."""

    pair: Pair
    hit: bool


def entries() -> list[Entry]:
    """The synthetic list."""
    return [row for row in reading.read(HERE / "synthetic.csv", LISTED) if isinstance(row, Entry)]


def pairs() -> list[Pair]:
    """The labelled pairs."""
    with (HERE / "pairs.csv").open(newline="", encoding="utf-8") as file:
        return [
            Pair(row["name"], row["listed"], row["variation"], row["match"] == "1")
            for row in csv.DictReader(file)
        ]


def others(listed: Sequence[Entry], count: int) -> list[Entry]:
    """`listed` and made-up entries beside it, `count` in all; none is named in a pair."""
    taken = {name.casefold() for one in listed for name in (one.name, *one.aliases)}
    taken |= {pair.name.casefold() for pair in pairs()}
    more = [
        one.entry.model_copy(update={"id": f"BES{one.entry.id[3:]}"})
        for one in made.made(OTHERS_SEED, count)
        if one.party.usual.casefold() not in taken and one.party.native.casefold() not in taken
    ]
    return [*listed, *more[: count - len(listed)]]


def judge(screener: Screener, labelled: Iterable[Pair], own_only: bool = False) -> list[Judged]:
    """What a screener says of each pair; with `own_only`, hits on others are no false hits."""
    found = []
    for pair in labelled:
        ids = [hit.entry.id for hit in screener.hits(pair.name) or ()]
        found.append(Judged(pair, pair.listed in ids if pair.match or own_only else bool(ids)))
    return found


def figures(judged: Sequence[Judged], where: str) -> list[Result]:
    """Precision, recall and F1, each rounded to 10^-4."""
    true = sum(one.hit for one in judged if one.pair.match)
    false = sum(one.hit for one in judged if not one.pair.match)
    missed = sum(not one.hit for one in judged if one.pair.match)
    return [
        Result(f"precision, {where}", _share(true, true + false), "share"),
        Result(f"recall, {where}", _share(true, true + missed), "share"),
        Result(f"F1, {where}", _share(2 * true, 2 * true + false + missed), "share"),
    ]


def by_variation(judged: Sequence[Judged], where: str) -> list[Result]:
    """Share of each kind of variation that was judged right."""
    results = []
    for name in sorted({one.pair.variation for one in judged}):
        part = [one for one in judged if one.pair.variation == name]
        right = sum(one.hit == one.pair.match for one in part)
        matches = {one.pair.match for one in part}
        what = "found" if matches == {True} else "kept apart"
        results.append(
            Result(f"{name}: {what} of {len(part)}, {where}", _share(right, len(part)), "share")
        )
    return results


def run(threshold: int | None, count: int) -> list[Result]:
    """All figures: the list alone, and among `count` entries."""
    config = Config()
    limit = config.threshold if threshold is None else threshold
    listed, labelled = entries(), pairs()
    alone = judge(Screener(listed, limit), labelled)
    among = judge(Screener(others(listed, count), limit), labelled, own_only=True)
    at = f"threshold {limit / WHOLE:.3f}, {len(labelled)} pairs"
    return [
        *figures(alone, f"{len(listed)} entries, {at}"),
        *figures(among, f"{count} entries, {at}"),
        *by_variation(alone, f"{len(listed)} entries"),
    ]


def wrong(threshold: int | None) -> list[tuple[str, str, str, str]]:
    """The pairs that were judged wrong against the list alone: variation, name, listed, what."""
    limit = Config().threshold if threshold is None else threshold
    listed = entries()
    names = {one.id: one.name for one in listed}
    return [
        (
            one.pair.variation,
            one.pair.name,
            names[one.pair.listed],
            "missed" if one.pair.match else "false hit",
        )
        for one in judge(Screener(listed, limit), pairs())
        if one.hit != one.pair.match
    ]


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0

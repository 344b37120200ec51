"""The synthetic list and the labelled pairs: invented names only, the same for the same seed.

python -m deploy.screening.made       writes synthetic.csv and pairs.csv beside this file

Both hold what is made here and then what was written by hand, in hand_entries.csv and
hand_pairs.csv.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deploy.screening import scripts
from deploy.screening.scripts import Party, Rng, pools
from udfs.screening.listed import Entry

HERE = Path(__file__).parent
SEED, ENTRIES = 7, 260
COLUMNS = ("id", "name", "aliases", "kind", "birth_year", "countries", "programme", "category")
PAIR = ("name", "listed", "variation", "match")


@dataclass(frozen=True)
class Made:
    """An entry, and the party it was made of."""

    entry: Entry
    party: Party


@dataclass(frozen=True)
class Pair:
    """A name, the entry it is held against, how it was made of it, and whether it is the same."""

    name: str
    listed: str
    variation: str
    match: bool


def made(seed: int, count: int) -> list[Made]:
    """Entries with ids SYN-00001 on; no two of the same name."""
    rng = np.random.default_rng(seed)
    found: dict[str, Made] = {}
    while len(found) < count:
        draw = rng.random()
        make = scripts.person if draw < 0.65 else scripts.firm if draw < 0.9 else scripts.vessel
        party = make(rng)
        if party.usual.casefold() not in found:
            found[party.usual.casefold()] = Made(_entry(rng, party, len(found) + 1), party)
    return list(found.values())


def _entry(rng: Rng, party: Party, number: int) -> Entry:
    name, aliases = party.usual, []
    if party.native != name and rng.random() < 0.7:
        aliases.append(party.native)
        if rng.random() < 0.4:
            name, aliases = party.native, [name]
    if party.culture == "slavic" and party.kind == "PERSON" and rng.random() < 0.4:
        given, family = party.roman[0]
        aliases.append(f"{given} {scripts.fathers_name(rng)} {family}")
    if party.form:
        aliases.append(f"{party.usual} {party.form}")
    listed = pools()
    person = party.kind == "PERSON"
    return Entry(
        id=f"SYN-{number:05d}",
        name=name,
        aliases=list(dict.fromkeys(aliases)),
        kind=party.kind,
        birth_year=int(rng.integers(1935, 2000)) if person else 0,
        countries=[listed["countries"][int(rng.integers(len(listed["countries"])))]],
        programme=listed["programmes"][int(rng.integers(len(listed["programmes"])))],
        category="PEP" if person and rng.random() < 0.3 else "SANCTION",
    )


def pairs(seed: int, known: list[Made]) -> list[Pair]:
    """Pairs of every kind over the entries, in a fixed order."""
    rng = np.random.default_rng([seed, 1])
    found: list[Pair] = []
    for one in known:
        for variation, name in _same(rng, one.party):
            found.append(Pair(name, one.entry.id, variation, True))
        for variation, name in _alike(rng, one.party, known):
            found.append(Pair(name, one.entry.id, variation, False))
    order = rng.permutation(len(found))
    kept: dict[str, list[Pair]] = {}
    for at in order.tolist():
        kept.setdefault(found[at].variation, []).append(found[at])
    return [pair for name in sorted(kept) for pair in kept[name][:45]]


def _same(rng: Rng, party: Party) -> Iterator[tuple[str, str]]:
    """Other ways to write the same name."""
    parts = party.roman[0]
    if party.kind == "PERSON":
        yield "name order", _ordered(parts)
        yield "glued words", "".join(parts).capitalize().replace("-", "")
        if party.culture != "chinese":
            yield "initials", f"{parts[0][0]}. {' '.join(parts[1:])}"
        yield "transliteration", " ".join(_pick(rng, party.roman[1:] or party.roman))
        if party.native != party.usual:
            yield "script", party.native
        yield "title", f"{_pick(rng, ('Mr', 'Dr.', 'Prof.', 'Hon.'))} {party.usual.upper()}"
    if party.form:
        form = _pick(rng, pools()["firms"]["forms"])
        yield "legal form", f"{party.usual} {form}"
        yield "legal form", f"{party.usual} {party.form}".upper()
        yield "glued words", f"{''.join(parts)} {form}"
    yield "typing error", typo(rng, party.usual, 1)
    if sum(map(len, parts)) > 12:
        yield "two typing errors", typo(rng, party.usual, 2)


def _alike(rng: Rng, party: Party, known: list[Made]) -> Iterator[tuple[str, str]]:
    """Names of others that look like it."""
    taken = {one.party.usual.casefold() for one in known}
    other = _like(rng, party)
    parts, others = party.roman[0], other.roman[0]
    if party.kind == "PERSON":
        made = {
            "other family name": (*parts[:-1], others[-1]),
            "other given name": (*others[:-1], parts[-1]),
        }
        ending = _other_ending(rng, party)
        if ending:
            made["alike family name"] = (*parts[:-1], ending)
        if party.culture == "chinese":
            made = {
                "other family name": (others[0], *parts[1:]),
                "other given name": (parts[0], *others[1:]),
            }
    else:
        made = {f"other {party.kind.lower()}": (others[0], *parts[1:])}
        if party.kind == "VESSEL":
            made["other vessel"] = (parts[0], *others[1:])
            made["other number"] = (*parts[:2], str(int(rng.integers(30, 60))))
    for variation, words in made.items():
        name = " ".join(words)
        if words != parts and name.casefold() not in taken and not _near(words, parts):
            yield variation, name
    stranger = scripts.person(rng) if rng.random() < 0.7 else scripts.firm(rng)
    if stranger.usual.casefold() not in taken:
        yield "stranger", stranger.usual


def _other_ending(rng: Rng, party: Party) -> str:
    """The family name with the beginning of the party's and another ending; empty if there is none.

    So Keltsev and Keltsovets: names as different as those of any two families.
    """
    endings = {
        "slavic": [scripts.word_in(end, "english").lower() for end in pools()["slavic"]["ends"]],
        "greek": [end[1] for end in pools()["greek"]["ends"]],
        "latin": pools()["latin"]["ends"],
    }.get(party.culture, [])
    family = party.roman[0][-1]
    own = [end for end in endings if family.endswith(end)]
    if not own:
        return ""
    stem = family[: -len(max(own, key=len))]
    return stem + str(_pick(rng, [end for end in endings if end not in own]))


def _like(rng: Rng, party: Party) -> Party:
    """Another party of the same kind and culture."""
    make: Callable[[Rng], Party] = {
        "PERSON": scripts.person,
        "ENTITY": scripts.firm,
        "VESSEL": scripts.vessel,
    }[party.kind]
    while True:
        other = make(rng)
        same = other.culture == party.culture and len(other.roman[0]) == len(party.roman[0])
        if same and other.roman[0] != party.roman[0]:
            return other


def _near(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether the words differ only as ways of writing one name do."""
    return "".join(one).casefold()[:-1] == "".join(other).casefold()[:-1]


def _ordered(parts: tuple[str, ...]) -> str:
    return f"{parts[-1].upper()}, {' '.join(parts[:-1])}"


def typo(rng: Rng, text: str, count: int) -> str:
    """The text with so many letters left out, doubled, exchanged or replaced, never the first."""
    letters = list(text)
    for _ in range(count):
        places = [at for at in range(1, len(letters) - 1) if letters[at - 1].isalpha()]
        at = _pick(rng, [at for at in places if letters[at].isalpha()] or places)
        match int(rng.integers(4)):
            case 0:
                del letters[at]
            case 1:
                letters.insert(at, letters[at])
            case 2 if letters[at + 1].isalpha() and letters[at + 1] != letters[at]:
                letters[at : at + 2] = letters[at + 1], letters[at]
            case _:
                letters[at] = _pick(rng, [c for c in "aeinorst" if c != letters[at].lower()])
    return "".join(letters)


def _pick(rng: Rng, pool: Sequence[Any]) -> Any:
    return pool[int(rng.integers(len(pool)))]


def write(folder: Path = HERE) -> None:
    """Write both files."""
    known = made(SEED, ENTRIES)
    rows = [cells(one.entry) for one in known]
    _write(folder / "synthetic.csv", COLUMNS, [*rows, *_by_hand("hand_entries.csv", COLUMNS)])
    same = [[p.name, p.listed, p.variation, str(int(p.match))] for p in pairs(SEED, known)]
    _write(folder / "pairs.csv", PAIR, [*same, *_by_hand("hand_pairs.csv", PAIR)])


def _by_hand(name: str, columns: Sequence[str]) -> list[list[str]]:
    with (HERE / name).open(newline="", encoding="utf-8") as file:
        return [[row[column] for column in columns] for row in csv.DictReader(file)]


def _write(path: Path, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(columns)
        out.writerows(rows)


def cells(entry: Entry) -> list[str]:
    """A row of a list file: several values of a field stand between bars."""
    return [
        entry.id,
        entry.name,
        "|".join(entry.aliases),
        entry.kind,
        str(entry.birth_year or ""),
        "|".join(entry.countries),
        entry.programme,
        entry.category,
    ]


if __name__ == "__main__":
    write()

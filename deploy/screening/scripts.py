"""Made-up parties with their names in several scripts and ways of writing, for lists and pairs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import numpy as np

Rng = np.random.Generator


@dataclass(frozen=True)
class Party:
    """Someone who does not exist.

    Attributes:
        kind: PERSON, ENTITY or VESSEL.
        culture: Which part of the pools the name is from.
        native: The name in its own script.
        roman: Ways to write it in Latin letters, the usual one first; each in parts: given name,
            then family name, or the words of a firm.
        form: Legal form of a firm.
    """

    kind: Literal["PERSON", "ENTITY", "VESSEL"]
    culture: str
    native: str
    roman: tuple[tuple[str, ...], ...]
    form: str = ""

    @property
    def usual(self) -> str:
        """The usual way to write it in Latin letters."""
        return " ".join(self.roman[0])


@cache
def pools() -> dict[str, Any]:
    """The parts that names are made of."""
    found: dict[str, Any] = json.loads(
        files("deploy.screening").joinpath("pools.json").read_text(encoding="utf-8")
    )
    return found


def person(rng: Rng) -> Party:
    """A person of any culture."""
    make = _pick(rng, (_slavic, _slavic, _arabic, _arabic, _greek, _chinese, _latin))
    made: Party = make(rng)
    return made


def firm(rng: Rng) -> Party:
    """A firm."""
    pool = pools()["firms"]
    coined = "".join(_pick(rng, pool[part]) for part in ("coined", "middles", "tails"))
    if rng.random() < 0.2:
        trade = _pick(rng, pool["cyrillic"])
        word = _cyrillic(coined)
        schemes = [(word_in(word, s), word_in(trade, s)) for s in ("english", "short", "german")]
        return Party("ENTITY", "slavic", f"{word} {trade}", tuple(schemes), "OOO")
    trade = _pick(rng, pool["trades"])
    return Party(
        "ENTITY", "latin", f"{coined} {trade}", ((coined, trade),), _pick(rng, pool["forms"])
    )


def vessel(rng: Rng) -> Party:
    """A ship."""
    pool = pools()["vessels"]
    second = _pick(rng, pool["starts"]) + _pick(rng, pool["ends"])
    parts: tuple[str, ...] = (_pick(rng, pool["first"]), second)
    if rng.random() < 0.4:
        parts = (*parts, str(rng.integers(2, 30)))
    return Party("VESSEL", "latin", " ".join(parts), (parts,))


def word_in(word: str, scheme: str) -> str:
    """A Cyrillic word in Latin letters, by one of the schemes."""
    table = dict(pair.split("=") for pair in pools()["schemes"][scheme].split(" "))
    out = "".join(table.get(letter, letter) for letter in word.lower())
    return out[:1].upper() + out[1:]


def fathers_name(rng: Rng) -> str:
    """A patronymic in English transliteration."""
    return word_in(_pick(rng, pools()["slavic"]["fathers"]), "english")


def _slavic(rng: Rng) -> Party:
    pool = pools()["slavic"]
    given = _pick(rng, pool["given"])
    family = "".join(_pick(rng, pool[part]) for part in ("stems", "middles", "ends"))
    roman = tuple((word_in(given, s), word_in(family, s)) for s in pools()["schemes"])
    return Party("PERSON", "slavic", f"{given} {family}", roman)


def _arabic(rng: Rng) -> Party:
    pool = pools()["arabic"]
    first = _pick(rng, pool["given"])
    second = _pick(rng, pool["given"])
    while second is first:
        second = _pick(rng, pool["given"])
    c1, c2, c3 = (_pick(rng, pool["consonants"]) for _ in range(3))
    native, shape = _pick(rng, pool["shapes"])
    families = [
        "al-" + shape.format(*(_nth(c, n) for c in (c1, c2, c3))).capitalize() for n in (1, 2, 3)
    ]
    families[1] = families[1].replace("ee", "i")
    families[2] = families[2].replace("al-", "El ").replace("ee", "i")
    roman = tuple((_nth(first, n), _nth(second, n), families[n - 1]) for n in (1, 2, 3))
    return Party(
        "PERSON",
        "arabic",
        f"{first[0]} {second[0]} ال{native.format(c1[0], c2[0], c3[0])}",
        roman,
    )


def _greek(rng: Rng) -> Party:
    pool = pools()["greek"]
    given, stem, middle, end = (
        _pick(rng, pool[part]) for part in ("given", "stems", "middles", "ends")
    )
    roman = tuple((_nth(given, n), stem[1] + middle[1] + _nth(end, n)) for n in (1, 2))
    return Party("PERSON", "greek", f"{given[0]} {stem[0]}{middle[0]}{end[0]}", roman)


def _chinese(rng: Rng) -> Party:
    pool = pools()["chinese"]
    family = _pick(rng, pool["family"])
    given = [_pick(rng, pool["given"]) for _ in range(1 + (rng.random() < 0.75))]
    glued = "".join(syllable[1] for syllable in given).capitalize()
    apart = " ".join(syllable[1].capitalize() for syllable in given)
    hyphen = "-".join(syllable[1] for syllable in given).capitalize()
    native = family[0] + "".join(syllable[0] for syllable in given)
    roman = ((family[1], glued), (family[1], apart), (family[1], hyphen))
    return Party("PERSON", "chinese", native, roman)


def _latin(rng: Rng) -> Party:
    pool = pools()["latin"]
    family = _pick(rng, pool["starts"]) + _pick(rng, pool["middles"]) + _pick(rng, pool["ends"])
    given = _pick(rng, pool["given"])
    plain = family.translate(str.maketrans("üöøŻČáć", "uooZCac"))
    german = family.replace("ü", "ue").replace("ö", "oe").replace("ø", "oe")
    roman = tuple(dict.fromkeys(((given, family), (given, plain), (given, german))))
    return Party("PERSON", "latin", f"{given} {family}", roman)


def _cyrillic(coined: str) -> str:
    pairs = dict(zip("abdefghijklmnoprstuvwxyz", "абдефгхийклмнопрстуввкиз", strict=True))
    return (
        "".join(pairs.get(letter, letter) for letter in coined.lower())
        .capitalize()
        .replace("q", "к")
    )


def _pick(rng: Rng, pool: Sequence[Any]) -> Any:
    return pool[int(rng.integers(len(pool)))]


def _nth(variants: Sequence[str], n: int) -> str:
    """The n-th way to write a part whose first element is the native one; the first for want."""
    return variants[n] if n < len(variants) else variants[1]

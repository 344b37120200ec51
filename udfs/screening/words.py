"""Words that say little about whom a name belongs to, and letters that need help to become ASCII.

They stand in words.json as `udfs.screening.names` writes tokens: ASCII, lower case. A weight says
how much a token counts in comparing names; one not listed counts by how rare it is in the list.
"""

import json
import re
from importlib.resources import files

_TABLES = json.loads(files("udfs.screening").joinpath("words.json").read_text(encoding="utf-8"))

FORMS = frozenset(_TABLES["forms"])
"""Legal forms: dropped unless nothing else is left."""

SHORT_FORMS = frozenset(_TABLES["short_forms"])
"""Legal forms that are also parts of names: kept, with hardly any weight."""

TITLES = frozenset(_TABLES["titles"])
"""Forms of address: dropped unless nothing else is left."""

VESSEL_MARKS = frozenset(_TABLES["vessel_marks"])
"""Before a ship's name; dropped at the beginning of a name."""

SPELLED_TITLES = frozenset(_TABLES["spelled_titles"])
"""Forms of address where they are written with dots, as in H.E.; dropped."""

DIGRAPHS = frozenset(_TABLES["digraphs"])
"""Initials that are two letters in ASCII, as that of Yuri."""

ABD = frozenset(_TABLES["abd"])
"""Servant of; one name together with what follows."""

_WEIGHTS: dict[str, float] = (
    {word: 0.1 for word in (*_TABLES["short_forms"], *_TABLES["styles"])}
    | {word: 0.15 for word in _TABLES["particles"]}
    | {word: 0.4 for word in _TABLES["trades"]}
)
_PATRONYMIC = re.compile(r"[a-z]{2,}(?:[oe]vi(?:t?ch|c)|[oe]vn?ych|owitsch|[oei]vna)")


def replacements(script: str) -> list[tuple[re.Pattern[str], str]]:
    """What to replace, in this order, before letters of a script are transliterated one by one."""
    return [(re.compile(found), instead) for found, instead in _TABLES[script]]


def weight(token: str) -> float | None:
    """The weight of a token that says little, from 0 to 1; None for all others."""
    found = _WEIGHTS.get(token)
    if found is None and token.isdigit():
        return 1.0 if len(token) <= 3 else 0.3
    if found is None and len(token) == 1:
        return 0.25
    return found


def is_patronymic(token: str) -> bool:
    """Whether a token looks like a Slavic father's name, which is often left out."""
    return _PATRONYMIC.fullmatch(token) is not None

"""Limits and margin terms as people write them, YAML; what is wrong is told with its line.

    limits:
      - {id: firm-var, scope: FIRM, measure: VAR, soft: 100_000_000, hard: 150_000_000}
      - {id: b1-loss, scope: BOOK, name: BOOK-001, measure: LOSS, soft: 500_000, hard: 900_000}
      - {id: b1-old, scope: BOOK, name: BOOK-001, measure: NET, revoked: true}

    margin:
      - {book: BOOK-001, collateral: 50_000_000, haircut_ppm: 20_000, minimum_transfer: 500_000,
         rounding: 10_000}

Amounts are minor units of the reporting currency.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.errors import UserError
from deploy.rules.written import values

MOST_ROWS = 20_000
_NEEDED = object()
_LIMIT: Mapping[str, Any] = {
    "id": _NEEDED,
    "scope": _NEEDED,
    "measure": _NEEDED,
    "name": "firm",
    "soft": 0,
    "hard": 0,
    "revoked": False,
}
_MARGIN: Mapping[str, Any] = {
    "book": _NEEDED,
    "collateral": 0,
    "haircut_ppm": 0,
    "threshold": 0,
    "minimum_transfer": 0,
    "rounding": 1,
}
_NUMBERS = ("soft", "hard", *(name for name in _MARGIN if name != "book"))


@dataclass(frozen=True)
class Written:
    """One entry of a file: its fields as in its record, and where it stands."""

    place: str
    row: dict[str, Any]


def limits(path: Path) -> list[Written]:
    """The limits of a file, fields as in RiskLimit.

    Raises:
        UserError: It is no such file; the line is named.
    """
    found = []
    for one in _entries(path, "limits", _LIMIT, "id"):
        row = one.row
        _among(one, "scope", ("BOOK", "FIRM"))
        _among(one, "measure", ("VAR", "ES", "LOSS", "GROSS", "NET"))
        if (row["scope"] == "FIRM") != (row["name"] == "firm"):
            raise UserError(f"{one.place}: a BOOK has its name, the FIRM none")
        if not isinstance(row["revoked"], bool):
            raise UserError(f"{one.place}: revoked is true or false, not {row['revoked']!r}")
        if row["soft"] > row["hard"]:
            raise UserError(f"{one.place}: soft {row['soft']} is above hard {row['hard']}")
        if not row["revoked"] and row["hard"] == 0 and row["soft"] == 0:
            raise UserError(f"{one.place}: soft and hard are asked, or revoked: true")
        row["limit_id"] = row.pop("id")
        found.append(one)
    return found


def margin(path: Path) -> list[Written]:
    """The margin terms of a file, fields as in MarginTerms.

    Raises:
        UserError: It is no such file; the line is named.
    """
    found = _entries(path, "margin", _MARGIN, "book")
    for one in found:
        if one.row["haircut_ppm"] > 1_000_000:
            raise UserError(f"{one.place}: a haircut is at most 1_000_000 ppm")
        if one.row["rounding"] < 1:
            raise UserError(f"{one.place}: rounding is at least 1")
    return found


def _entries(path: Path, table: str, fields: Mapping[str, Any], key: str) -> list[Written]:
    data, lines = values(path, f"a table {table}")
    if not isinstance(data, dict) or list(data) != [table] or not isinstance(data[table], list):
        raise UserError(f"{path} line 1: one table {table} with a list is asked")
    if not 0 < len(data[table]) <= MOST_ROWS:
        raise UserError(f"{path}: 1 to {MOST_ROWS} {table} are asked, not {len(data[table])}")
    found: list[Written] = []
    seen: dict[str, str] = {}
    for number, given in enumerate(data[table]):
        place = f"{path} line {lines[table, number]}"
        if not isinstance(given, dict):
            raise UserError(f"{place}: names and values are asked, as in {key}: X")
        if unknown := sorted(set(given) - set(fields)):
            raise UserError(
                f"{place}: there is no field {unknown[0]}; there are {', '.join(fields)}"
            )
        if lacking := [n for n, usual in fields.items() if usual is _NEEDED and n not in given]:
            raise UserError(f"{place}: {lacking[0]} is lacking")
        row = {name: given.get(name, usual) for name, usual in fields.items()}
        for name in row.keys() & set(_NUMBERS):
            if not isinstance(row[name], int) or isinstance(row[name], bool) or row[name] < 0:
                raise UserError(f"{place}: {name} is a whole number from 0, not {row[name]!r}")
        if row[key] in seen:
            raise UserError(f"{place}: {row[key]} stands in {seen[row[key]]} already")
        seen[row[key]] = f"line {lines[table, number]}"
        found.append(Written(place, row))
    return found


def _among(one: Written, name: str, known: tuple[str, ...]) -> None:
    if one.row[name] not in known:
        raise UserError(f"{one.place}: {name} is {one.row[name]!r}; there are {', '.join(known)}")

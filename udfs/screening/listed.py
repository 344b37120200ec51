"""What lists hold: entries of persons, firms and vessels, and exceptions; their canonical text.

A list travels as canonical JSON (RFC 8785: texts and whole numbers only, so compact JSON with
sorted keys is it) of its rows in order of their ids. Its hash is the SHA-256 of that text.
"""

import hashlib
import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

LISTED, EXCEPTIONS = "LISTED", "EXCEPTIONS"
MOST_ROWS = 200_000

_Text = Annotated[str, Field(max_length=256, pattern=r"^[^\x00-\x1f\x7f|]*$")]
_Id = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[!-{}~]+$")]
_Name = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]+$")]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @property
    def order(self) -> tuple[str, ...]:
        """What the rows of a list are sorted by; no two are equal."""
        raise NotImplementedError

    @property
    def canonical(self) -> str:
        """The row as RFC 8785 has it."""
        return json.dumps(
            self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False
        )


class Entry(_Row):
    """One listed party.

    Attributes:
        id: Its id in the list, printable ASCII without a bar.
        name: Its first name.
        aliases: Other names, in any script.
        kind: What it is.
        birth_year: Of a person; 0 if unknown.
        countries: Countries it is tied to (ISO 3166-1 alpha-2).
        programme: Why it is listed.
        category: Whether dealings are forbidden, or a politically exposed person is to be known.
    """

    id: _Id
    name: _Name
    aliases: Annotated[list[_Name], Field(max_length=64)] = []
    kind: Literal["PERSON", "ENTITY", "VESSEL"]
    birth_year: Annotated[int, Field(ge=0, le=2100)] = 0
    countries: Annotated[
        list[Annotated[str, Field(pattern="^[A-Z]{2}$")]], Field(max_length=32)
    ] = []
    programme: _Text = ""
    category: Literal["SANCTION", "PEP"]

    @property
    def order(self) -> tuple[str, ...]:
        """By id."""
        return (self.id,)

    @property
    def digest(self) -> str:
        """Changes when anything of the entry does: 20 hex digits."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()[:20]


class FalseHit(_Row):
    """A pair of names that is known not to be one party.

    Attributes:
        listed: Id of the listed party.
        name: Digest of the name that is not it (`Name.digest`).
        user: Who said so, by user id.
        reason: Why, in words.
        until: When it ends, microseconds UTC.
    """

    listed: _Id
    name: Annotated[str, Field(pattern="^[0-9a-f]{20}$")]
    user: _Id
    reason: Annotated[_Text, Field(min_length=1)]
    until: Annotated[int, Field(ge=1, le=4_102_444_800_000_000)]

    @property
    def order(self) -> tuple[str, ...]:
        """By listed party, then name."""
        return (self.listed, self.name)


Rows = Sequence[Entry] | Sequence[FalseHit]
_ENTRIES = TypeAdapter(list[Entry])
_EXCEPTIONS = TypeAdapter(list[FalseHit])


def canonical(rows: Rows) -> str:
    """The text of a list."""
    return "[" + ",".join(row.canonical for row in rows) + "]"


def digest(text: str) -> str:
    """The hash of a list's text, hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def joined(parts: Sequence[str]) -> str:
    """The text of a list from those of its chunks."""
    return "[" + ",".join(part[1:-1] for part in parts) + "]"


def parse(text: str, kind: str) -> Rows:
    """The rows of a list.

    Raises:
        ValueError: The text is not the canonical one of rows of this kind, in words.
    """
    try:
        rows: Rows = (
            _ENTRIES.validate_json(text) if kind == LISTED else _EXCEPTIONS.validate_json(text)
        )
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"row {place}: {first['msg']}") from None
    except RecursionError:
        raise ValueError("the rows are nested too deep") from None
    if not rows:
        raise ValueError("the list has no rows")
    if len(rows) > MOST_ROWS:
        raise ValueError(f"the list has {len(rows)} rows, at most {MOST_ROWS} are possible")
    for before, after in pairwise(rows):
        if before.order >= after.order:
            raise ValueError(f"row {after.order[0]} is not after {before.order[0]}, or is twice")
    if canonical(rows) != text:
        raise ValueError("the text is not canonical JSON")
    return rows

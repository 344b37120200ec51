"""Which version of each list is in force: its parts are gathered, then checked as a whole.

State: for each list the version in force and, beside it, the greatest one whose parts are still
coming in. A version is complete when all its parts are there; then its hash and its rows are
checked. What fails is dropped with a reason, and the version before stays.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from schemas.step import State, Table, TableSpec
from udfs.screening.listed import EXCEPTIONS, LISTED, Entry, FalseHit, digest, joined, parse
from udfs.screening.screener import Screener

MOST_LISTS = 32
"""So many lists a partition knows; a further one is refused."""
_COMPILED = 12
_FIELDS: Mapping[str, Any] = {
    "kind": "str",
    "epoch": "int",
    "hash": "str",
    "parts": "int",
    "first_offset": "int",
    "last_offset": "int",
}

TABLES = {
    "screening.lists": TableSpec(
        key="list",
        columns={
            "list": "str",
            **_FIELDS,
            **{f"next_{name}": kind for name, kind in _FIELDS.items()},
            "next_gathered": "int",
        },
    ),
    "screening.parts": TableSpec(key="part", columns={"part": "str", "rows": "str", "kept": "int"}),
}


@dataclass(frozen=True)
class Version:
    """One version of a list, in force, complete or refused."""

    list: str
    kind: str
    epoch: int
    hash: str
    parts: int
    first_offset: int
    last_offset: int


@dataclass(frozen=True)
class Refused:
    """A version that will not be put in force, and why."""

    version: Version
    reason: str


@dataclass(frozen=True)
class Content:
    """What a version says, ready for use: a screener, or exceptions by (entry id, name digest)."""

    entries: int
    ids: frozenset[str]
    screener: Screener | None
    exceptions: Mapping[tuple[str, str], FalseHit]


class Versions:
    """The lists of one partition."""

    def __init__(self, state: State, threshold: int) -> None:
        """Read and write `state`; screeners are made for `threshold`, parts per million."""
        self._lists: Table = state["screening.lists"]
        self._parts: Table = state["screening.parts"]
        self._threshold = threshold

    def in_force(self) -> list[Version]:
        """The versions in force, by name."""
        rows = self._lists.frame().filter(pl.col("epoch") > 0).to_dicts()
        return [_version(row, "") for row in rows]

    def content(self, version: Version) -> Content:
        """What a version in force says, from memory or made again from its parts."""
        found = _remembered(version.hash, self._threshold)
        return found or self._compiled(version, self._text(version))

    def take(self, part: Mapping[str, Any]) -> Version | Refused | None:
        """Take a part in: the version that it completes, or is refused with, or None."""
        key = pl.Series("list", [part["name"]])
        row = self._lists.lookup(key).to_dicts()[0]
        offered = Version(
            part["name"],
            part["kind"],
            part["epoch"],
            part["hash"],
            part["chunks"],
            part["offset"],
            part["offset"],
        )
        wrong = self._wrong(row, offered, part["chunk"])
        if wrong is not None:
            return Refused(offered, wrong) if wrong and part["chunk"] == 0 else None
        if offered.epoch > row["next_epoch"]:
            self._drop(_version(row, "next_"))
            row |= _columns(offered, "next_") | {"next_gathered": 0}
        name = _part(offered, part["chunk"])
        again = self._parts.lookup(pl.Series("part", [name]))["known"][0]
        row["next_gathered"] += not again
        row["next_first_offset"] = min(row["next_first_offset"], part["offset"])
        row["next_last_offset"] = max(row["next_last_offset"], part["offset"])
        self._parts.upsert(pl.DataFrame({"part": [name], "rows": [part["rows"]], "kept": [1]}))
        self._put(row)
        version = _version(row, "next_")
        return self._checked(version) if row["next_gathered"] == version.parts else None

    def enforce(self, version: Version) -> str:
        """Put a complete version in force; the hash of the one before, empty if there was none."""
        row = self._lists.lookup(pl.Series("list", [version.list])).to_dicts()[0]
        before: str = row["hash"]
        self._drop(_version(row, ""))
        self._put(row | _columns(version, "") | _columns(_NOTHING, "next_") | {"next_gathered": 0})
        return before

    def _wrong(self, row: Mapping[str, Any], offered: Version, chunk: int) -> str | None:
        """Why a part is not taken in; empty where nothing need be said of it, None if it is."""
        if not row["known"] and len(self._lists) >= MOST_LISTS:
            return f"there are {MOST_LISTS} lists already"
        if chunk >= offered.parts:
            return f"part {chunk} of {offered.parts} cannot be"
        if row["epoch"] and offered.kind != row["kind"]:
            return f"the list in force is of kind {row['kind']}, this one of kind {offered.kind}"
        if offered.epoch <= row["epoch"]:
            same = (offered.epoch, offered.hash) == (row["epoch"], row["hash"])
            return "" if same else f"epoch {row['epoch']} is in force, a greater one is asked"
        if offered.epoch < row["next_epoch"]:
            return f"epoch {row['next_epoch']} is coming in, a greater one is asked"
        if offered.epoch == row["next_epoch"]:
            coming = _version(row, "next_")
            if (coming.hash, coming.kind, coming.parts) != (
                offered.hash,
                offered.kind,
                offered.parts,
            ):
                return f"another version with epoch {offered.epoch} is coming in"
        return None

    def _checked(self, version: Version) -> Version | Refused:
        """A complete version whose text is what it says, else why not; then its parts go."""
        try:
            text = self._text(version)
            if digest(text) != version.hash:
                raise ValueError("the parts do not have the hash that they state")
            self._compiled(version, text)
        except ValueError as error:
            self._drop(version)
            row = self._lists.lookup(pl.Series("list", [version.list])).to_dicts()[0]
            self._put(row | _columns(_NOTHING, "next_") | {"next_gathered": 0})
            return Refused(version, str(error))
        return version

    def _compiled(self, version: Version, text: str) -> Content:
        rows = parse(text, version.kind)
        entries = [row for row in rows if isinstance(row, Entry)]
        exceptions = {(r.listed, r.name): r for r in rows if isinstance(r, FalseHit)}
        screener = Screener(entries, self._threshold) if version.kind == LISTED else None
        content = Content(len(rows), frozenset(e.id for e in entries), screener, exceptions)
        return _remember(version.hash, self._threshold, content)

    def _text(self, version: Version) -> str:
        names = [_part(version, chunk) for chunk in range(version.parts)]
        return joined(self._parts.lookup(pl.Series("part", names))["rows"].to_list())

    def _drop(self, version: Version) -> None:
        if version.parts:
            names = [_part(version, chunk) for chunk in range(version.parts)]
            known = self._parts.lookup(pl.Series("part", names)).filter("known")["part"]
            self._parts.upsert(pl.DataFrame({"part": known}).with_columns(kept=pl.lit(0)))
            self._parts.expire("kept", 1)

    def _put(self, row: Mapping[str, Any]) -> None:
        self._lists.upsert(pl.DataFrame([{k: v for k, v in row.items() if k != "known"}]))


_NOTHING = Version("", "", 0, "", 0, 0, 0)
_CONTENTS: OrderedDict[tuple[str, int], Content] = OrderedDict()


def _remembered(hash_: str, threshold: int) -> Content | None:
    found = _CONTENTS.get((hash_, threshold))
    if found is not None:
        _CONTENTS.move_to_end((hash_, threshold))
    return found


def _remember(hash_: str, threshold: int, content: Content) -> Content:
    """Keep it for all partitions of this process; the list that was asked for longest ago goes."""
    _CONTENTS[hash_, threshold] = content
    while len(_CONTENTS) > _COMPILED:
        _CONTENTS.popitem(last=False)
    return content


def _version(row: Mapping[str, Any], prefix: str) -> Version:
    return Version(row["list"], *(row[prefix + name] for name in _FIELDS))


def _columns(version: Version, prefix: str) -> dict[str, Any]:
    return {prefix + name: getattr(version, name) for name in _FIELDS}


def _part(version: Version, chunk: int) -> str:
    return f"{version.list}|{version.epoch}|{chunk}"


__all__ = ["EXCEPTIONS", "LISTED", "TABLES", "Content", "Refused", "Version", "Versions"]

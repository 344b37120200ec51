"""The fields a regulation asks for: which of them are given, from what, and which are missing."""

import json
from dataclasses import dataclass
from importlib.resources import files

import polars as pl


@dataclass(frozen=True)
class Field:
    """One field of a report.

    Attributes:
        field: Its number in the regulation's table.
        name: Its name there.
        source: What fills it; None if nothing does.
        note: How, or why not.
    """

    field: str
    name: str
    source: str | None
    note: str

    @property
    def column(self) -> str:
        """Its heading in the report's table."""
        return f"{self.field} {self.name}"


def load(name: str) -> list[Field]:
    """The fields of `NAME.json`, in the regulation's order."""
    text = files("deploy.reports").joinpath(f"{name}.json").read_text(encoding="utf-8")
    return [Field(f["field"], f["name"], f.get("from"), f["note"]) for f in json.loads(text)]


def listing(fields: list[Field], missing: frozenset[str] = frozenset()) -> pl.DataFrame:
    """The side file: field, name, status (given or missing), source, note.

    `missing` names fields that have a source which gave nothing this time.
    """
    rows = []
    for field in fields:
        given = field.source is not None and field.field not in missing
        source = (field.source or "") if given else ""
        rows.append((field.field, field.name, "given" if given else "missing", source, field.note))
    return pl.DataFrame(
        rows, schema=["field", "name", "status", "source", "note"], orient="row"
    ).cast(pl.String)

"""The rule sets in force: the live one, a shadow beside it, and the state each has of its own."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import cast

import polars as pl

from schemas.step import State, Table, TableSpec
from udfs.aml import handling, records, typologies
from udfs.aml.catalogue import PARAMS, RULES
from udfs.aml.rule import CASH_TABLE, FLOWS_TABLE
from udfs.aml.ruleset import RuleSet, canonical, default, parse
from udfs.aml.trust import verify
from udfs.motifs.params import MOTIFS

VERSION = "aml/1"
"""Changes when the results of the same input do."""
NAME = "aml"
"""Rule sets of this name are for this job; those of others are passed over."""
LIVE, SHADOW = "", "shadow."
"""The slots, as the prefix of their tables."""

_OWN = {name: spec for rule in RULES.values() for name, spec in rule.tables.items()}
_OWN |= {handling.MEMORY: handling.TABLES[handling.MEMORY]} | typologies.TABLES
"""What each slot has of its own: a shadow set must not disturb the live one."""
SETS = "aml.sets"
TABLES = {
    SETS: TableSpec({"slot": "str", "epoch": "int", "body": "str"}, "slot"),
    handling.SNOOZES: handling.TABLES[handling.SNOOZES],
    **{slot + name: spec for slot in (LIVE, SHADOW) for name, spec in _OWN.items()},
}


class Slot(Mapping[str, Table]):
    """The state as a rule of one slot sees it: its own tables, and the shared history."""

    def __init__(self, state: State, slot: str, cash: "Remembered") -> None:
        """Names of own tables are looked up under the slot's prefix."""
        self._state = state
        self._slot = slot
        self._cash = cash

    def __getitem__(self, name: str) -> Table:
        """A table by the name a rule gives it."""
        if name == CASH_TABLE:
            return cast(Table, self._cash)
        return self._state[self._slot + name if name in _OWN else name]

    def __iter__(self) -> Iterator[str]:
        """All names a rule may use."""
        return iter([*_OWN, CASH_TABLE, FLOWS_TABLE])

    def __len__(self) -> int:
        """Number of those."""
        return len(_OWN) + 2


class Remembered:
    """A table that rules only read as a whole: one frame serves them all."""

    def __init__(self, table: Table) -> None:
        """Nothing is read yet."""
        self._table = table
        self._frame: pl.DataFrame | None = None

    def __len__(self) -> int:
        """Number of rows."""
        return len(self._table)

    def frame(self) -> pl.DataFrame:
        """All rows, in the order of arrival."""
        if self._frame is None:
            self._frame = self._table.frame()
        return self._frame


def switch(
    state: State,
    sets: pl.DataFrame,
    keys: tuple[bytes, ...],
    shard: int,
    version: str = VERSION,
) -> pl.DataFrame:
    """Put rule sets in force; alerts for those that are refused: what runs stays as it is."""
    refused = []
    for row in sets.filter(pl.col("name") == NAME).iter_rows(named=True):
        slot = LIVE if row["mode"] == "LIVE" else SHADOW
        key = pl.Series("slot", ["live" if slot == LIVE else "shadow"])
        why = verify(row, keys, state[SETS].lookup(key)["epoch"][0])
        ends = row["mode"] == "SHADOW_END"
        why = why or (None if ends else _unreadable(row["body"]))
        if why is not None:
            refused.append({name: row[name] for name in ("at", "name", "epoch", "offset")})
            refused[-1]["why"] = why
            continue
        if slot == SHADOW:
            _renew_shadow(state, ends)
        body = "" if ends else row["body"]
        state[SETS].upsert(pl.DataFrame({"slot": key, "epoch": row["epoch"], "body": body}))
    return records.refusals(refused, version, shard)


def _unreadable(body: str) -> str | None:
    """Why a signed body is no rule set after all, as of another release."""
    try:
        parsed(body)
    except ValueError as error:
        return f"no-rule-set: {error}"
    return None


def _renew_shadow(state: State, ends: bool) -> None:
    """A shadow starts with what the live set remembers, so that both have the same history.

    One that ends leaves nothing.
    """
    for name, spec in _OWN.items():
        shadow = state[SHADOW + name]
        shadow.clear()
        if not ends:
            (shadow.append if spec.key is None else shadow.upsert)(state[name].frame())


DEFAULT_BODY = canonical(default(PARAMS, MOTIFS))


@cache
def parsed(body: str) -> RuleSet:
    """The rule set of a text; ValueError if it is none."""
    return parse(body, PARAMS, MOTIFS)


def in_force(state: State) -> dict[str, str]:
    """The body of each slot's rule set, the live one first; without a shadow only that."""
    bodies = dict(state[SETS].frame().select("slot", "body").iter_rows())
    found = {LIVE: bodies.get("live") or DEFAULT_BODY}
    return found | ({SHADOW: bodies["shadow"]} if bodies.get("shadow") else {})

"""What has been said of a name already: alerts raised before, and exceptions that people made.

A row of `raised` stands for a subject and a listed party, so that a hit on a customer is raised
again only when the name or the entry changes, and one in payments after a while. An exception holds
for a subject, a name and an entry as it was: it lapses when the entry changes or its time is over.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from schemas.step import State, TableSpec

NEVER = 2**62
TABLES = {
    "screening.raised": TableSpec(
        key="pair",
        columns={
            "pair": "str",
            "list": "str",
            "listed": "str",
            "name": "str",
            "entry": "str",
            "expires": "int",
        },
    ),
    "screening.exceptions": TableSpec(
        key="pair",
        columns={"pair": "str", "entry": "str", "until": "int", "user": "str", "reason": "str"},
    ),
}


@dataclass(frozen=True)
class Pair:
    """A subject under a name, and a listed party as it was; digests as in `Name` and `Entry`."""

    subject: str
    list: str
    listed: str
    name: str
    entry: str

    @property
    def key(self) -> str:
        """Of exceptions."""
        return f"{self.subject}|{self.list}|{self.listed}|{self.name}"

    def raised_key(self, customer: bool) -> str:
        """Of alerts raised: on a customer whatever the name, in payments by name."""
        return f"C|{self.subject}|{self.list}|{self.listed}" if customer else f"P|{self.key}"

    def alert_id(self, rule: str, event: str) -> str:
        """The id of the alert on this pair: an action on the alert tells the pair by it."""
        return f"{rule}|{self.list}|{self.listed}|{self.name}|{self.entry}|{event}"

    @staticmethod
    def of_alert(subject: str, alert_id: str) -> "Pair | None":
        """The pair of an alert; None if it is not an alert of screening."""
        parts = alert_id.split("|")
        return Pair(subject, *parts[1:5]) if len(parts) == 6 else None


@dataclass
class Known:
    """The rows that a stretch of the log may need, and what it changes."""

    state: State
    raised: dict[str, dict[str, Any]] = field(default_factory=dict)
    exceptions: dict[str, dict[str, Any]] = field(default_factory=dict)

    def load(self, pairs: Iterable[tuple[Pair, bool]], more: Iterable[Pair] = ()) -> None:
        """Look up pairs (and whether each is of a customer), and pairs that are acted on."""
        asked = list(pairs)
        acted = list(more)
        raised = {pair.raised_key(customer) for pair, customer in asked}
        raised |= {pair.raised_key(customer=True) for pair in acted}
        keys = {pair.key for pair, _ in asked} | {pair.key for pair in acted}
        self.raised = self._rows("screening.raised", raised)
        self.exceptions = self._rows("screening.exceptions", keys)

    def excepted(self, pair: Pair, at: int) -> bool:
        """Whether a person said that this is not the listed party, as it is, at `at`."""
        row = self.exceptions.get(pair.key)
        return row is not None and row["entry"] == pair.entry and at < row["until"]

    def repeated(self, pair: Pair, customer: bool, at: int) -> bool:
        """Whether it was raised before and need not be again at `at`."""
        row = self.raised.get(pair.raised_key(customer))
        return (
            row is not None
            and (row["name"], row["entry"]) == (pair.name, pair.entry)
            and at < row["expires"]
        )

    def raise_(self, pair: Pair, customer: bool, expires: int) -> None:
        """Remember that it was raised, until `expires`."""
        key = pair.raised_key(customer)
        self.raised[key] = {
            "pair": key,
            "list": pair.list,
            "listed": pair.listed,
            "name": pair.name,
            "entry": pair.entry,
            "expires": expires,
        }

    def act(self, pair: Pair, until: int, user: str, reason: str) -> None:
        """Make an exception until then, or end it if `until` is 0.

        What was raised on a customer may be raised again once the exception is over.
        """
        self.exceptions[pair.key] = {
            "pair": pair.key,
            "entry": pair.entry,
            "until": until,
            "user": user,
            "reason": reason,
        }
        row = self.raised.get(pair.raised_key(customer=True))
        if row is not None and (row["name"], row["entry"]) == (pair.name, pair.entry):
            row["expires"] = until or NEVER

    def save(self) -> None:
        """Write back."""
        for name, rows in (
            ("screening.raised", self.raised),
            ("screening.exceptions", self.exceptions),
        ):
            if rows:
                ordered = [rows[key] for key in sorted(rows)]
                self.state[name].upsert(pl.DataFrame(ordered, infer_schema_length=None))

    def _rows(self, table: str, keys: set[str]) -> dict[str, dict[str, Any]]:
        if not keys:
            return {}
        found = self.state[table].lookup(pl.Series("pair", sorted(keys))).filter("known")
        return {row["pair"]: row for row in found.drop("known").to_dicts()}


def forget(state: State, list_: str, ids: frozenset[str]) -> None:
    """Drop what was raised on customers for parties that a list holds no longer."""
    table = state["screening.raised"]
    gone = table.frame().filter(
        (pl.col("list") == list_)
        & pl.col("pair").str.starts_with("C|")
        & ~pl.col("listed").is_in(sorted(ids))
    )
    if gone.height:
        table.upsert(gone.select("pair", expires=pl.lit(-NEVER)))
        table.expire("expires", 1 - NEVER)

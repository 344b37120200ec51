"""The rule sets of the topic `rules`: what was published when, and which one a person means."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.errors import UserError
from deploy.proofs.sources import Source
from deploy.rules.recorded import Recorded, recorded
from udfs.aml.plain import RuleSetError, from_json

TOPIC = "rules"
LIVE, SHADOW, SHADOW_END = "LIVE", "SHADOW", "SHADOW_END"
_FEWEST_DIGITS = 6


@dataclass(frozen=True)
class Published:
    """A rule set record, and the partitions that have it; all are to have each."""

    row: Mapping[str, Any]
    partitions: frozenset[int]

    @property
    def epoch(self) -> int:
        """Its running number."""
        return int(self.row["epoch"])

    @property
    def mode(self) -> str:
        """LIVE, SHADOW or SHADOW_END."""
        return str(self.row["mode"])

    @property
    def hash(self) -> str:
        """SHA-256 of its body."""
        return str(self.row["hash"])

    @property
    def rules(self) -> dict[str, Any]:
        """Its body as tables, as published: rules that are not known here, too."""
        try:
            found: dict[str, Any] = from_json(self.row["body"] or "{}")
        except RuleSetError as error:
            raise UserError(f"epoch {self.epoch} holds no rule set: {error}") from None
        return found


def of_records(found: Iterable[Recorded]) -> list[Published]:
    """What was published, by epoch; copies in several partitions are one."""
    rows: dict[str, Mapping[str, Any]] = {}
    places: dict[str, set[int]] = {}
    for one in found:
        name = one.row["ruleset_id"]
        rows.setdefault(name, one.row)
        places.setdefault(name, set()).add(one.partition)
    made = [Published(row, frozenset(places[name])) for name, row in rows.items()]
    return sorted(made, key=lambda one: (one.epoch, one.row["ruleset_id"]))


def published(source: Source, partitions: Iterable[int]) -> list[Published]:
    """What was published, by epoch."""
    return of_records(recorded(source, TOPIC, partitions))


def newest(found: Sequence[Published], *modes: str) -> Published | None:
    """The last one of these modes."""
    return next((one for one in reversed(found) if one.mode in modes), None)


def chosen(found: Sequence[Published], which: str) -> Published:
    """The one that is meant by `live`, `shadow`, an epoch or the start of a hash.

    `live` and `shadow` are the last published ones, in force already or not.

    Raises:
        UserError: There is none, or a hash fits several.
    """
    told = "; look at: tidemark rules show"
    if which in ("live", "shadow"):
        one = newest(found, LIVE) if which == "live" else newest(found, SHADOW, SHADOW_END)
        if one is None or one.mode == SHADOW_END:
            raise UserError(f"there is no {which} rule set{told}")
        return one
    with_body = [one for one in found if one.mode != SHADOW_END]
    fits = [one for one in with_body if str(one.epoch) == which]
    if not fits and len(which) >= _FEWEST_DIGITS:
        fits = [one for one in with_body if one.hash.startswith(which)]
    if len({one.hash for one in fits}) > 1:
        raise UserError(f"{which} fits several rule sets; give more digits{told}")
    if not fits:
        raise UserError(
            f"{which[:70]!r} is no file, no epoch and no hash (from {_FEWEST_DIGITS} digits) of a "
            f"published rule set{told}"
        )
    return fits[-1]

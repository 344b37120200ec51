"""Impossible travel: a card is at two places too far apart for the time between.

Definition: of two successive card-present events of an owner the distance is above 100 km and the
speed above 900 km/h. Events without the card and those without a position (0, 0) are passed over.
Late events are passed over, too: when they count is not when the card was there. Source: common
practice of card monitoring; the numbers are starting values.
Units: positions in 10^-6 degree; the distance is the great circle by the haversine formula on a
sphere of radius 6,371,009 m, rounded to whole metres; speed in metres an hour, rounded up. The
bands are by speed: 900,001 m/h is the least above 900 km/h. Nothing scales with the owner's factor.

State: position and time of each owner's last card-present event.
"""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
import polars as pl
from pydantic import Field, field_validator

from schemas.step import State, TableSpec
from udfs.aml.flow_groups import Array, Group, by_code, group
from udfs.aml.flow_said import History, Report, lasting, ranked
from udfs.aml.flow_windows import by_owner
from udfs.aml.rule import HOUR, NOTHING, Band, Moment, RuleParams

NAME = "impossible-travel"
RADIUS = 6_371_009
"""Mean radius of the earth, metres (IUGG)."""
_LAST = f"aml.{NAME}.last"
_SLOWEST = 120_000
"""Half round the earth at this speed takes less time than postings are remembered."""
_PLACE = ("at", "latitude", "longitude", "offset")
_FASTEST = 10**12


class Params(RuleParams):
    """What a rule set chooses; the bands are by speed, metres an hour.

    Attributes:
        distance_m: The distance must lie above it, metres.
    """

    distance_m: Annotated[int, Field(ge=0, le=20_100_000)] = 100_000
    bands: Annotated[tuple[Band, ...], Field(min_length=1, max_length=3)] = (
        Band(name="LOW", at_least=900_001, score=500_000),
        Band(name="MEDIUM", at_least=2_000_001, score=700_000),
        Band(name="HIGH", at_least=10_000_001, score=900_000),
    )

    @field_validator("bands")
    @classmethod
    def _fast(cls, bands: tuple[Band, ...]) -> tuple[Band, ...]:
        if bands[0].at_least < _SLOWEST:
            raise ValueError(f"bands begin at {_SLOWEST} m/h or more, not {bands[0].at_least}")
        return bands


class ImpossibleTravel:
    """The rule; see the module."""

    name = NAME
    tables: Mapping[str, TableSpec] = {_LAST: by_owner(_PLACE)}

    def __call__(
        self, state: State, events: pl.DataFrame, moment: Moment, params: Params
    ) -> pl.DataFrame:
        """Outcomes of the events that come too fast after the one before."""
        there = (pl.col("latitude") != 0) | (pl.col("longitude") != 0)
        seen = events.filter(pl.col("card_present") & there & ~pl.col("late"))
        if seen.is_empty():
            return NOTHING
        of_call = group(seen)
        order = by_code(of_call.codes)
        now = {name: seen[name].to_numpy()[order] for name in _PLACE}
        before, known = _before(state, of_call, of_call.codes[order], now)
        distance = metres(before, now)
        speed = np.minimum(-(-distance * HOUR // np.maximum(now["at"] - before["at"], 1)), _FASTEST)
        fast = known & (distance > params.distance_m) & (speed >= params.bands[0].at_least)
        if not fast.any():
            return NOTHING
        found = seen[order[fast]].with_columns(
            distance=pl.Series(distance[fast]),
            speed=pl.Series(speed[fast]),
            before_at=pl.Series(before["at"][fast]),
            before_offset=pl.Series(before["offset"][fast]),
        )
        return _told(state, ranked(found.sort("at", "posting_id"), "speed", params.bands), params)


def _before(
    state: State, events: Group, codes: Array, now: Mapping[str, Array]
) -> tuple[dict[str, Array], Array]:
    """Place and time of the owner's event before each, and whether there is one."""
    first = np.flatnonzero(np.diff(codes, prepend=-1))
    last = np.append(first[1:], len(codes)) - 1
    owners = pl.Series("owner_number", events.owners)
    stored = state[_LAST].lookup(owners)
    known = np.ones(len(codes), dtype=bool)
    known[first] = stored["known"].to_numpy()
    before = {}
    for name in _PLACE:
        before[name] = np.roll(now[name], 1)
        before[name][first] = stored[name].to_numpy()
    state[_LAST].upsert(pl.DataFrame({"owner_number": owners} | {n: now[n][last] for n in _PLACE}))
    return before, known


def metres(start: Mapping[str, Array], end: Mapping[str, Array]) -> Array:
    """Great-circle distance between positions in 10^-6 degree, whole metres (haversine)."""
    north, south = (np.radians(place["latitude"] / 1e6) for place in (start, end))
    east = np.radians((end["longitude"] - start["longitude"]) / 1e6)
    half = np.sin((south - north) / 2) ** 2 + np.cos(north) * np.cos(south) * np.sin(east / 2) ** 2
    distance = 2 * RADIUS * np.arcsin(np.sqrt(np.minimum(half, 1)))
    return np.asarray(np.rint(distance).astype(np.int64))


def _told(state: State, found: pl.DataFrame, params: Params) -> pl.DataFrame:
    history = History(state, found["owner_number"])
    report, offset = Report(history), history.rows["offset"].to_numpy()
    for row in found.rows(named=True):
        places = history.up_to(row["owner_number"], row["before_at"] - 1, row["posting_id"])
        places = places[np.isin(offset[places], [row["before_offset"], row["offset"]])]
        took = lasting(row["at"] - row["before_at"])
        measured = f"{row['distance'] // 1_000} km in {took}, {row['speed'] // 1_000} km/h"
        report.add(
            row,
            places,
            amount=row["base"],
            measured=measured,
            limit=f"{params.distance_m // 1_000} km, {params.bands[0].at_least // 1_000} km/h",
            reason=f"Card present at two places {measured}",
        )
    return report.frame()


RULE = ImpossibleTravel()

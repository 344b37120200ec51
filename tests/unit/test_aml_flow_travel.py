"""Impossible travel: distances on the sphere by hand; definition in the module."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.aml_flow_fold import START, cuts_of, fold
from udfs.aml.flow_travel import RADIUS, ImpossibleTravel, Params, metres
from udfs.aml.rule import HOUR, MINUTE, Band

RULE = ImpossibleTravel()
PARAMS = Params()
BERLIN, PARIS = (52_520_000, 13_405_000), (48_856_600, 2_352_200)


def paid(*places, **more):
    """Card-present postings (instant, (latitude, longitude))."""
    return [
        {"at": START + at, "latitude": north, "longitude": east, "channel": "CARD",
         "card_present": True, **more}
        for at, (north, east) in places
    ]  # fmt: skip


def place(north, east):
    return {"latitude": np.array([north]), "longitude": np.array([east])}


def test_distances():
    """A degree of a meridian, half round the earth, and Berlin to Paris by the law of cosines."""
    assert metres(place(0, 0), place(1_000_000, 0)).tolist() == [round(RADIUS * math.pi / 180)]
    assert metres(place(0, 0), place(0, 180_000_000)).tolist() == [round(RADIUS * math.pi)]
    assert metres(place(90_000_000, 5), place(-90_000_000, 7)).tolist() == [round(RADIUS * math.pi)]
    assert metres(place(0, 179_500_000), place(0, -179_500_000)).tolist() == [111_195]
    a, b, c = (math.radians(d / 1e6) for d in (BERLIN[0], PARIS[0], BERLIN[1] - PARIS[1]))
    arc = math.acos(math.sin(a) * math.sin(b) + math.cos(a) * math.cos(b) * math.cos(c))
    assert metres(place(*BERLIN), place(*PARIS)).tolist() == [round(RADIUS * arc)]


def north(distance_m):
    """A place so far north of (10, 10) degrees, to less than a decimetre."""
    return 10_000_000 + round(math.degrees(distance_m / RADIUS) * 1e6), 10_000_000


@pytest.mark.parametrize(("distance_m", "count"), [(99_999.9, 0), (100_000.0, 0), (100_001.0, 1)])
def test_the_distance_lies_above_100_km(distance_m, count):
    rows = paid((0, (10_000_000, 10_000_000)), (MINUTE, north(distance_m)))
    assert fold(RULE, rows, PARAMS).height == count


@pytest.mark.parametrize(("more", "count"), [(-1, 1), (0, 0), (1, 0)])
def test_the_speed_lies_above_900_kmh(more, count):
    """111,195 m at 900 km/h, which is 4,000 us a metre, take 444,780,000 us."""
    rows = paid((0, (10_000_000, 10_000_000)), (444_780_000 + more, (11_000_000, 10_000_000)))
    assert fold(RULE, rows, PARAMS).height == count


@pytest.mark.parametrize(
    ("after", "band"),
    [(HOUR // 2, "LOW"), (HOUR // 3, "MEDIUM"), (5 * MINUTE, "HIGH"), (0, "HIGH")],
)
def test_bands_by_speed(after, band):
    """Berlin to Paris is 877 km."""
    assert fold(RULE, paid((0, BERLIN), (after, PARIS)), PARAMS)["band"].to_list() == [band]


def test_what_is_said():
    (row,) = fold(
        RULE, paid((0, BERLIN)) + paid((HOUR // 2, PARIS), account="A2"), PARAMS
    ).to_dicts()
    assert row["measured"] == "877 km in 0 h 30 min, 1754 km/h"
    assert row["limit"] == "100 km, 900 km/h"
    assert row["events"] == ["p0000", "p0001"]
    assert (row["account"], row["event_count"], row["first_time"]) == ("", 2, START)


def test_what_says_nothing_of_the_place_is_passed_over():
    here, there = paid((0, BERLIN)), paid((2, PARIS))
    for between in (
        paid((1, PARIS), card_present=False),
        paid((1, (0, 0))),
        paid((1, PARIS), late=True),
        paid((1, PARIS), owner="B"),
    ):
        assert fold(RULE, here + between, PARAMS).is_empty()
        found = fold(RULE, here + between + there, PARAMS)
        assert found["events"].to_list() == [["p0000", "p0002"]]


def test_only_successive_events_are_compared():
    rows = paid((0, BERLIN), (HOUR, BERLIN), (HOUR + 1, BERLIN), (5 * HOUR, PARIS))
    assert fold(RULE, rows, PARAMS).is_empty()
    found = fold(RULE, paid((0, BERLIN), (1, PARIS), (2, BERLIN)), PARAMS)
    assert found["events"].to_list() == [["p0000", "p0001"], ["p0001", "p0002"]]


def test_half_round_the_earth_is_remembered():
    """20,015 km at 900 km/h take 22.2 hours."""
    rows = paid((0, (0, 1)), (22 * HOUR, (0, -179_999_999)))
    assert fold(RULE, rows, PARAMS, ends=[START + i * HOUR for i in range(22)]).height == 1
    assert fold(RULE, paid((0, (0, 1)), (23 * HOUR, (0, -179_999_999))), PARAMS).is_empty()


def test_a_speed_below_that_of_a_car_is_refused():
    with pytest.raises(ValidationError, match="120000 m/h or more"):
        Params(bands=(Band(name="LOW", at_least=119_999, score=1),))


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "at": st.integers(0, 40).map(lambda t: START + t * HOUR // 4),
            "owner": st.sampled_from("AB"),
            "latitude": st.sampled_from([0, 52_520_000, 48_856_600]),
            "longitude": st.just(0),
            "card_present": st.booleans(),
            "late": st.booleans(),
        }
    ),
    min_size=1,
    max_size=50,
)


@settings(max_examples=100, deadline=None)
@given(ROWS, st.data())
def test_other_cuts_give_the_same_outcomes(rows, data):
    ends = data.draw(cuts_of(rows))
    assert fold(RULE, rows, PARAMS, ends, restart=True).equals(fold(RULE, rows, PARAMS))

"""Pressure in one book with the trade in another is found, in whichever order it comes."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.state import ColumnTable
from schemas.step import Clock
from tests.abuse_made import ISIN, MIC, MIC2, OTHER, SECOND, START, Venue, fold
from udfs.abuse import step as abuse
from udfs.abuse.crossing import TABLES, CrossingStep


def venue_with(trade_side, isin, mic, wait=2):
    """A bait of 200 to buy at 99.98 in one book; meanwhile a trade of 5 in another."""
    venue = Venue()
    for place in ((ISIN, MIC), (isin, mic)):
        where = {"isin": place[0], "mic": place[1]}
        venue.order("maker", "BUY", 50, 10_000, **where)
        venue.order("maker", "SELL", 50, 10_010, **where)
    venue.wait(60)
    bait = venue.order("s", "BUY", 200, 9_998)
    if wait > 0:
        venue.wait(wait)
    price = 10_000 if trade_side == "SELL" else 10_010
    venue.order("s", trade_side, 5, price, isin=isin, mic=mic)
    venue.wait(2)
    venue.cancel(bait)
    return venue


def links(direction):
    row = {"isin": ISIN, "other": OTHER, "direction": direction, "offset": 0, "appended": 0}
    return pl.DataFrame([row])


def episodes(venue, direction=1):
    given = {"instrument.links": links(direction)}
    out = fold(abuse.AbuseStep(), abuse.TABLES, venue.frame(), links=given)
    found = out["episodes"]
    place = pl.int_range(found.height, dtype=pl.Int64)
    return found.with_columns(offset=place, appended=place + 10)


def crossed(found, direction=1, ends=None):
    state = {name: ColumnTable(spec) for name, spec in TABLES.items()}
    step, begin, said = CrossingStep(), 0, []
    for end in ends or [found.height]:
        batch = {"episodes": found[begin:end]} if end > begin else {}
        if not begin and direction is not None:
            batch["instrument.links"] = links(direction)
        said += step(state, batch, Clock(end, 0)).get("alerts", pl.DataFrame()).to_dicts()
        begin = end
    return said


def test_a_spoof_on_one_venue_with_the_trade_on_the_other():
    found = episodes(venue_with("SELL", ISIN, MIC2))
    by_kind = {row["kind"]: row for row in found.filter(pl.col("owner") == "s").to_dicts()}
    assert by_kind["PRESSURE"]["mic"] == MIC
    assert by_kind["PRESSURE"]["share_ppm"] == 800_000  # 200 of 50 + 200
    assert (by_kind["TRADE"]["mic"], by_kind["TRADE"]["quantity"]) == (MIC2, 5)
    (alert,) = crossed(found)
    assert (alert["rule"], alert["subject"], alert["venue"]) == ("cross-venue", "s", MIC)
    assert alert["event_count"] == 2
    turned = found.reverse().with_columns(found["offset"], found["appended"])
    assert [one["rule"] for one in crossed(turned)] == ["cross-venue"]


@pytest.mark.parametrize(
    ("direction", "side", "expected"),
    [
        (1, "SELL", ["cross-product"]),
        (1, "BUY", []),
        (-1, "BUY", ["cross-product"]),
        (-1, "SELL", []),
    ],
)
def test_a_spoof_with_the_trade_in_a_linked_instrument(direction, side, expected):
    found = episodes(venue_with(side, OTHER, MIC), direction)
    assert [one["rule"] for one in crossed(found, direction)] == expected


def test_a_trade_on_the_same_side_or_in_the_same_book_is_none():
    assert crossed(episodes(venue_with("BUY", ISIN, MIC2))) == []
    assert crossed(episodes(venue_with("SELL", ISIN, MIC))) == []


def test_books_that_go_with_no_other_tell_no_episodes():
    out = fold(abuse.AbuseStep(), abuse.TABLES, venue_with("SELL", ISIN, MIC).frame())
    assert "episodes" not in out


def test_trades_long_before_the_pressure_are_no_part_of_it():
    found = episodes(venue_with("SELL", ISIN, MIC2))
    early = pl.when(pl.col("kind") == "TRADE").then(START - 5 * SECOND)
    moved = found.with_columns(
        first_time=early.otherwise("first_time"), last_time=early.otherwise("last_time")
    )
    assert crossed(moved) == []


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(2)), st.lists(st.integers(0, 2), max_size=3))
def test_any_order_and_cut_finds_it_once(order, cuts):
    found = episodes(venue_with("SELL", ISIN, MIC2))
    assert found.height == 2
    shuffled = found[list(order)].with_columns(found["offset"], found["appended"])
    whole = crossed(shuffled)
    assert [one["rule"] for one in whole] == ["cross-venue"]
    assert crossed(shuffled, ends=[*sorted(cuts), 2]) == whole

"""Events that cannot be used are refused with a reason, and the rest goes on."""

from tests.abuse_made import Venue, fold, frame
from udfs.abuse.step import TABLES, AbuseStep


def refused(rows):
    out = fold(AbuseStep(), TABLES, frame(rows))
    if "abuse.refused" not in out:
        return []
    return [(row["reason"], row["subject"]) for row in out["abuse.refused"].to_dicts()]


def rows():
    venue = Venue()
    venue.order("a", "BUY", 10, 10_000, order_id="one")
    venue.wait(1)
    venue.order("b", "SELL", 4, 10_000, order_id="two")
    venue.wait(1)
    venue.cancel("one")
    return venue.rows


def test_sound_events_are_not_refused():
    assert refused(rows()) == []


def test_an_execution_without_its_order():
    assert refused(rows()[1:]) == [("EXECUTION_WITHOUT_ORDER", "one"), ("UNKNOWN_ORDER", "one")]


def test_the_entry_of_an_open_order_and_the_cancel_of_one_that_is_over():
    given = rows()
    again = given[0] | {"event_id": "again"}
    assert refused([given[0], again, *given[1:]]) == [("DUPLICATE_ORDER", "one")]
    assert refused([*given, given[-1] | {"event_id": "twice"}]) == [("UNKNOWN_ORDER", "one")]


def test_time_that_goes_backwards_within_an_order():
    given = rows()
    early = given[-1] | {"time": given[0]["time"] - 1}
    assert refused([*given[:-1], early]) == [("TIME_BACKWARDS", "one")]


def test_an_id_may_be_used_again_after_its_order_is_over():
    given = rows()
    again = given[0] | {"event_id": "again", "time": given[-1]["time"]}
    assert refused([*given, again]) == []

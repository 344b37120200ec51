"""Marks by hand and against a second implementation; other cuts change nothing that stands."""

import pickle
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.records import record
from schemas.step import MIN_TIME, Clock
from tests.mark_log import SHARD, A, B, fold, placed, quote, terms
from tests.naive.logs import cuts
from tests.naive.marks import naive_marks
from tests.naive.tables import naive_state
from udfs.risk.marking import TABLES, MarkStep
from udfs.shape import ENGINE

PLACED = [name for name in record("Mark").columns if name not in ENGINE]
PRICES = ("time", "bid", "ask", "quality", "last_refused", "quotes", "refused", "late")
UNITS = st.sampled_from([("EUR", 2), ("EUR", 2), ("EUR", 2), ("USD", 2), ("EUR", 4)])
QUOTED = st.builds(
    lambda isin, time, bid, spread, unit, sequence: quote(
        isin, time, bid, bid + spread, currency=unit[0], price_scale=unit[1], sequence=sequence
    ),
    st.sampled_from([A, B]),
    st.integers(0, 12),
    st.sampled_from([-1, 0, 99, 100, 101]),
    st.sampled_from([-2, 0, 1, 2, 2]),
    UNITS,
    st.integers(0, 3),
)
KNOWN = st.builds(
    lambda isin, time, unit, multiplier: terms(
        isin, time, currency=unit[0], price_scale=unit[1], multiplier=multiplier
    ),
    st.sampled_from([A, B]),
    st.integers(0, 5),
    UNITS,
    st.sampled_from([1, 10]),
)
LOGS = st.lists(st.one_of(QUOTED, QUOTED, QUOTED, KNOWN), max_size=20)


def told(log, ends=()):
    """What the marks say of prices, in short."""
    return [tuple(mark[name] for name in PRICES) for mark in fold(log, ends)[0]]


@given(LOGS, st.data())
def test_equals_the_definition_in_plain_loops(log, data):
    ends = data.draw(cuts(len(log)))
    found = fold(log, ends)[0]
    expected = naive_marks(placed(log), ends, SHARD)
    assert found == [{name: mark[name] for name in PLACED} for mark in expected]


@given(LOGS, st.data())
def test_other_cuts_change_nothing_that_stands(log, data):
    whole = fold(log)[1]
    cut = fold(log, data.draw(cuts(len(log))), naive_state(TABLES))[1]
    for name, table in whole.items():
        assert table.rows() == cut[name].rows()


def test_a_cut_after_each_record_changes_nothing_that_stands():
    log = [quote(A, 1, 9, 8), terms(B), quote(A, 10, 100, 102), quote(B, 11, 1, 2), terms(A, 1)]
    log += [quote(A, 9, 1, 2, currency="USD"), terms(A, 2, price_scale=4), quote(A, 8, 5, 6)]
    log += [quote(A, 7, 500, 600, price_scale=4), terms(A, 3), terms(A, 3, price_scale=4)]
    whole, each = fold(log)[1], fold(log, range(1, len(log)))[1]
    assert all(table.rows() == each[name].rows() for name, table in whole.items())


@given(LOGS, st.data())
def test_every_quote_is_counted_once_and_every_mark_has_its_id(log, data):
    marks, _ = fold(log, data.draw(cuts(len(log))))
    counted = Counter()
    for mark in marks:
        assert 0 <= mark["refused"] <= mark["quotes"]
        assert (mark["quality"] == "GOOD") == (0 < mark["bid"] <= mark["ask"])
        assert (mark["bid"] == 0) == (mark["ask"] == 0)
        counted[mark["isin"]] += mark["quotes"]
    assert counted == Counter(row["isin"] for topic, row in log if topic == "quotes")
    assert len({mark["mark_id"] for mark in marks}) == len(marks)


def test_the_last_of_several_quotes_stands():
    log = [terms(A), quote(A, 10, 100, 102), quote(A, 11, 101, 103), quote(A, 12, 99, 101)]
    assert told(log) == [(12, 99, 101, "GOOD", "NONE", 3, 0, False)]


def test_quotes_of_one_moment_are_ordered_by_number_then_place():
    log = [terms(A), quote(A, 10, 100, 102, sequence=5), quote(A, 10, 101, 103, sequence=4)]
    assert told(log)[-1][1:3] == (100, 102)
    log = [terms(A), quote(A, 10, 100, 102), quote(A, 10, 101, 103)]
    assert told(log, [2])[-1] == (10, 101, 103, "GOOD", "NONE", 1, 0, False)


def test_a_locked_quote_is_sound_and_a_crossed_one_is_not():
    log = [terms(A), quote(A, 10, 100, 100), quote(A, 11, 101, 100)]
    assert told(log) == [(10, 100, 100, "GOOD", "CROSSED", 2, 1, False)]


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (quote(A, 11, 0, 102), "NOT_POSITIVE"),
        (quote(A, 11, 100, 0), "NOT_POSITIVE"),
        (quote(A, 11, -5, -3), "NOT_POSITIVE"),
        (quote(A, 11, 103, 102), "CROSSED"),
        (quote(A, 11, 100, 102, currency="USD"), "TERMS_DIFFER"),
        (quote(A, 11, 100, 102, price_scale=3), "TERMS_DIFFER"),
        (quote(A, 11, 0, 0, currency="USD"), "TERMS_DIFFER"),
    ],
)
def test_what_cannot_be_used_replaces_nothing_and_is_named(bad, why):
    first = (10, 100, 102, "GOOD", "NONE", 1, 0, False)
    assert told([terms(A), quote(A, 10, 100, 102), bad], [2]) == [
        first,
        (10, 100, 102, "GOOD", why, 1, 1, False),
    ]
    # Without a sound quote there is no price, and the mark says why.
    assert told([terms(A), bad]) == [(11, 0, 0, why, why, 1, 1, False)]
    # The next sound one stands.
    assert told([terms(A), bad, quote(A, 12, 98, 99)], [2])[-1] == (
        (12, 98, 99, "GOOD", "NONE", 1, 0, False)
    )


def test_an_instrument_without_quotes_has_a_mark_that_says_so():
    (mark,) = fold([terms(A, 7, kind="OPTION", option_side="PUT", strike=9_000, expiry=20_600)])[0]
    assert {name: mark[name] for name in ("time", "bid", "quality", "source_topic")} == {
        "time": 7,
        "bid": 0,
        "quality": "MISSING",
        "source_topic": "instruments",
    }
    assert [mark[name] for name in ("kind", "option_side", "strike", "expiry", "multiplier")] == [
        "OPTION",
        "PUT",
        9_000,
        20_600,
        1,
    ]


def test_an_unknown_instrument_has_no_price_until_its_terms_come():
    log = [quote(A, 10, 100, 102), quote(A, 11, 200, 199), terms(A, 3, multiplier=10)]
    unknown, known = fold(log, [2])[0]
    assert (unknown["kind"], unknown["multiplier"], unknown["currency"]) == ("UNKNOWN", 0, "")
    assert [unknown[name] for name in PRICES] == [
        10, 0, 0, "UNKNOWN_INSTRUMENT", "CROSSED", 2, 1, False,
    ]  # fmt: skip
    assert (known["kind"], known["multiplier"], known["currency"]) == ("EQUITY", 10, "EUR")
    assert [known[name] for name in PRICES] == [10, 100, 102, "GOOD", "NONE", 0, 0, False]
    assert (known["first_offset"], known["last_offset"]) == (0, 0)


def test_a_waiting_quote_that_the_terms_contradict_falls():
    log = [quote(A, 10, 100, 102, currency="USD"), terms(A), quote(A, 9, 90, 91)]
    assert told(log, [1, 2]) == [
        (10, 0, 0, "UNKNOWN_INSTRUMENT", "NONE", 1, 0, False),
        (10, 0, 0, "TERMS_DIFFER", "NONE", 0, 0, False),
        (9, 90, 91, "GOOD", "NONE", 1, 0, False),
    ]


def test_a_quote_that_comes_out_of_order_is_a_late_mark():
    log = [
        terms(A),
        quote(A, 10, 100, 102),
        quote(A, 8, 80, 82),
        quote(A, 9, 90, 92),
        quote(A, 7, 70, 69),
        quote(A, 11, 110, 112),
    ]
    assert told(log, [2]) == [
        (10, 100, 102, "GOOD", "NONE", 1, 0, False),
        (11, 110, 112, "GOOD", "CROSSED", 2, 1, False),
        (9, 90, 92, "GOOD", "NONE", 2, 0, True),
    ]
    _, _, late = fold(log, [2])[0]
    assert (late["first_offset"], late["last_offset"]) == (1, 2)
    # What stood goes on standing when nothing but old quotes come.
    assert told(log[:4], [2]) == [
        (10, 100, 102, "GOOD", "NONE", 1, 0, False),
        (9, 90, 92, "GOOD", "NONE", 2, 0, True),
    ]


def test_order_within_a_slice_does_not_matter():
    log = [terms(A), quote(A, 12, 100, 102), quote(A, 11, 80, 82), quote(A, 13, 90, 92)]
    assert told(log) == told([log[0], *log[:0:-1]]) == [(13, 90, 92, "GOOD", "NONE", 3, 0, False)]


def test_other_terms_make_older_prices_void():
    log = [
        terms(A, 1),
        quote(A, 10, 100, 102),
        terms(A, 2, price_scale=4),
        quote(A, 9, 9_900, 9_950, price_scale=4),
    ]
    assert told(log, [2, 3]) == [
        (10, 100, 102, "GOOD", "NONE", 1, 0, False),
        (10, 0, 0, "TERMS_DIFFER", "NONE", 0, 0, False),
        (9, 9_900, 9_950, "GOOD", "NONE", 1, 0, False),
    ]
    assert told(log, [2])[1] == (9, 9_900, 9_950, "GOOD", "NONE", 1, 0, False)


def test_older_or_equal_terms_change_nothing():
    log = [terms(A, 5), terms(A, 4, multiplier=100), terms(A, 6)]
    (mark,) = fold(log, [1, 2])[0]
    assert mark["multiplier"] == 1


def test_instruments_do_not_disturb_each_other():
    log = [terms(A), terms(B, currency="USD"), quote(B, 5, 7, 8), quote(A, 10, 100, 102)]
    assert [(m["isin"], m["quality"], m["bid"]) for m in fold(log)[0]] == [
        (A, "GOOD", 100),
        (B, "TERMS_DIFFER", 0),
    ]


def test_a_slice_without_quotes_says_nothing():
    assert MarkStep()(naive_state(TABLES), {}, Clock(1, MIN_TIME)) == {}


def test_step_travels_to_a_worker():
    assert pickle.loads(pickle.dumps(MarkStep())) == MarkStep()

"""Features of customers: expected numbers by hand; definitions in udfs/aml/features.py."""

import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.store import TableStore
from schemas.step import MIN_TIME
from tests.aml_flow_fold import START, cuts_of, frame_of
from udfs.aml.features import FEATURES, FULL, TABLES, closed
from udfs.aml.flow_owners import OWNERS, OWNERS_TABLE, numbered
from udfs.aml.rule import DAY, EVENTS

HOUR = DAY // 24
CASH = {"channel": "CASH", "direction": "CREDIT", "counterparty_account": "", "area": "US-NY"}


def rows_of(rows, ends=(), restart=False):
    """What closed days said, called up to each instant of `ends`: (end, owner) -> features."""
    frame = frame_of(rows)
    store, since, said = TableStore({**TABLES, OWNERS_TABLE: OWNERS}, {}), MIN_TIME, {}
    for until in sorted({*ends, frame["at"].max()}):
        due = frame.filter((frame["at"] > since) & (frame["at"] <= until))
        due = numbered(store.tables, due).select(*EVENTS)
        for day in closed(store.tables, due):
            postings = day.postings["posting_id"].to_list()
            for row in day.rows.to_dicts():
                said[day.end, row["owner"]] = row, postings
        store.commit()
        if restart:
            store = TableStore({n: t.spec for n, t in store.tables.items()}, store.blobs)
        since = until
    return said


def of_day(rows, day=0, owner="A"):
    """The features of one day; a posting of somebody else much later closes it."""
    later = {"at": START + 40 * DAY, "owner": "Z"}
    return rows_of([*rows, later])[START + (day + 1) * DAY, owner][0]


def test_every_feature_has_words_and_its_place():
    row = of_day([{"at": START}])
    assert list(row)[2:] == list(FEATURES)
    assert len(FEATURES) == 37


def test_a_day_by_hand():
    row = of_day([
        {"at": START, "base": 9_000_99, **CASH},
        {"at": START + 1, "base": 2_999_99, **CASH, "area": "US-NJ"},
        {"at": START + 2, "base": 1_000_00, "counterparty": "B", "opened": START - 3 * DAY},
        {"at": START + 3, "base": 2_500_00, "counterparty": "C", "counterparty_country": "IR",
         "opened": START - 3 * DAY, "kind": "BUSINESS"},
    ])  # fmt: skip
    expected = {
        "in_count_1": 2, "out_count_1": 2, "in_sum_1": 9_000 + 2_999, "out_sum_1": 3_500,
        "cash_in_sum_1": 11_999, "cash_in_count_7": 2, "cash_out_sum_7": 0, "near_7": 1,
        "small_7": 1, "round_7": 1, "abroad_count_7": 1, "abroad_sum_7": 2_500, "called_7": 1,
        "in_parties_7": 0, "out_parties_7": 2, "areas_7": 2, "largest_7": 9_000, "active_7": 1,
        "passed_7": 3_500 * 1_000 // 11_999, "recent": 1_000, "quiet": 28, "age": 3, "business": 1,
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("base", "near", "small"),
    [(2_999_99, 0, 1), (3_000_00, 0, 0), (7_999_99, 0, 0), (8_000_00, 1, 0), (10_000_00, 1, 0),
     (10_000_01, 0, 0)],
)  # fmt: skip
def test_limits_of_cash(base, near, small):
    row = of_day([{"at": START, "base": base, **CASH}])
    assert (row["near_7"], row["small_7"]) == (near, small)


@pytest.mark.parametrize(
    ("amount", "base", "currency", "count"),
    [(999_00, 999_00, "USD", 0), (1_000_00, 1_000_00, "USD", 1), (1_000_01, 1_000_01, "USD", 0),
     (150_000, 1_005_00, "JPY", 1), (150_100, 1_005_67, "JPY", 0)],
)  # fmt: skip
def test_round_is_judged_in_the_own_currency(amount, base, currency, count):
    row = of_day([{"at": START, "amount": amount, "base": base, "currency": currency}])
    assert row["round_7"] == count


@pytest.mark.parametrize(("days", "short", "long"), [(6, 2, 2), (7, 1, 2), (27, 1, 2), (28, 1, 1)])
def test_windows_are_days_up_to_the_closed_one(days, short, long):
    row = of_day([{"at": START}, {"at": START + days * DAY}], days)
    assert (row["out_count_7"], row["out_count_28"]) == (short, long)
    assert row["out_count_1"] == 1
    assert row["quiet"] == min(days - 1, 28) if days < 28 else 28


def test_the_last_instant_of_a_day_belongs_to_it():
    row = of_day([{"at": START}, {"at": START + DAY - 1}])
    assert row["out_count_1"] == 2
    row = of_day([{"at": START}, {"at": START + DAY}])
    assert row["out_count_1"] == 1


def test_nothing_is_said_of_a_day_that_is_open():
    assert rows_of([{"at": START}, {"at": START + DAY - 1}]) == {}


def test_a_day_names_its_own_postings():
    said = rows_of([{"at": START}, {"at": START + DAY}, {"at": START + 2 * DAY}])
    assert [postings for _, postings in said.values()] == [["p0000"], ["p0001"]]


def test_many_parties_are_bits_of_a_checksum():
    parties = [f"P{n}" for n in range(100)]
    bits = {zlib.crc32(name.encode()) % 62 for name in parties}
    row = of_day([{"at": START + n, "counterparty": name} for n, name in enumerate(parties)])
    assert row["out_parties_7"] == len(bits)


def test_no_feature_is_beyond_what_float32_holds():
    row = of_day([{"at": START + n, "base": 10**15} for n in range(3)])
    assert row["out_sum_7"] == row["largest_7"] == FULL


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "at": st.integers(0, 40 * 4).map(lambda t: START + t * 6 * HOUR),
            "owner": st.sampled_from("ABC"),
            "base": st.sampled_from([1_00, 9_000_00, 2_000_00]),
            "channel": st.sampled_from(["CASH", "TRANSFER", "CARD"]),
            "direction": st.sampled_from(["CREDIT", "DEBIT"]),
            "counterparty": st.sampled_from(["", "B", "C", "D"]),
            "kind": st.sampled_from(["PERSON", "BUSINESS"]),
        }
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(ROWS, st.data())
def test_other_cuts_give_the_same_features(rows, data):
    ends = data.draw(cuts_of(rows))
    assert rows_of(rows, ends, restart=True) == rows_of(rows)


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_the_definitions_read_plainly(rows):
    said = rows_of(rows)
    for (end, owner), (row, _) in said.items():
        day = end // DAY - 1
        mine = [r for r in rows if r["owner"] == owner and r["at"] < end]
        week = [r for r in mine if r["at"] // DAY > day - 7]
        month = [r for r in mine if r["at"] // DAY > day - 28]
        credits = [r for r in week if r["direction"] == "CREDIT"]
        assert row["in_sum_7"] == sum(r["base"] // 100 for r in credits)
        assert row["active_28"] == len({r["at"] // DAY for r in month})
        assert row["largest_28"] == max(r["base"] // 100 for r in month)
        assert row["near_7"] == sum(
            r["channel"] == "CASH" and r["base"] == 9_000_00 for r in credits
        )
        before = [r["at"] // DAY for r in month if r["at"] // DAY < day]
        assert row["quiet"] == (day - max(before) - 1 if before else 28)
    days = {r["at"] // DAY for r in rows}
    closed_days = {(r["at"] // DAY, r["owner"]) for r in rows if r["at"] // DAY < max(days)}
    assert {(end // DAY - 1, owner) for end, owner in said} == closed_days

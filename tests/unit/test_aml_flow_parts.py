"""What the account-flow rules share: groups, packed counts, blocks, windows, outcomes."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.store import TableStore
from tests.aml_flow_fold import START, frame_of, tables_for
from udfs.aml.flow_blocks import BLOCK, Ledger, by_block
from udfs.aml.flow_groups import by_code, dense, group, running, total
from udfs.aml.flow_owners import OWNERS, OWNERS_TABLE, numbered
from udfs.aml.flow_pass_through import Params as PassParams
from udfs.aml.flow_pass_through import PassThrough
from udfs.aml.flow_profile import CLASSES, MOST, UNBOUNDED, classes, counted, counts, quantile
from udfs.aml.flow_said import SAID, lasting, newly, scaled, usd
from udfs.aml.rule import DAY, FLOWS, FLOWS_TABLE, HOUR, Band, Moment, RuleParams

NUMBERS = st.lists(st.integers(0, 50) | st.integers(0, 2**25), max_size=40)


@given(NUMBERS)
def test_dense_codes_are_places_among_the_distinct_numbers(numbers):
    owners, codes = dense(np.array(numbers, dtype=np.int64))
    assert owners.tolist() == sorted(set(numbers))
    assert owners[codes].tolist() == numbers


@given(st.lists(st.integers(0, 2**20), max_size=40))
def test_the_order_by_code_is_stable(codes):
    column = np.array(codes, dtype=np.int64)
    assert by_code(column).tolist() == np.argsort(column, kind="stable").tolist()


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-(10**15), 10**15)), max_size=30))
def test_running_sums_end_in_the_totals(rows):
    rows = sorted(rows, key=lambda row: row[0])
    owners, codes = dense(np.array([owner for owner, _ in rows], dtype=np.int64))
    values = {"x": np.array([value for _, value in rows], dtype=np.int64)}
    before = {"x": np.arange(len(owners)) * 7}
    sums = running(codes, values, before)["x"].tolist()
    for place, (owner, _) in enumerate(rows):
        expected = sum(v for o, v in rows[: place + 1] if o == owner)
        assert sums[place] == expected + 7 * owners.tolist().index(owner)
    totals = total(codes, values["x"], len(owners)).tolist()
    assert totals == [sum(v for o, v in rows if o == owner) for owner in owners.tolist()]


def test_owners_get_numbers_as_they_come_and_keep_them():
    tables = TableStore({OWNERS_TABLE: OWNERS}, {}).tables
    first = frame_of([{"at": START + i, "owner": o} for i, o in enumerate("BAB")])
    assert numbered(tables, first)["owner_number"].to_list() == [0, 1, 0]
    second = frame_of([{"at": START + i, "owner": o} for i, o in enumerate("CAD")])
    assert numbered(tables, second)["owner_number"].to_list() == [2, 1, 3]
    assert numbered(tables, second.clear())["owner_number"].dtype == pl.Int64
    assert numbered(tables, second)["posting_id"].to_list() == second["posting_id"].to_list()


def test_classes_are_powers_of_two():
    amounts = np.array([1, 127, 128, 255, 256, 2**28, 2**29 - 1, 2**29, 10**15])
    assert classes(amounts).tolist() == [0, 0, 1, 1, 2, 22, 22, 23, 23]


@pytest.mark.parametrize(
    ("filled", "upper"),
    [({6: 95, 10: 5}, 2**13 - 1), ({6: 94, 10: 6}, 2**17 - 1), ({23: 1}, UNBOUNDED),
     ({0: 1}, 127), ({}, UNBOUNDED)],
)  # fmt: skip
def test_a_quantile_is_the_upper_end_of_its_class(filled, upper):
    amounts = np.zeros((1, CLASSES), dtype=np.int64)
    for place, count in filled.items():
        amounts[0, place] = count
    assert quantile(amounts, 950_000).tolist() == [upper]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 7)), max_size=50), st.data())
def test_packed_counts_are_plain_counts_that_stop(events, data):
    start = data.draw(st.lists(st.integers(MOST - 9, MOST), min_size=24, max_size=24))
    start = np.array(start).reshape(3, 8) - np.array([[0], [MOST - 9], [1]])
    expected = start.copy()
    packed = start.astype("<u2").view("<i8")
    cut = data.draw(st.integers(0, len(events)))
    for part in (events[:cut], events[cut:]):
        codes, fields = (np.array([e[i] for e in part], dtype=np.int64) for i in (0, 1))
        np.add.at(expected, (codes, fields), 1)
        packed = counted(packed, expected.sum(axis=1), codes, fields)
    assert counts(packed).tolist() == np.minimum(expected, MOST).tolist()


def test_a_call_is_cut_where_a_block_ends():
    edge = (START // BLOCK + 1) * BLOCK
    rows = frame_of([{"at": at} for at in (START, edge - 1, edge, edge + 3 * BLOCK)])
    parts = list(by_block(rows, Moment(1, START - 5, edge + 9 * BLOCK)))
    assert [part.height for _, part, _ in parts] == [2, 1, 1]
    block = START // BLOCK
    assert [number for number, _, _ in parts] == [block, block + 1, block + 4]
    spans = [(moment.since, moment.until) for _, _, moment in parts]
    assert spans[0] == (START - 5, edge - 1)
    assert spans[1:] == [(edge - 1, edge + BLOCK - 1), (edge + BLOCK - 1, edge + 9 * BLOCK)]
    ((number, none, moment),) = by_block(rows.clear(), Moment(1, 0, START))
    assert (number, none.height, moment) == (block, 0, Moment(1, 0, START))


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), max_size=12), st.integers(1, 3))
def test_finished_blocks_are_the_totals_of_the_last_ones(postings, kept):
    ledger = Ledger("t", ("total",), kept, ("sum",))
    tables = TableStore(ledger.tables, {}).tables
    postings = sorted(postings)
    for place, (block, amount) in enumerate(postings):
        rows = frame_of([{"at": block * BLOCK + place, "owner_number": 3}])
        page = ledger.turn(tables, group(rows), block)
        before = [sum(a for b, a in postings[:place] if b == past) for past in range(-9, block)]
        if len(page.turned):
            assert page.finished[0, :, 0].tolist() == before[::-1][:kept]
            assert page.first.tolist() == [postings[0][0] * BLOCK]
            assert page.latest[0] == postings[place - 1][0]
        page.columns["total"] += amount
        page.save(tables)


BANDS = (Band(name="LOW", at_least=1, score=1), Band(name="HIGH", at_least=2, score=2))


def test_what_is_said_again():
    """A cool-down of an hour from the first; a higher band and a late event are said within it."""
    params = RuleParams(bands=BANDS, cool_down_s=3_600)
    rows = [(0, 0, False), (1, 0, False), (2, 1, False), (3, 0, False), (4, 1, False)]
    rows += [(5, 0, True), (HOUR - 1, 1, False), (HOUR, 0, False), (HOUR + 1, 1, False)]
    found = pl.DataFrame(
        [(1, at, rank, late) for at, rank, late in rows],
        schema=["owner_number", "at", "rank", "late"],
        orient="row",
    )
    for size in (1, 2, 4, 9):
        table = TableStore({"said": SAID}, {}).tables["said"]
        parts, since = [], -DAY
        for part in found.iter_slices(size):
            parts.append(newly(table, part, params, Moment(0, since, int(part["at"][-1]))))
            since = int(part["at"][-1])
        assert pl.concat(parts)["at"].to_list() == [0, 2, 5, HOUR, HOUR + 1]
    newly(table, found.clear(), params, Moment(0, 3 * HOUR, 4 * HOUR))
    assert len(table) == 0


def test_a_sum_by_other_rates_than_those_remembered_comes_back_to_nothing():
    """The shadow set prices at 90; the posting is remembered at 100 and leaves with 100."""
    tables = tables_for(PassThrough())
    rows = frame_of([{"at": START, "base": 100}, {"at": START + 2 * DAY, "base": 100}])
    rows = numbered(tables, rows)
    for place, since in ((0, START - 1), (1, START)):
        due = rows[place : place + 1]
        tables[FLOWS_TABLE].append(due.select(*FLOWS.columns))
        moment = Moment(0, since, int(due["at"][0]))
        PassThrough()(tables, due.with_columns(base=pl.lit(90)), moment, PassParams())
    assert tables["aml.pass-through.sums_0"].frame().rows() == [(0, 0, 100)]


def test_words():
    assert (usd(0), usd(5), usd(9_500_00)) == ("0.00 USD", "0.05 USD", "9500.00 USD")
    assert lasting(25 * HOUR + 59_999_999) == "25 h 0 min"
    assert (scaled(10_001, 500_000), scaled(10_000, 1_000_000)) == (5_001, 10_000)

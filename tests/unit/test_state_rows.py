"""Rows by time, by number and by whole number as key are what a look at all rows gives."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import rows as module
from connectors.rows import LARGEST_KEY, ordered
from connectors.store import TableStore
from schemas.step import TableSpec
from tests.naive.tables import NaiveTable

SPECS = {
    "events": TableSpec({"at": "int", "who": "int", "name": "str"}),
    "people": TableSpec({"who": "int", "count": "int", "seen": "int"}, "who"),
}
PEOPLE = st.integers(0, 9)
ROWS = st.lists(st.tuples(st.integers(0, 40), PEOPLE, st.sampled_from("abc")), max_size=12)
OPS = st.one_of(
    st.tuples(st.just("append"), ROWS),
    st.tuples(st.just("between"), st.integers(-2, 40), st.integers(0, 42)),
    st.tuples(st.just("having"), st.lists(PEOPLE)),
    st.tuples(st.just("expire"), st.integers(0, 40)),
    st.tuples(st.just("due"), st.integers(0, 10)),
    st.tuples(st.just("add"), st.dictionaries(PEOPLE, st.integers(-5, 5), min_size=1)),
    st.tuples(st.just("upsert"), st.dictionaries(PEOPLE, st.integers(0, 40), min_size=1)),
    st.tuples(st.just("gone"), st.integers(0, 40)),
    st.tuples(st.just("lookup"), st.lists(st.integers(-1, 12))),
    st.tuples(st.just("commit")),
    st.tuples(st.just("restart")),
)


def asked(op, tables):
    """What the tables answer to one call, as rows."""
    kind, events, people = op[0], tables["events"], tables["people"]
    if kind == "append":
        frame = pl.DataFrame(op[1], schema=["at", "who", "name"], orient="row")
        events.append(frame.cast({"at": pl.Int64, "who": pl.Int64, "name": pl.String}))
    elif kind == "between":
        return [
            events.between("at", op[1], op[2]).rows(),
            events.between("at", op[1], op[2], ("name", "at")).rows(),
        ]
    elif kind == "having":
        return events.having("who", pl.Series(op[1], dtype=pl.Int64), ("at", "name")).rows()
    elif kind == "expire":
        return events.expire("at", op[1])
    elif kind == "due":
        return events.due(None, "at", op[1]).rows()
    elif kind == "add":
        return people.add(pl.DataFrame({"who": list(op[1]), "count": list(op[1].values())})).rows()
    elif kind == "upsert":
        people.upsert(pl.DataFrame({"who": list(op[1]), "seen": list(op[1].values())}))
    elif kind == "gone":
        return people.expire("seen", op[1])
    elif kind == "lookup":
        return people.lookup(pl.Series("who", op[1], dtype=pl.Int64)).rows()
    return [events.frame().rows(), people.frame().rows(), len(people)]


@settings(max_examples=300, deadline=None)
@given(st.lists(OPS, max_size=40), st.sampled_from([1, 3, 4_096]), st.sampled_from([1, 4, 64]))
def test_rows_found_are_those_a_look_at_all_gives(ops, zone, run):
    blobs = {}
    store, naive = TableStore(SPECS, blobs), {n: NaiveTable(s) for n, s in SPECS.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "ZONE", zone)
        patch.setattr(module, "RUN", run)
        for op in ops:
            if op[0] in ("commit", "restart"):
                store.commit()
                store = TableStore(SPECS, blobs) if op[0] == "restart" else store
            assert asked(op, store.tables) == asked(op, naive)


def test_between_takes_the_last_instant_and_not_the_first():
    table = TableStore(SPECS, {}).tables["events"]
    table.append(pl.DataFrame({"at": [10, 11, 20, 21], "who": [1, 1, 1, 1], "name": list("abcd")}))
    assert table.between("at", 10, 20)["name"].to_list() == ["b", "c"]
    assert table.between("at", -(2**63) - 5, 10, ("name",)).columns == ["name"]
    assert len(table) == 4


def test_a_table_with_a_key_has_no_order_of_arrival():
    table = TableStore(SPECS, {}).tables["people"]
    with pytest.raises(TypeError, match="order of arrival"):
        table.between("seen", 0, 1)


@pytest.mark.parametrize("key", [-1, LARGEST_KEY])
def test_a_key_far_away_is_refused(key):
    table = TableStore(SPECS, {}).tables["people"]
    with pytest.raises(ValueError, match="outside"):
        table.add(pl.DataFrame({"who": [key], "count": [1]}))
    assert len(table) == 0


def test_engine_numbers_of_one_row_by_a_whole_number():
    table = TableStore(SPECS, {}).tables["people"]
    table.put(7, count=3)
    assert (table.get(7, "count", -1), table.get(8, "count", -1)) == (3, -1)


@given(st.lists(st.integers(0, 2**32 - 1)))
def test_ordered_is_the_stable_order(values):
    column = np.array(values, dtype=np.int64)
    assert ordered(column).tolist() == np.argsort(column, kind="stable").tolist()

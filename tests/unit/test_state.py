"""Any sequence of batches, restarts and rescales gives the state of a plain dict."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.layout import LayoutError
from connectors.store import TableStore
from schemas.step import TableSpec

SPECS = {
    "accounts": TableSpec(
        {"account": "str", "count": "int", "total": "int", "seen": "int"}, "account"
    ),
    "open": TableSpec({"name": "str", "body": "bytes", "due": "int"}),
}

KEYS = st.sampled_from([f"A{i}" for i in range(12)])
OPS = st.one_of(
    st.tuples(st.just("add"), st.dictionaries(KEYS, st.integers(-1000, 1000), min_size=1)),
    st.tuples(st.just("seen"), st.dictionaries(KEYS, st.integers(0, 50), min_size=1)),
    st.tuples(st.just("expire"), st.integers(0, 50)),
    st.tuples(
        st.just("append"), st.lists(st.tuples(KEYS, st.binary(max_size=5), st.integers(0, 50)))
    ),
    st.tuples(st.just("due"), st.integers(0, 50)),
    st.tuples(st.just("restart")),
    st.tuples(st.just("commit")),
)


class Reference:
    """The same calls on a dict and a list."""

    def __init__(self) -> None:
        self.accounts: dict[str, list[int]] = {}
        self.open: list[tuple[str, bytes, int]] = []

    def add(self, amounts: dict[str, int]) -> list[tuple[str, int, int]]:
        for key, amount in amounts.items():
            row = self.accounts.setdefault(key, [0, 0, 0])
            row[0] += 1
            row[1] += amount
        return [(k, self.accounts[k][0], self.accounts[k][1]) for k in amounts]

    def seen(self, times: dict[str, int]) -> None:
        for key, time in times.items():
            self.accounts.setdefault(key, [0, 0, 0])[2] = time

    def expire(self, below: int) -> None:
        self.accounts = {k: v for k, v in self.accounts.items() if v[2] >= below}

    def due(self, extra: list[tuple[str, bytes, int]], below: int) -> list[tuple[str, bytes, int]]:
        rows = self.open + extra
        self.open = [r for r in rows if r[2] > below]
        return [r for r in rows if r[2] <= below]


def open_frame(rows: list[tuple[str, bytes, int]]) -> pl.DataFrame:
    schema = {"name": pl.String, "body": pl.Binary, "due": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def perform(op: tuple, store: TableStore, reference: Reference) -> None:
    accounts, pending = store.tables["accounts"], store.tables["open"]
    kind, argument = op[0], op[1] if len(op) > 1 else None
    if kind == "add":
        keys, amounts = list(argument), list(argument.values())
        frame = pl.DataFrame({"account": keys, "count": [1] * len(keys), "total": amounts})
        assert accounts.add(frame).rows() == reference.add(argument)
    elif kind == "seen":
        accounts.upsert(pl.DataFrame({"account": list(argument), "seen": list(argument.values())}))
        reference.seen(argument)
    elif kind == "expire":
        accounts.expire("seen", argument)
        reference.expire(argument)
    elif kind == "append":
        taken = pending.due(open_frame(argument), "due", 10)
        assert taken.rows() == reference.due(argument, 10)
    elif kind == "due":
        assert pending.due(None, "due", argument).rows() == reference.due([], argument)


@settings(max_examples=300, deadline=None)
@given(st.lists(OPS, max_size=60), st.integers(1, 5))
def test_tables_are_a_dict_whatever_batches_and_restarts(ops: list[tuple], fold_after: int) -> None:
    blobs: dict[int, bytes] = {}
    store, reference = TableStore(SPECS, blobs, fold_after), Reference()
    for op in ops:
        perform(op, store, reference)
        if op[0] in ("commit", "restart"):
            store.commit()
        if op[0] == "restart":
            digest, full = store.digest, store.full_digest()
            store = TableStore(
                SPECS, blobs, fold_after
            )  # another process, another subtask: only blobs go along
            assert (store.digest, store.full_digest()) == (digest, full)
        assert len(blobs) <= 2 * fold_after + 8
    expected = sorted((k, *v) for k, v in reference.accounts.items())
    assert store.tables["accounts"].frame().rows() == expected
    assert store.tables["open"].frame().rows() == reference.open
    keys = pl.Series([f"A{i}" for i in range(12)])
    found = store.tables["accounts"].lookup(keys)
    assert found["known"].to_list() == [k in reference.accounts for k in keys]
    assert found["total"].to_list() == [reference.accounts.get(k, [0, 0, 0])[1] for k in keys]


def test_another_layout_is_refused() -> None:
    blobs: dict[int, bytes] = {}
    TableStore(SPECS, blobs).commit()
    changed = {**SPECS, "open": TableSpec(SPECS["open"].columns, version=2)}
    with pytest.raises(LayoutError, match="another layout"):
        TableStore(changed, blobs)


def test_a_damaged_delta_is_found() -> None:
    blobs: dict[int, bytes] = {}
    store = TableStore(SPECS, blobs)
    frame = pl.DataFrame({"account": ["A"], "count": [1]})
    for _ in range(3):
        store.tables["accounts"].add(frame)
        store.commit()
    blobs[1] = blobs[1][:-1] + bytes([blobs[1][-1] ^ 1])
    with pytest.raises(LayoutError, match="does not follow"):
        TableStore(SPECS, blobs)


def test_deltas_are_folded_and_the_chain_goes_on() -> None:
    blobs: dict[int, bytes] = {}
    store = TableStore(SPECS, blobs, fold_after=4)
    for i in range(100):
        store.tables["accounts"].add(pl.DataFrame({"account": [f"A{i}"], "count": [1]}))
        store.commit()
    assert len(blobs) <= 2 * 4 + 2
    again = TableStore(SPECS, blobs, fold_after=4)
    assert len(again.tables["accounts"]) == 100
    assert (again.sequence, again.digest) == (store.sequence, store.digest)

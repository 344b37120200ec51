import pickle

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.state import ColumnTable
from schemas.codec import encode_frame
from schemas.records import record
from schemas.step import MIN_TIME, Clock
from tests.naive.graph import edges_of
from tests.naive.logs import cuts, fold, log_frame, marked
from tests.naive.tables import naive_state
from udfs.graph import TABLES, Config, GraphStep

WINDOW = 10
SHARD = 1
STEP = GraphStep(Config(window_us=WINDOW))
PAYMENTS = {
    "debtor_account": pl.String,
    "creditor_account": pl.String,
    "currency": pl.String,
    "scale": pl.Int32,
    "amount": pl.Int64,
    "time": pl.Int64,
}
OBLIGATIONS = {
    "payer": pl.String,
    "receiver": pl.String,
    "asset": pl.String,
    "scale": pl.Int32,
    "amount": pl.Int64,
    "trade_time": pl.Int64,
}
SCHEMAS = {"payments": (PAYMENTS, "time"), "obligations": (OBLIGATIONS, "trade_time")}


def events(topic):
    schema, time = SCHEMAS[topic]
    source, target, asset, *_ = schema
    return st.lists(
        st.fixed_dictionaries(
            {
                source: st.sampled_from(["A", "B", "A|B", "%7C"]),
                target: st.sampled_from(["A", "B", "C", "é"]),
                asset: st.sampled_from(["EUR", "USD"]),
                "scale": st.sampled_from([0, 2]),
                "amount": st.integers(1, 10**15),
                time: st.integers(-15, 60),
            }
        ),
        max_size=50,
    ).map(lambda rows: (topic, marked(rows, time)))


def run(topic, rows, ends, state=None):
    schema, time = SCHEMAS[topic]
    state = naive_state(TABLES) if state is None else state
    out = fold(STEP, state, topic, log_frame(rows, schema), time, ends, SHARD)
    return out.get("graph.edges", pl.DataFrame())


feeds = st.sampled_from(sorted(SCHEMAS)).flatmap(events)


@given(feeds)
def test_equals_the_naive_definition(feed):
    topic, rows = feed
    time = SCHEMAS[topic][1]
    final = max([row[time] for row in rows], default=MIN_TIME)
    edges = run(topic, rows, [len(rows)])
    assert edges.to_dicts() == edges_of(topic, rows, final, WINDOW, SHARD)
    ids = edges.get_column("edge_id", default=pl.Series([]))
    assert ids.n_unique() == len(ids)


@given(feeds, st.data())
def test_any_cut_of_the_log_gives_the_same_edges(feed, data):
    topic, rows = feed
    whole = run(topic, rows, [len(rows)])
    ends = data.draw(cuts(len(rows)))
    assert run(topic, rows, ends).to_dicts() == whole.to_dicts()
    tables = {name: ColumnTable(spec) for name, spec in TABLES.items()}
    assert run(topic, rows, ends, tables).to_dicts() == whole.to_dicts()


def payment(amount, time, **other):
    values = {"debtor_account": "A", "creditor_account": "B", "currency": "EUR", "scale": 2}
    return values | {"amount": amount, "time": time} | other


def test_payments_of_a_window_between_the_same_accounts_are_one_edge():
    rows = [
        payment(100, 1),
        payment(20, 9),
        payment(7, 9, debtor_account="B", creditor_account="A"),
        payment(5, 11),
        payment(3, 2),
        payment(1, 30),
    ]
    edges = run("payments", marked(rows, "time"), [6])
    shown = ("edge_id", "window_end", "count", "amount", "late", "first_offset", "last_offset")
    assert edges.select(shown).rows() == [
        ("PAYMENT|A|B|EUR|2|0|1", 10, 2, 120, 0, 0, 1),
        ("PAYMENT|B|A|EUR|2|0|1", 10, 1, 7, 0, 2, 2),
        ("PAYMENT|A|B|EUR|2|10|1", 20, 2, 8, 1, 3, 4),
    ]
    assert set(edges.select("source_kind", "target_kind", "source_topic").rows()) == {
        ("ACCOUNT", "ACCOUNT", "payments")
    }


def test_each_feed_closes_by_its_own_watermark():
    owed = {"payer": "X", "receiver": "Y", "asset": "EUR", "scale": 2, "amount": 4}
    batch = {
        "payments": log_frame(marked([payment(1, 1)], "time"), PAYMENTS),
        "obligations": log_frame(marked([owed | {"trade_time": 1}], "trade_time"), OBLIGATIONS),
    }
    state = naive_state(TABLES)
    first = STEP(state, batch, Clock(0, 1, {"payments": 10, "obligations": 1}, SHARD))
    assert first["graph.edges"]["kind"].to_list() == ["PAYMENT"]
    assert STEP(state, {}, Clock(1, 9, {"payments": 10, "obligations": 9}, SHARD)) == {}
    second = STEP(state, {}, Clock(2, 10, {"payments": 10, "obligations": 10}, SHARD))
    assert second["graph.edges"]["edge_id"].to_list() == ["OBLIGATION|X|Y|EUR|2|0|1"]
    assert [len(table) for table in state.values()] == [0, 0]


def test_state_holds_sums_not_events():
    state = naive_state(TABLES)
    rows = marked([payment(1, 1)] * 50, "time")
    STEP(state, {"payments": log_frame(rows, PAYMENTS)}, Clock(0, 1, {"payments": 1}, SHARD))
    assert len(state["payments"]) == 1


def test_a_sum_that_does_not_fit_is_refused():
    rows = marked([payment(10**15, 1)] * 9_224, "time")
    with pytest.raises(OverflowError, match=r"source=A, target=B, asset=EUR, scale=2 add up"):
        run("payments", rows, [len(rows)])


def test_edges_travel_as_their_record():
    edges = run("payments", marked([payment(1, 1), payment(1, 30)], "time"), [2])
    rec = record("GraphEdge")
    frame = edges.with_columns(producer=pl.lit("graph/1"), sequence=pl.lit(0, pl.Int64))
    assert len(encode_frame(rec, frame.select(*rec.columns))) == 1


def test_step_travels_to_a_worker():
    assert pickle.loads(pickle.dumps(STEP)) == STEP


def test_a_window_without_length_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        Config(window_us=0)

import pickle

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.state import ColumnTable
from schemas.merkle import leaf_hash
from schemas.step import MIN_TIME, Clock
from tests.naive.logs import cuts, fold, log_frame, marked
from tests.naive.merkle import tree_over
from tests.naive.netting import net_log
from tests.naive.tables import naive_state
from udfs.netting import TABLES, Config, netting_step

CYCLE = 10
CONFIG = Config(cycle_us=CYCLE, chunk=3)
SHARD = 2
SCHEMA = {
    "netting_set": pl.String,
    "asset": pl.String,
    "scale": pl.Int32,
    "payer": pl.String,
    "receiver": pl.String,
    "amount": pl.Int64,
    "trade_time": pl.Int64,
}

obligation = st.fixed_dictionaries(
    {
        "netting_set": st.sampled_from(["CCP|EUR", "CCP|USD"]),
        "asset": st.sampled_from(["EUR", "USD"]),
        "scale": st.sampled_from([0, 2]),
        "payer": st.sampled_from("ABCé"),
        "receiver": st.sampled_from("ABCé"),
        "amount": st.integers(1, 10**15),
        "trade_time": st.integers(-15, 60),
    }
)
logs = st.lists(obligation, max_size=60)


def run(rows, ends, state=None):
    state = naive_state(TABLES) if state is None else state
    frame = log_frame(rows, SCHEMA)
    return fold(netting_step(CONFIG), state, "obligations", frame, "trade_time", ends, SHARD)


def plain(frame):
    return [] if frame is None else frame.to_dicts()


@given(logs)
def test_equals_the_naive_definition(rows):
    rows = marked(rows, "trade_time")
    outputs = run(rows, [len(rows)])
    final = max([r["trade_time"] for r in rows], default=MIN_TIME)
    positions, chunks, totals = net_log(rows, final, CYCLE, CONFIG.chunk, SHARD)
    assert plain(outputs.get("nets")) == positions
    assert plain(outputs.get("nets.provenance")) == chunks
    assert plain(outputs.get("cycles")) == totals


@given(logs, st.data())
def test_any_cut_of_the_log_gives_the_same_results(rows, data):
    rows = marked(rows, "trade_time")
    whole = run(rows, [len(rows)])
    ends = data.draw(cuts(len(rows)))
    assert {t: f.to_dicts() for t, f in run(rows, ends).items()} == {
        t: f.to_dicts() for t, f in whole.items()
    }
    tables = {name: ColumnTable(spec) for name, spec in TABLES.items()}
    assert all(f.equals(whole[t]) for t, f in run(rows, ends, tables).items())


@given(logs)
def test_nets_balance_and_every_obligation_is_listed_once(rows):
    rows = marked(rows, "trade_time")
    outputs = run(rows, [len(rows)])
    if not outputs:
        return
    nets, chunks = outputs["nets"], outputs["nets.provenance"]
    multilateral = nets.filter(kind="MULTILATERAL")
    group = ["netting_set", "asset", "scale", "cycle_end"]
    assert (
        not multilateral.group_by(group).agg(pl.col("net").sum()).filter(pl.col("net") != 0).height
    )
    octets = b"".join(chunks["offsets"].to_list())
    offsets = [int.from_bytes(octets[i : i + 8], "big") for i in range(0, len(octets), 8)]
    assert len(offsets) == len(set(offsets)) == outputs["cycles"]["obligations"].sum()
    leaves = b"".join(chunks["leaves"].to_list())
    assert [leaves[32 * i : 32 * i + 32] for i in range(len(offsets))] == [
        rows[offset]["leaf"] for offset in offsets
    ]
    for net_id, root in nets.filter(kind="BILATERAL").select("net_id", "provenance_root").rows():
        listed = b"".join(chunks.filter(net_id=net_id)["leaves"].to_list())
        assert root == tree_over([listed[i : i + 32] for i in range(0, len(listed), 32)])


def test_a_late_obligation_falls_into_the_cycle_open_at_its_place():
    first = {"netting_set": "CCP|EUR", "asset": "EUR", "scale": 2, "payer": "A", "receiver": "B"}
    rows = marked(
        [
            first | {"amount": 100, "trade_time": 1},
            first | {"amount": 50, "trade_time": 10},
            first | {"amount": 7, "trade_time": 2},
            first | {"amount": 1, "trade_time": 20},
        ],
        "trade_time",
    )
    cycles = run(rows, [1, 2, 3, 4])["cycles"]
    assert cycles.select("cycle_start", "cycle_end", "gross", "obligations", "late").rows() == [
        (0, 10, 100, 1, 0),
        (10, 20, 57, 2, 1),
    ]


def test_nothing_is_said_before_a_cycle_is_complete():
    row = {"netting_set": "S", "asset": "EUR", "scale": 2, "payer": "A", "receiver": "B"}
    rows = marked([row | {"amount": 1, "trade_time": 3}], "trade_time")
    step, state = netting_step(CONFIG), naive_state(TABLES)
    batch = {"obligations": log_frame(rows, SCHEMA)}
    assert step(state, batch, Clock(0, 9, {"obligations": 9})) == {}
    assert step(state, {}, Clock(1, 9, {})) == {}
    assert len(state["obligations"]) == 1
    done = step(state, {}, Clock(2, 10, {"obligations": 10}))
    assert done["cycles"]["gross"].to_list() == [1]
    assert len(state["obligations"]) == 0


def test_provenance_of_a_member_is_the_root_of_its_pairs_roots():
    row = {"netting_set": "S", "asset": "EUR", "scale": 2, "amount": 1, "trade_time": 3}
    pairs = [("B", "A"), ("C", "B"), ("A", "B"), ("C", "A")]
    rows = marked([row | {"payer": p, "receiver": r} for p, r in pairs], "trade_time")
    leaves = [leaf_hash(r["leaf"]) for r in rows]
    rows = [r | {"leaf": leaf} for r, leaf in zip(rows, leaves, strict=True)]
    rows.append(rows[0] | {"trade_time": 10, "offset": 4})
    roots = {
        (kind, member, other): root
        for kind, member, other, root in run(rows, [5])["nets"]
        .select("kind", "member", "counterparty", "provenance_root")
        .rows()
    }
    ab = tree_over([leaves[0], leaves[2]])
    assert roots["BILATERAL", "A", "B"] == ab
    assert roots["MULTILATERAL", "A", ""] == tree_over([ab, leaves[3]])
    assert roots["MULTILATERAL", "B", ""] == tree_over([ab, leaves[1]])
    assert roots["MULTILATERAL", "C", ""] == tree_over([leaves[3], leaves[1]])


def test_step_travels_to_a_worker():
    step = netting_step(CONFIG)
    assert pickle.loads(pickle.dumps(step)) == step


def test_a_cycle_without_length_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        Config(cycle_us=0)

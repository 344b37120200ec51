import pickle

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.state import ColumnTable
from schemas.records import record
from schemas.step import MIN_TIME, Clock
from tests.naive import motifs as naive
from tests.naive.logs import cuts, log_frame
from tests.naive.tables import naive_state
from tests.transferred import DAY, HOUR, SCHEMA, alerts, body, told, transfers, without_floor
from udfs.aml.rule import Band
from udfs.aml.ruleset import digest
from udfs.motifs.params import Chain, Fan, GatherScatter, Layers, Params, ScatterGather
from udfs.motifs.search import SHAPES
from udfs.motifs.step import TABLES, VERSION, MotifStep

START = 100 * DAY
WINDOW_S = 4 * 86_400


def band(at_least):
    return (Band(name="LOW", at_least=at_least, score=1),)


def eager(new_only, **bounds):
    """Thresholds so low that small graphs are full of motifs."""
    common = {"new_only": new_only, "window_s": WINDOW_S}
    chain = {"fall_ppm": 300_000, "rise_ppm": 50_000, "longest": 5}
    fan = Fan(bands=band(2), burst_ppm=1_500_000, **common)
    return without_floor(
        memory_s=10 * 86_400,
        fan_in=fan,
        fan_out=fan,
        gather_scatter=GatherScatter(bands=band(2), **common),
        scatter_gather=ScatterGather(bands=band(2), **common),
        cycle=Chain(bands=band(2), **chain, **common),
        bipartite=Layers(bands=band(4), **common),
        stack=Layers(bands=band(8), **common),
        walk=Chain(bands=band(3), enabled=True, **chain, **common),
        **bounds,
    )


node = st.sampled_from("ABCDEF")
transfer = st.tuples(
    node, node, st.integers(0, 40).map(lambda n: n * 12 * HOUR), st.integers(60, 100)
)
logs = st.lists(transfer, min_size=1, max_size=50)


@settings(max_examples=40, deadline=None)
@given(logs, st.booleans(), st.data())
def test_any_cut_of_the_log_gives_the_same_alerts(rows, new_only, data):
    chosen = eager(new_only, ends=data.draw(st.sampled_from([2, 3, 64])), paths=2)
    whole = alerts(rows, chosen)
    ends = data.draw(cuts(len(rows) + 1))
    assert alerts(rows, chosen, ends) == whole
    columns = {name: ColumnTable(spec) for name, spec in TABLES.items()}
    assert alerts(rows, chosen, ends, columns) == whole
    assert alerts(rows, chosen, [*range(1, len(rows) + 2)]) == whole


@settings(max_examples=40, deadline=None)
@given(logs, st.booleans())
def test_alerts_are_those_of_the_definitions(rows, new_only):
    chosen = eager(new_only, ends=1_000, paths=1_000)
    edges = [
        {"number": None, "id": r["transfer_id"], "source": r["source"], "target": r["target"]}
        | {"at": max(r["time"], r["watermark"]), "amount": r["amount"], "late": r["late"]}
        for r in transfers(rows)[:-1]
        if r["source"] != r["target"]
    ]
    edges.sort(key=lambda e: (e["at"], e["id"]))
    edges = [e | {"number": n} for n, e in enumerate(edges)]
    edges = naive.with_relations(edges, chosen.memory_s * 1_000_000)
    searches = {
        rule: lambda edges, last, rule=rule, shape=shape: getattr(naive, rule.replace("-", "_"))(
            edges, last, shape.params(chosen)
        )
        for rule, shape in SHAPES.items()
    }
    expected = naive.reported(edges, searches, WINDOW_S * 1_000_000, chosen.growth_ppm)
    found = alerts(rows, chosen)
    number = {e["id"]: e["number"] for e in edges}
    first = {a["alert_id"]: place for place, a in reversed([*enumerate(found)])}
    assert sorted(
        (
            a["rule"],
            a["time"],
            int(a["measured"].split()[0]),
            sorted(number[one] for one in a["events"].split(";")),
        )
        for a in found
    ) == sorted(
        (rule, edges[last]["at"], size, sorted(behind)) for rule, last, size, behind, _ in expected
    )
    assert sorted(found[first[a["corrects"]]]["time"] for a in found if a["corrects"]) == sorted(
        edges[expected[amended][1]]["at"] for *_, amended in expected if amended is not None
    )


def fan(count, at=START):
    return [(f"S{n:02d}", "H", at + n * HOUR, 1_000 + n) for n in range(count)]


def test_an_alert_says_what_was_found():
    (alert,) = alerts(fan(5), without_floor())
    assert alert == {
        "alert_id": alert["alert_id"],
        "time": START + 4 * HOUR,
        "domain": "AML",
        "rule": "fan-in",
        "rule_version": VERSION,
        "decided_by": f"rules:{digest(body(without_floor()))}",
        "subject": "H",
        "subject_kind": "CUSTOMER",
        "account": "",
        "instrument": "",
        "venue": "",
        "band": "LOW",
        "score": 400_000,
        "amount": 5_010,
        "currency": "USD",
        "scale": 2,
        "measured": "5 sources",
        "limit": "5 sources",
        "reason": "H was paid by 5 new sources (S00, S01, S02, S03, S04) within 4 h",
        "events": "t000;t001;t002;t003;t004",
        "event_count": 5,
        "first_time": START,
        "last_time": START + 4 * HOUR,
        "corrects": "",
        "source_topic": "transfers",
        "source_partition": 0,
        "first_offset": 0,
        "last_offset": 4,
        "version": VERSION,
    }
    assert [*alert] == [c for c in record("Alert").columns if c not in ("producer", "sequence")]


def test_an_id_derives_from_rule_members_first_and_last_event():
    # printf '["fan-in",["H",...,"S04"],"t000","t004"]' with all members | sha256sum | cut -c1-32
    (alert,) = alerts(fan(5))
    assert alert["alert_id"] == "639cf0e76051fdb4429a9befde22d782"


def test_a_shape_that_has_grown_by_half_amends_its_first_alert():
    # 5, then 8 >= 1.5 * 5, then 12 >= 1.5 * 8.
    first, second, third = alerts(fan(13))
    assert [a["event_count"] for a in (first, second, third)] == [5, 8, 12]
    assert [a["band"] for a in (first, second, third)] == ["LOW", "MEDIUM", "HIGH"]
    assert first["corrects"] == ""
    assert second["corrects"] == third["corrects"] == first["alert_id"]
    assert len({a["alert_id"] for a in (first, second, third)}) == 3


def test_a_shape_not_met_for_its_window_is_over():
    chosen = without_floor(fan_in=Fan(burst_ppm=0))
    last = START + 4 * HOUR
    again = [(f"R{n}", "H", last + 4 * DAY + n, 1) for n in range(5)]
    assert [a["corrects"] for a in alerts([*fan(5), *again], chosen)] == ["", ""]
    # Two of these are met with the last of the first ones: at 4 d - 2 after it, and 4 d - 1.
    sooner = [(s, t, at - 5, a) for s, t, at, a in again]
    assert len(alerts([*fan(5), *sooner], chosen)) == 1


def test_an_account_elsewhere_may_be_the_hub():
    rows = [(s, "X99", at, a) for s, _, at, a in fan(5)]
    assert [(a["subject"], a["subject_kind"]) for a in alerts(rows)] == [("X99", "ACCOUNT")]


def test_transfers_to_oneself_and_below_the_floor_make_no_edge():
    chosen = without_floor(floor=1_000)
    assert alerts(fan(5), chosen) == []
    assert [a["events"] for a in alerts(fan(6), chosen)] == ["t001;t002;t003;t004;t005"]
    assert alerts([("A", "A", START + n, 5_000) for n in range(9)]) == []


def test_a_late_transfer_counts_at_its_place_in_the_log():
    rows = [*fan(4), ("L", "H", START - 30 * DAY, 1)]
    (alert,) = alerts(rows)
    assert (alert["first_time"], alert["last_time"]) == (START, START + 3 * HOUR)
    assert alert["events"].split(";")[-1] == "t004"
    assert alert["reason"].endswith("within 3 h; late, counted at their place in the log: 1")


def test_a_late_transfer_amends_what_was_reported():
    # As with other alerts; the size is still that of the first one, 1.5 times which is 8 sources.
    first, second = alerts([*fan(5), ("L", "H", START - 30 * DAY, 1)])
    assert (second["corrects"], second["measured"]) == (first["alert_id"], "6 sources")
    again = alerts([*fan(5), ("S00", "H", START - 30 * DAY, 1)])
    assert [a["measured"] for a in again] == ["5 sources", "5 sources"]
    assert again[0]["alert_id"] == again[1]["corrects"] != again[1]["alert_id"]
    rows = [*fan(5), ("L", "H", START, 1), ("M", "H", START + 5 * HOUR, 1)]
    assert [a["measured"] for a in alerts(rows)] == ["5 sources", "6 sources"]


def test_nothing_is_told_before_the_watermark_has_passed():
    rows = transfers([(s, t, at, 1_000 * amount) for s, t, at, amount in fan(5)])[:5]
    step, state = MotifStep(), naive_state(TABLES)
    batch = {"transfers": log_frame(rows, SCHEMA)}
    last = START + 4 * HOUR
    assert step(state, batch, Clock(0, last, {"transfers": last})) == {}
    assert len(state["waiting"]) == 1  # one of the same time may come yet
    assert step(state, {}, Clock(1, MIN_TIME, {})) == {}
    assert step(state, {}, Clock(2, last + 1, {"transfers": last + 1}))["alerts"].height == 1
    assert len(state["waiting"]) == 0


def test_nothing_rests_on_who_is_new_before_that_is_learned():
    chosen = without_floor(learn_s=10 * 86_400)
    circle = [("A", "B", 0, 9), ("B", "C", 1, 9), ("C", "A", 2, 9)]
    assert [a["rule"] for a in alerts([*circle, *fan(5, at=10 * DAY - 4 * HOUR - 1)], chosen)] == [
        "cycle"
    ]
    assert [a["rule"] for a in alerts([*circle, *fan(5, at=10 * DAY - 4 * HOUR)], chosen)] == [
        "cycle",
        "fan-in",
    ]


def test_state_is_bounded_by_node_and_in_time():
    hub = [(f"S{n % 100:02d}", "H", START + n, 1_000) for n in range(1_000)]
    state = {name: ColumnTable(spec) for name, spec in TABLES.items()}
    alerts(hub, without_floor(ends=10), state=state)
    code = state["codes"].lookup(pl.Series(["H"]))["code"]
    # Ten edges and the one that tells whether there were more; 5 numbers of 8 bytes each.
    assert len(state["ins"].lookup(code)["ends"][0]) == 11 * 5 * 8
    assert len(state["edges"]) == 1_000
    later = [("A", "B", START + 60 * DAY, 1), ("A", "B", START + 61 * DAY, 1)]
    state = {name: ColumnTable(spec) for name, spec in TABLES.items()}
    alerts([*hub, *later], without_floor(ends=10), [1_000, 1_002, 1_003], state)
    sizes = {name: len(table) for name, table in state.items() if name != "counts"}
    assert sizes == {
        "aml.coming": 0,
        "aml.sets": 1,
        "waiting": 1,
        "edges": 2,
        "codes": 2,
        "nodes": 2,
        "ins": 1,
        "outs": 1,
        "pairs": 1,
        "reported": 0,
    }


def test_what_the_bound_cut_off_is_counted():
    state = naive_state(TABLES)
    alerts(fan(9), without_floor(ends=4), state=state)
    counts = dict(state["counts"].frame().rows())
    # Of 9 looks at H the first 4 show all of it.
    assert (counts["fan-in|looked"], counts["fan-in|cut"]) == (9, 5)
    assert (counts["fan-out|looked"], counts["fan-out|cut"]) == (9, 0)
    assert "walk|looked" not in counts


def test_a_bound_on_paths_is_counted():
    middle = [f"M{n}" for n in range(5)]
    rows = [("A", m, START + n * HOUR, 100) for n, m in enumerate(middle)]
    rows += [(m, "B", START + (10 + n) * HOUR, 100) for n, m in enumerate(middle)]
    rows.append(("B", "A", START + 20 * HOUR, 100))
    state = naive_state(TABLES)
    alerts(rows, without_floor(paths=4), state=state)
    assert dict(state["counts"].frame().rows())["cycle|cut"] == 1
    state = naive_state(TABLES)
    alerts(rows[:4] + rows[5:9] + rows[10:], without_floor(paths=4), state=state)
    # Four ways round of three hops each: the newest is told, that there were others is counted.
    assert dict(state["counts"].frame().rows())["cycle|cut"] == 1


def test_shapes_that_are_off_are_not_looked_for():
    assert told(fan(5), "fan-in", without_floor(fan_in=Fan(enabled=False))) == []


def test_step_travels_to_a_worker():
    step = MotifStep((b"k" * 32,))
    assert pickle.loads(pickle.dumps(step)) == step


@pytest.mark.parametrize(
    "wrong",
    [
        {"ends": 1},
        {"growth_ppm": 1_000_000},
        {"memory_s": 9 * 86_400 - 1},
        {"fan_in": {"window_s": 9 * 86_400 + 1}},
        {"cycle": {"bands": (), "longest": 10}},
        {"unknown": 1},
    ],
)
def test_parameters_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="validation error"):
        Params.model_validate(wrong)

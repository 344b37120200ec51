import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.state import ColumnTable
from tests.naive.screening import Naive, in_log_order
from tests.naive.tables import naive_state
from tests.screening_log import (
    DAY,
    FIRST,
    MARIA,
    NAMES,
    SECOND,
    action,
    alerts,
    closed,
    customer,
    entry,
    good_guys,
    parts,
    placed,
    posting,
    run,
)
from udfs.screening import TABLES, Config, ScreeningStep, versions
from udfs.screening.listed import EXCEPTIONS
from udfs.screening.names import normalise
from udfs.screening.screener import Screener

TIMES = st.integers(0, 40)
SUBJECTS = st.sampled_from("AB")
OWN = {"E1": "Ivan Petrov", "E2": "Maria Lopez", "E3": "Li Wei"}
PAIRS = [
    f"x|a|{e.id}|{normalise(OWN[e.id]).digest}|{e.digest}|p" for e in (FIRST[0], *FIRST, *SECOND)
]
LOG_ITEM = st.one_of(
    st.builds(customer, SUBJECTS, st.sampled_from(NAMES), TIMES),
    st.builds(posting, SUBJECTS, st.sampled_from(NAMES), TIMES),
    st.builds(posting, SUBJECTS, st.just("Maria Lopez"), TIMES),
    st.builds(
        action,
        SUBJECTS,
        st.sampled_from([*PAIRS, "structuring-1"]),
        TIMES,
        st.sampled_from(["CLOSE", "CLOSE", "REOPEN", "LABEL"]),
        st.sampled_from(["false-positive", "false-positive", "true-positive"]),
        st.sampled_from([0, 20]),
    ),
    st.sampled_from(
        [
            *parts("a", 2, SECOND, 9, cut=True),
            *parts("b", 1, [MARIA], 3),
            *parts("good", 1, good_guys(25), 4, EXCEPTIONS),
        ]
    ),
)
BEFORE = st.lists(LOG_ITEM, max_size=5)
LOGS = st.builds(
    lambda before, rows: [*before, *parts("a", 1, FIRST, 5, cut=True), *rows],
    BEFORE,
    st.lists(LOG_ITEM, max_size=25),
)
SINCE = ("unscreened", "unreadable_postings", "excepted_postings")
QUICK = Config(pep_again_us=10, exception_us=15)


def numbered(rows):
    """Event ids by place; parts of a version once each, so that both tellings know them alike."""
    seen, out = set(), []
    for number, (topic, row) in enumerate(rows):
        if topic == "lists":
            if (row["name"], row["epoch"], row["chunk"]) in seen:
                continue
            seen.add((row["name"], row["epoch"], row["chunk"]))
        key = {"customers": "change_id", "postings": "posting_id"}.get(topic)
        out.append((topic, row | ({key: f"e{number}"} if key else {})))
    return out


def logged(rows, data):
    """The rows at drawn append times, some the same."""
    times = st.lists(st.integers(0, 15), min_size=len(rows), max_size=len(rows))
    return in_log_order(placed(rows, sorted(data.draw(times))))


@settings(deadline=None)
@given(LOGS, st.data())
def test_any_cut_of_the_log_gives_the_same_results(rows, data):
    rows = logged(numbered(rows), data)
    whole = run(rows, config=QUICK)
    ends = data.draw(st.lists(st.integers(0, 16), max_size=6))
    assert {t: f.to_dicts() for t, f in run(rows, ends, config=QUICK).items()} == {
        t: f.to_dicts() for t, f in whole.items()
    }
    tables = {name: ColumnTable(spec) for name, spec in TABLES.items()}
    versions._CONTENTS.clear()
    assert all(f.equals(whole[t]) for t, f in run(rows, ends, tables, QUICK).items())


@settings(deadline=None)
@given(LOGS, st.data())
def test_equals_the_naive_definition(rows, data):
    kept, known = [], {}
    for topic, row in numbered(rows):  # epochs in order: which wins is tested by hand
        if topic == "lists" and row["epoch"] < known.get(row["name"], 0):
            continue
        if topic == "lists":
            known[row["name"]] = row["epoch"]
        kept.append((topic, row))
    rows = logged(kept, data)
    out = run(rows, data.draw(st.lists(st.integers(0, 16), max_size=4)), config=QUICK)
    found, runs = Naive(lambda e: Screener(e, 850_000), pep_again=10, lasts=15).run(rows)
    assert alerts(out) == found
    columns = ("known", "hits", "raised", "repeated", "excepted", *SINCE)
    told = out["screening.runs"].to_dicts() if "screening.runs" in out else []
    assert [
        (run["list"], run["epoch"], run["outcome"], *(run[c] for c in columns)) for run in told
    ] == runs
    for run_ in told:
        assert run_["known"] == run_["screened"] + run_["unreadable"]
        assert run_["hits"] == run_["raised"] + run_["repeated"] + run_["excepted"]


def test_a_payment_to_a_listed_name_is_raised_each_time_and_says_why():
    rows = placed(
        [
            *parts("eu", 3, FIRST, 10),
            posting("C1", "Iwan PETROW", 20, "p1"),
            posting("C1", "Iwan PETROW", 21, "p2", "CREDIT"),
            posting("C1", "Anna Schmidt", 22, "p3"),
        ]
    )
    found = run(rows)["alerts"]
    assert alerts({"alerts": found}) == [
        ("sanctions-screening", "C1", "eu", "E1", "p1"),
        ("sanctions-screening", "C1", "eu", "E1", "p2"),
    ]
    first = found.row(0, named=True)
    hash_ = rows[0][1]["hash"]
    assert first["decided_by"] == f"list:{hash_}"
    assert (first["domain"], first["subject_kind"], first["time"]) == ("AML", "CUSTOMER", 20)
    assert (first["source_topic"], first["source_partition"], first["first_offset"]) == (
        "postings",
        2,
        0,
    )
    for word in ("Iwan PETROW", "Ivan Petrov", "E1", "list eu epoch 3", hash_[:12], "0.96"):
        assert word in first["reason"]


def test_a_politically_exposed_person_in_payments_is_raised_again_after_the_quiet_time():
    quiet = 30 * DAY
    times = [0, 1, quiet - 1, quiet, quiet + 1]
    log = [*parts("eu", 1, FIRST)]
    log += [posting("C1", "Maria Lopez", time, f"p{time}") for time in times]
    assert [event for *_, event in alerts(run(placed(log)))] == ["p0", f"p{quiet}"]


def test_customers_are_screened_when_a_list_takes_effect_and_the_run_counts_them():
    rows = placed(
        [
            posting("C9", "Ivan Petrov", 1, "before"),
            customer("C1", "Ivan Petrov", 2, "k1"),
            customer("C2", "Anna Schmidt", 3, "k2"),
            customer("C3", "...", 4, "k3"),
            *parts("eu", 1, FIRST, 7),
            *parts("eu", 2, SECOND, 8),
            *parts("eu", 3, [*SECOND, entry(4, "Anna Schmidt", "PEP")], 9),
        ]
    )
    out = run(rows)
    assert alerts(out) == [
        ("sanctions-screening", "C1", "eu", "E1", "k1"),
        ("sanctions-screening", "C1", "eu", "E1", "k1"),  # the entry has a new alias
        ("pep-screening", "C2", "eu", "E4", "k2"),
    ]
    columns = (
        "epoch",
        "known",
        "screened",
        "unreadable",
        "hits",
        "raised",
        "repeated",
        "unscreened",
    )
    assert out["screening.runs"].select(columns).rows() == [
        (1, 3, 2, 1, 1, 1, 0, 1),
        (2, 3, 2, 1, 1, 1, 0, 0),
        (3, 3, 2, 1, 2, 1, 1, 0),
    ]
    assert out["alerts"]["time"].to_list() == [7, 8, 9]
    assert out["screening.runs"]["replaced"][0] == ""
    assert out["screening.runs"]["replaced"][1] == out["screening.runs"]["hash"][0]


def test_a_name_in_a_payment_that_is_not_compared_or_not_raised_is_counted_in_the_next_run():
    eu = parts("eu", 1, FIRST, 1)
    log = [posting("C1", "Ivan Petrov", 0, "no list"), posting("C1", "...", 0, "none either"), *eu]
    log += [posting("C1", "...", 2), posting("C1", "c1:" + "a" * 43, 3), posting("C1", "", 4)]
    log += [posting("C1", "Ivan Petrov", 5, "p5"), customer("C1", "...", 5)]
    log.append(closed(run(placed(log)), 6))
    log += [posting("C1", "Ivan Petrov", 7), posting("C1", "Ivan Petrov", 8)]
    log += [*parts("good", 1, good_guys(1), 9, EXCEPTIONS), *parts("eu", 2, SECOND, 10)]
    log += parts("eu", 3, FIRST, 11)
    out = run(placed(log), [4, 9])
    assert out["screening.runs"].select("list", "epoch", *SINCE).rows() == [
        ("eu", 1, 2, 0, 0),
        ("good", 1, 0, 0, 0),
        ("eu", 2, 0, 2, 2),  # "..." and the commitment; two payments under the exception
        ("eu", 3, 0, 0, 0),
    ]


def test_a_customer_is_screened_when_the_name_is_new_and_not_when_it_stays():
    rows = placed(
        [
            *parts("eu", 1, FIRST),
            customer("C1", "Anna Schmidt", 1, "k1"),
            customer("C1", "Ivan Petrov", 2, "k2"),
            customer("C1", "Ivan Petrov", 3, "k3"),
        ]
    )
    assert [event for *_, event in alerts(run(rows, [2]))] == ["k2"]


@pytest.mark.parametrize(
    ("at", "raised"), [(99, False), (100, True), (101, True)], ids=["T-1", "T", "T+1"]
)
def test_an_exception_ends_at_its_time(at, raised):
    log = [*parts("eu", 1, FIRST), posting("C1", "Ivan Petrov", 1, "p1")]
    log.append(closed(run(placed(log)), 2, until=100))
    log.append(posting("C1", "Ivan Petrov", at, "p2"))
    assert ("p2" in [event for *_, event in alerts(run(placed(log)))]) == raised


def test_an_exception_is_of_its_subject_name_and_entry_only():
    log = [*parts("eu", 1, FIRST), posting("C1", "Ivan Petrov", 1, "p1")]
    log.append(closed(run(placed(log)), 2))
    log += [
        posting("C1", "ivan  petrov", 3, "the same name"),
        posting("C1", "Iwan Petrow", 4, "another name"),
        posting("C2", "Ivan Petrov", 5, "another subject"),
        *parts("eu", 2, SECOND, 6),
        posting("C1", "Ivan Petrov", 7, "a changed entry"),
    ]
    events = [event for *_, event in alerts(run(placed(log)))]
    assert events == ["p1", "another name", "another subject", "a changed entry"]


def test_a_customers_exception_holds_through_new_versions_until_it_ends_or_is_reopened():
    log = [customer("C1", "Ivan Petrov", 0, "k1"), *parts("eu", 1, FIRST, 1)]
    log.append(closed(run(placed(log)), 2, until=50))
    three = [*FIRST, entry(3, "Somebody Else")]
    inside = [*parts("eu", 2, three, 49)]
    after = [*parts("eu", 2, three, 50)]
    assert len(alerts(run(placed(log + inside)))) == 1
    assert len(alerts(run(placed(log + after)))) == 2
    reopened = closed(run(placed(log)), 3, kind="REOPEN")
    out = run(placed([*log, reopened, *after]))
    assert out["screening.runs"].select("raised", "repeated", "excepted").row(1) == (0, 1, 0)


def test_within_a_millisecond_a_customer_counts_before_an_action_and_that_before_a_posting():
    log = [*parts("eu", 1, FIRST), posting("C1", "Ivan Petrov", 1, "p1")]
    log.append(closed(run(placed(log)), 2))
    log += [posting("C1", "Ivan Petrov", 3, "p2"), customer("C1", "Ivan Petrov", 3, "k1")]
    events = alerts(run(placed(log, [0, 1, 5, 5, 5]), [1, 5]))
    assert [event for *_, event in events] == ["p1", "k1"]


def test_good_guys_hold_for_every_subject():
    log = [
        *parts("eu", 1, FIRST),
        *parts("good", 1, good_guys(100), kind=EXCEPTIONS),
        posting("C1", "Ivan Petrov", 99, "p1"),
        posting("C2", "Ivan Petrov", 100, "p2"),
        posting("C2", "Petrov Ivan", 60, "p3"),
    ]
    # the last one is late and counts at the watermark, and is another way to write the name
    assert [event for *_, event in alerts(run(placed(log)))] == ["p2", "p3"]


def test_what_decides_nothing_any_more_leaves_the_state():
    state = naive_state(TABLES)
    log = [*parts("eu", 1, FIRST, 0), posting("C1", "Maria Lopez", 1, "p1")]
    first = run(placed(log))
    late = 31 * DAY
    log += [closed(first, 2, until=50), customer("C1", "X", late)]
    log += [posting("C1", "Y", late, "p2"), *parts("eu", 2, [*FIRST, *SECOND[1:]], late)]
    log.append(action("C9", "", late, "LABEL"))
    run(placed(log), state=state)
    assert len(state["screening.raised"]) == len(state["screening.exceptions"]) == 0
    assert len(state["screening.parts"]) == 1


def test_step_travels_to_a_worker():
    step = ScreeningStep(Config(most=3))
    assert pickle.loads(pickle.dumps(step)) == step


@pytest.mark.parametrize("wrong", [{"pep_ppm": 0}, {"sanctions_ppm": 1_000_001}, {"most": 0}])
def test_a_threshold_that_is_no_share_is_refused(wrong):
    with pytest.raises(ValueError, match=r"threshold|one hit"):
        Config(**wrong)

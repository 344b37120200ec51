from collections import Counter

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.state import ColumnTable
from tests.naive.logs import cuts
from tests.naive.tables import naive_state
from tests.risk_sets import NOW, A, B, U, head_of, published
from udfs.risk.scenario_state import (
    PARTS,
    SETS,
    TABLES,
    Refused,
    gather,
    in_force,
    parts_in_state,
    why_none,
)

ROWS = {A: [0.01, -0.02], B: [0.003, 0.001], U: [0.0, 0.02]}


def parts(epoch, time=NOW, **options):
    return published(ROWS, epoch, **options).with_columns(time=pl.lit(time, dtype=pl.Int64))


def logged(*frames):
    return pl.concat(frames).with_columns(offset=pl.int_range(pl.len(), dtype=pl.Int64))


def counted(refused):
    """How many parts were refused, by set and reason."""
    total = Counter()
    for one in refused:
        total[one.name, one.epoch, one.reason] += one.parts
    return total


def run(log, ends=None, state=None):
    state = naive_state(TABLES) if state is None else state
    refused, start = [], 0
    for end in ends or [log.height]:
        if end > start:
            refused += gather(state, log[start:end])
        start = end
    return state, refused


def test_a_set_is_in_force_when_all_of_it_is_there_and_its_time_has_come():
    one = parts(1)
    state, refused = run(logged(one[:2]))
    assert refused == []
    assert in_force(state, NOW) is None
    assert why_none(state) == "no scenario set in force; days@1: 2 of 3 parts"
    gather(state, logged(one[2:]))
    assert in_force(state, NOW - 1) is None
    assert why_none(state).endswith("days@1: all of 3 parts")
    assert in_force(state, NOW) == head_of(one)
    assert parts_in_state(state, head_of(one)).equals(one.select("part", "isin", "returns"))


def test_the_next_set_waits_for_its_time_and_the_one_before_goes():
    one, two = parts(1), parts(2, NOW + 10)
    state, refused = run(logged(one, two))
    assert refused == []
    assert in_force(state, NOW + 9) == head_of(one)
    assert len(state[PARTS]) == 6
    assert in_force(state, NOW + 10) == head_of(two)
    assert (len(state[SETS]), len(state[PARTS])) == (1, 3)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"set_digest": "0" * 64}, "the parts do not have the digest that they state"),
        ({"seed": 1}, "the parts do not have the digest that they state"),
        ({"returns": bytes(8)}, f"3 rows, first {A}: it has no return other than 0"),
        ({"isin": A}, f"instrument {A} has two rows"),
    ],
)
def test_a_wrong_set_is_refused_whole_and_the_one_before_stays(change, reason):
    wrong = parts(2).with_columns(**{k: pl.lit(v, dtype=parts(1)[k].dtype) for k, v in
                                     change.items()})  # fmt: skip
    state, refused = run(logged(parts(1), wrong))
    assert refused == [Refused("days", 2, reason, 3)]
    assert in_force(state, NOW) == head_of(parts(1))
    assert len(state[PARTS]) == 3
    state, _ = run(logged(wrong))
    assert why_none(state) == f"no scenario set in force; parts refused: 3, last days@2: {reason}"


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ([parts(2), parts(1)], "epoch 2 is here already, a greater one is asked"),
        ([parts(2)[:1], parts(1)], "epoch 2 is coming in, a greater one is asked"),
        ([parts(2), parts(2, name="other")], "another set with epoch 2 is here already"),
        ([*(parts(n, NOW + n) for n in range(1, 6))], "4 sets wait already"),
    ],
)
def test_a_set_out_of_turn_is_refused(log, reason):
    state, refused = run(logged(*log))
    assert [one.reason for one in refused] == [reason]
    head = in_force(state, NOW + 1)
    assert (head.epoch if head else None) == (None if "coming" in reason else log[0]["epoch"][0])


def test_a_greater_epoch_overtakes_one_that_is_coming_in():
    state, refused = run(logged(parts(1)[:2], parts(3)))
    assert refused == []
    assert in_force(state, NOW) == head_of(parts(3))
    assert len(state[PARTS]) == 3


@pytest.mark.parametrize("ends", [[4], [1, 4], [1, 2, 3, 4]])
@pytest.mark.parametrize("first", [True, False])
def test_of_two_parts_with_one_number_the_first_counts_and_the_digest_decides(first, ends):
    other = parts(1)[:1].with_columns(returns=pl.lit(bytes(7) + b"1"))
    same = [parts(1)[:1], other]
    state, refused = run(logged(*(same if first else same[::-1]), parts(1)[1:]), ends)
    assert (
        [one.reason for one in refused] == []
        if first
        else ["the parts do not have the digest that they state"]
    )
    assert (in_force(state, NOW) is not None) == first


def test_a_part_that_cannot_be_is_refused_alone():
    beyond = parts(1)[2:].with_columns(part=pl.lit(3, dtype=pl.Int32))
    state, refused = run(logged(parts(1)[:2], beyond, parts(1)[2:]))
    assert refused == [Refused("days", 1, "there is no part 3 of 3", 1)]
    assert in_force(state, NOW) == head_of(parts(1))


@settings(max_examples=25)
@given(st.data())
def test_any_cut_of_a_log_with_wrong_sets_leaves_the_same(data):
    wrong = parts(2).with_columns(set_digest=pl.lit("0" * 64))
    log = pl.concat([parts(1), wrong, wrong, parts(2)])
    log = logged(log[data.draw(st.permutations(range(log.height)))])
    state, refused = run(log)
    other, again = run(log, data.draw(cuts(log.height)))
    assert counted(again) == counted(refused)
    assert all(other[name].frame().equals(state[name].frame()) for name in TABLES)


@settings(max_examples=25)
@given(st.data())
def test_parts_may_come_in_any_order_twice_and_under_any_cut(data):
    log = data.draw(st.permutations([*range(3), *range(3)]))
    log = logged(parts(1)[log])
    for state in (naive_state(TABLES), {n: ColumnTable(s) for n, s in TABLES.items()}):
        _, refused = run(log, data.draw(cuts(log.height)), state)
        assert refused == []
        assert in_force(state, NOW) == head_of(parts(1))
        found = parts_in_state(state, head_of(parts(1)))
        assert found.equals(parts(1).select("part", "isin", "returns"))

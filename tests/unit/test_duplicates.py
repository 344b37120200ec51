"""Repeats are told from new events by the log alone, whatever the batches."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import duplicates
from connectors.duplicates import (
    CONFLICT,
    FRESH,
    GAPS_FULL,
    JUMP,
    PRODUCERS_FULL,
    REPEAT,
    UNCHECKED,
    Duplicates,
)
from connectors.store import TableStore

W = 8


def naive(records: list[tuple[int, int]], window: int, max_gaps: int) -> list[int]:
    """One record after the other, with plain sets and dicts."""
    seen: dict[int, int] = {}
    highest, out = -1, []

    def ranges(numbers: set[int]) -> int:
        return sum(1 for n in numbers if n - 1 not in numbers)

    def gaps(top: int) -> set[int]:
        return {n for n in range(max(top - window + 1, 0)) if n not in seen}

    for number, body in records:
        if number > highest or (number > highest - window and number not in seen):
            grown = ranges(gaps(max(number, highest)))
            verdict = GAPS_FULL if number > highest and grown > max_gaps else FRESH
        elif number > highest - window:
            verdict = REPEAT if seen[number] == body else CONFLICT
        elif number in seen:
            verdict = UNCHECKED
        else:
            verdict = GAPS_FULL if ranges(gaps(highest) - {number}) > max_gaps else FRESH
        if verdict == FRESH:
            seen[number] = body
            highest = max(highest, number)
        out.append(verdict)
    return out


RECORDS = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 2)), max_size=80)


@settings(max_examples=400, deadline=None)
@given(RECORDS, st.lists(st.integers(0, 80), max_size=5), st.integers(1, 3))
def test_verdicts_equal_the_naive_ones_under_any_cut_and_restart(
    records: list[tuple[int, int]], cuts: list[int], max_gaps: int
) -> None:
    blobs: dict[int, bytes] = {}
    verdicts: list[int] = []
    edges = [0, *sorted(min(c, len(records)) for c in cuts), len(records)]
    for start, stop in pairwise(edges):
        store = TableStore(duplicates.TABLES, blobs)
        judge = Duplicates(store.tables, window=W, max_gaps=max_gaps)
        part = np.array(records[start:stop], dtype=np.int64).reshape(-1, 2)
        verdicts += judge.judge("t\0p", part[:, 0], part[:, 1]).tolist()
        store.commit()
    assert verdicts == naive(records, W, max_gaps)


def test_a_long_gap_costs_one_range() -> None:
    judge = Duplicates(TableStore(duplicates.TABLES, {}).tables, window=W)
    numbers = np.array([0, 10**6, 5, 5, 0])
    expected = [FRESH, FRESH, FRESH, UNCHECKED, UNCHECKED]
    assert judge.judge("t\0p", numbers, np.ones(5, dtype=np.int64)).tolist() == expected


def test_a_sequence_that_jumps_too_far_is_refused_and_leaves_no_trace() -> None:
    judge = Duplicates(TableStore(duplicates.TABLES, {}).tables, window=W)
    numbers = np.array([10**9, 10**15, 10**9 + 1, 10**9])
    expected = [FRESH, JUMP, FRESH, REPEAT]
    assert judge.judge("t\0p", numbers, np.ones(4, dtype=np.int64)).tolist() == expected


def test_producers_beyond_the_bound_are_refused(monkeypatch) -> None:
    monkeypatch.setattr(duplicates, "MAX_PRODUCERS", 2)
    judge = Duplicates(TableStore(duplicates.TABLES, {}).tables, window=W)
    one = np.array([0]), np.array([1])
    verdicts = [judge.judge(f"t\0p{i}", *one).tolist() for i in (0, 1, 2, 0)]
    assert verdicts == [[FRESH], [FRESH], [PRODUCERS_FULL], [REPEAT]]

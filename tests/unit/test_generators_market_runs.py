"""What is carried within groups is what a plain loop carries, however a block is cut."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from connectors.generators.market.runs import carried, last_row, summed

GROUPS = 4
ROWS = st.lists(
    st.tuples(st.integers(0, GROUPS - 1), st.integers(-50, 50), st.booleans()),
    min_size=1,
    max_size=40,
)


@given(ROWS, st.integers(0, 40))
def test_running_sums_and_last_values_go_on_from_block_to_block(
    rows: list[tuple[int, int, bool]], cut: int
) -> None:
    group, value, _ = (np.array(column) for column in zip(*rows, strict=True))
    value = value.astype(np.float64)
    total, last = np.zeros(GROUPS), np.zeros(GROUPS)
    sums, before = [], []
    for part in (slice(0, cut), slice(cut, None)):
        if len(group[part]):
            sums += summed(group[part], value[part], total).tolist()
            before += carried(group[part], value[part], last).tolist()
    running, latest = [0.0] * GROUPS, [0.0] * GROUPS
    for row, (g, v, _) in enumerate(rows):
        running[g] += v
        assert (sums[row], before[row]) == (running[g], latest[g])
        latest[g] = float(v)
    assert (total.tolist(), last.tolist()) == (running, latest)


@given(ROWS)
def test_the_last_valid_row_is_that_of_its_group(rows: list[tuple[int, int, bool]]) -> None:
    group, _, valid = (np.array(column) for column in zip(*rows, strict=True))
    latest = [-1] * GROUPS
    for row, found in enumerate(last_row(group, valid).tolist()):
        if valid[row]:
            latest[group[row]] = row
        assert found == latest[group[row]]

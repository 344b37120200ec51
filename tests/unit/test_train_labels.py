"""Which label of an alert counts as training material."""

import polars as pl
import pytest

from deploy.train.labels import _days

ALERTS = pl.DataFrame({"alert_id": ["a1"], "subject": ["C-1"], "events": ["p1;p2"]})


@pytest.mark.parametrize(
    ("said", "positive"),
    [
        (["true-positive"], True),
        (["true-positive", "false-positive"], False),
        (["true-positive", "suspect-unknown", "filed"], True),
        (["false-positive", "suspect-known"], False),
        (["true-positive", "unsure"], None),
        (["suspect-unknown"], None),
    ],
)
def test_the_last_word_on_the_alert_itself_counts(said: list[str], positive: bool | None) -> None:
    rows = [
        {"time": n, "action_id": f"x{n}", "kind": "LABEL", "alert_id": "a1", "disposition": word}
        for n, word in enumerate(said)
    ]
    found = _days(ALERTS, pl.DataFrame(rows))
    expected = [] if positive is None else [("p1", positive), ("p2", positive)]
    assert found.select("posting_id", "positive").rows() == expected

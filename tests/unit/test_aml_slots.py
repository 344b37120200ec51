"""Rule sets in force: the moment they begin, the shadow beside them, and those that are refused."""

from typing import Any

import polars as pl
import pytest

from connectors.batches import Shard
from connectors.log import slices
from tests.aml_log import FEEDS, HOUR, SECOND, START, Log, cash_counted, job, outputs
from udfs.aml.ruleset import digest
from udfs.aml.slots import DEFAULT_BODY, SHADOW

ONE = cash_counted()
STRICT = cash_counted(limit=150_00)
"""Only what is above 150.00 in a day."""
SLICES = pytest.mark.parametrize("slice_ms", [250, 1_000, 60_000])


def deposit(log: Log, name: str, at: int, **more: Any) -> None:
    """A cash-in of 100.00 by an owner of its own, `at` microseconds after the start."""
    fields = {"owner": name, "channel": "CASH", "amount": 100_00, **more}
    log.post(name, START + at, **fields)


def alerts(log: Log, topic: str = "alerts", slice_ms: int = 1_000) -> pl.DataFrame:
    log.tick(START + HOUR)
    return outputs(log.fold(job(slice_ms)), topic)


def subjects(found: pl.DataFrame) -> list[str]:
    return [] if found.is_empty() else found["subject"].to_list()


def test_without_a_rule_set_the_default_decides() -> None:
    log = Log()
    deposit(log, "A", SECOND, amount=10_000_01)
    found = alerts(log)
    assert set(found["decided_by"]) == {f"rules:{digest(DEFAULT_BODY)}"}
    assert "ctr-aggregation" in found["rule"].to_list()


@SLICES
def test_a_rule_set_decides_from_its_moment_on(slice_ms: int) -> None:
    log = Log()
    log.rules(1, START, ONE)
    log.rules(2, START + 5 * SECOND, STRICT, time=START + SECOND)
    deposit(log, "before", 5 * SECOND - 1)
    deposit(log, "at", 5 * SECOND)
    deposit(log, "above", 5 * SECOND + 1, amount=150_01)
    found = alerts(log, slice_ms=slice_ms)
    assert found.select("subject", "decided_by").rows() == [
        ("before", f"rules:{digest(ONE)}"),
        ("above", f"rules:{digest(STRICT)}"),
    ]


@SLICES
def test_a_rule_set_that_comes_late_decides_from_its_place_in_the_log(slice_ms: int) -> None:
    log = Log()
    log.rules(1, START, ONE)
    log.log.tick("rules", 0, START // 1_000 + 9_000, START + 10 * SECOND)
    log.rules(2, START + 2 * SECOND, STRICT, time=START + 10 * SECOND)
    # a second of lateness: the feed is complete up to 9 s
    deposit(log, "before", 9 * SECOND - 1)
    deposit(log, "after", 9 * SECOND)
    assert subjects(alerts(log, slice_ms=slice_ms)) == ["before"]


@SLICES
def test_a_shadow_decides_beside_the_live_set_until_it_ends(slice_ms: int) -> None:
    log = Log()
    log.rules(1, START, STRICT)
    log.rules(2, START + 2 * SECOND, ONE, mode="SHADOW")
    log.rules(3, START + 4 * SECOND, "", mode="SHADOW_END")
    deposit(log, "early", 2 * SECOND - 1)
    deposit(log, "in", 2 * SECOND)
    deposit(log, "live", 3 * SECOND, amount=150_01)
    deposit(log, "last", 4 * SECOND - 1)
    deposit(log, "after", 4 * SECOND)
    shadow = alerts(log, "alerts.shadow", slice_ms)
    assert subjects(shadow) == ["in", "live", "last"]
    assert set(shadow["decided_by"]) == {f"rules:{digest(ONE)}"}
    live = outputs(log.fold(job(slice_ms)), "alerts")
    assert live.select("subject", "decided_by").rows() == [("live", f"rules:{digest(STRICT)}")]


@SLICES
def test_a_shadow_of_the_same_rules_says_the_same_as_the_live_set(slice_ms: int) -> None:
    log = Log()
    log.rules(1, START, ONE)
    log.rules(2, START + 3 * SECOND + 1, ONE, mode="SHADOW")
    for number in range(1, 7):
        deposit(log, f"p{number}", number * SECOND, owner="A")
    log.tick(START + HOUR)
    folded = log.fold(job(slice_ms))
    live, shadow = outputs(folded, "alerts"), outputs(folded, "alerts.shadow")
    # the third deposit is HIGH: what follows is folded into that alert, in the shadow, too
    assert live["band"].to_list() == ["LOW", "MEDIUM", "HIGH"]
    assert shadow.is_empty()


def test_a_shadow_leaves_the_live_set_as_it_is() -> None:
    def live(shadow: bool) -> pl.DataFrame:
        log = Log()
        log.rules(1, START, ONE)
        if shadow:
            log.rules(2, START + 2 * SECOND, STRICT, mode="SHADOW")
        for number in range(1, 7):
            deposit(log, f"p{number}", number * SECOND, owner=f"C{number % 2}")
        return alerts(log)

    assert live(shadow=True).equals(live(shadow=False))


def test_a_shadow_that_ends_leaves_nothing() -> None:
    log = Log()
    log.rules(1, START, ONE)
    log.rules(2, START + 2 * SECOND, ONE, mode="SHADOW")
    deposit(log, "p1", 3 * SECOND)
    log.rules(3, START + 4 * SECOND, "", mode="SHADOW_END")
    log.tick(START + HOUR)
    shard = Shard(job(), 0, {})
    for slice_end, messages, words in slices(FEEDS, log.log.partition(FEEDS, 0), 1_000):
        shard.fold(slice_end, messages, words)
    assert all(not len(table) for name, table in shard.state.items() if name.startswith(SHADOW))


def test_a_refused_shadow_leaves_the_running_shadow() -> None:
    log = Log()
    log.rules(1, START, STRICT)
    log.rules(2, START + SECOND, ONE, mode="SHADOW")
    log.rules(2, START + 2 * SECOND, "", mode="SHADOW_END", ruleset_id="again")
    deposit(log, "A", 3 * SECOND)
    assert subjects(alerts(log, "alerts.shadow")) == ["A"]


def test_live_and_shadow_count_epochs_apart() -> None:
    log = Log()
    log.rules(5, START, STRICT, mode="SHADOW")
    log.rules(1, START + SECOND, ONE)
    deposit(log, "A", 2 * SECOND)
    assert subjects(alerts(log)) == ["A"]


def test_a_refusal_is_named_after_job_partition_and_offset() -> None:
    log = Log()
    log.rules(7, START, ONE, key_id="0" * 16)
    # the tick of the beginning is at offset 0
    assert alerts(log)["alert_id"].to_list() == ["rule-set-aml-7-aml-0-1"]


def test_rule_sets_of_another_name_are_passed_over() -> None:
    log = Log()
    log.rules(1, START, ONE)
    log.rules(2, START + SECOND, STRICT, name="abuse")
    deposit(log, "A", 2 * SECOND)
    assert subjects(alerts(log)) == ["A"]


def test_a_signed_live_set_without_rules_in_it_is_refused() -> None:
    log = Log()
    log.rules(1, START, ONE)
    log.rules(2, START + SECOND, "")
    deposit(log, "A", 2 * SECOND)
    found = alerts(log)
    assert found.select("rule", "decided_by").rows() == [
        ("rule-set-refused", ""),
        ("micro-structuring", f"rules:{digest(ONE)}"),
    ]
    assert found["reason"][0].startswith("no-rule-set: ")

"""The AML step: exact order of business time, late events, changes and actions in between."""

import json
from typing import Any

import polars as pl
import pytest

from connectors.batches import Shard
from connectors.log import slices
from tests.aml_log import FEEDS, HOUR, SECOND, START, Log, cash_counted, job, outputs
from udfs.aml.ruleset import digest

SLICES = pytest.mark.parametrize("slice_ms", [250, 1_000, 60_000])


def logged(rules: str | None = None) -> Log:
    """A log in which that rule set is in force from the beginning."""
    log = Log()
    if rules is not None:
        log.rules(1, START, rules)
    return log


def cash(log: Log, name: str, at: int, appended: int | None = None, **more: Any) -> None:
    """A cash-in of 100.00 by A, `at` and `appended` microseconds after the start."""
    put = None if appended is None else START + appended
    log.post(name, START + at, put, **{"channel": "CASH", "amount": 100_00, **more})


def alerts(log: Log, slice_ms: int = 1_000, until: int = START + HOUR) -> pl.DataFrame:
    log.tick(until)
    return outputs(log.fold(job(slice_ms)), "alerts")


@SLICES
def test_debits_above_the_floor_become_transfers_in_the_order_of_time(slice_ms: int) -> None:
    log = Log()
    log.post("p2", START + 2_000_000, direction="DEBIT", amount=100_00, counterparty="B")
    log.post("p1", START + 1_500_000, START + 2_100_000, direction="DEBIT", counterparty="B")
    log.post("small", START + 2_200_000, direction="DEBIT", amount=99_99, counterparty="B")
    log.post("card", START + 2_300_000, direction="DEBIT", channel="CARD", counterparty="B")
    log.post("self", START + 2_400_000, direction="DEBIT", counterparty="A")
    log.post("out", START + 2_500_000, direction="DEBIT", counterparty_account="Y-9")
    log.post("eur", START + 2_600_000, direction="DEBIT", amount=92_60, currency="EUR")
    log.tick(START + HOUR)
    found = outputs(log.fold(job(slice_ms)), "transfers")
    assert found["transfer_id"].to_list() == ["p1", "p2", "out", "eur"]
    assert found["target"].to_list() == ["B", "B", "Y-9", "X-1"]
    # 92.60 EUR at 1.08 is 100.008 USD, half up 100.01
    assert found["amount"].to_list() == [100_00, 100_00, 100_00, 100_01]


@SLICES
def test_an_alert_rests_on_what_lay_before_it_in_business_time(slice_ms: int) -> None:
    log = logged(cash_counted())
    cash(log, "p2", 2 * SECOND)
    cash(log, "p1", 1_500_000, 2_100_000)
    cash(log, "p3", 2_500_000)
    found = alerts(log, slice_ms)
    assert found.select("time", "band", "events").rows() == [
        (START + 1_500_000, "LOW", "p1"),
        (START + 2_000_000, "MEDIUM", "p1;p2"),
        (START + 2_500_000, "HIGH", "p1;p2;p3"),
    ]
    first = found["alert_id"][0]
    assert found["alert_id"].to_list() == [first, f"{first}.2", f"{first}.3"]
    assert found["corrects"].to_list() == ["", first, first]


def test_events_of_one_moment_are_taken_by_their_ids() -> None:
    log = logged(cash_counted())
    cash(log, "b", SECOND)
    cash(log, "a", SECOND)
    found = alerts(log)
    assert found["events"].to_list() == ["a", "a;b"]


@SLICES
def test_a_late_event_counts_at_its_place_in_the_log_and_amends(slice_ms: int) -> None:
    log = logged(cash_counted())
    for number in range(1, 5):
        cash(log, f"p{number}", number * SECOND)
    cash(log, "ahead", 10 * SECOND, channel="CARD", direction="DEBIT")
    # 10 s less 1 s of lateness: an event of 8.999999 s is late and counts at 9 s
    cash(log, "late", 9 * SECOND - 1, 11 * SECOND)
    cash(log, "on-time", 9 * SECOND + 1, 12 * SECOND)
    found = alerts(log, slice_ms)
    last = found.row(-1, named=True)
    assert found.height == 4
    assert (last["time"], last["band"]) == (START + 9 * SECOND, "HIGH")
    assert last["events"] == "p1;p2;p3;p4;late"
    assert (last["alert_id"], last["corrects"]) == (
        f"{found['alert_id'][0]}.4",
        found["alert_id"][0],
    )


def test_a_late_transfer_is_marked() -> None:
    log = Log()
    for name, at, put in (("now", 10, 10), ("late", 1, 11)):
        log.post(name, START + at * SECOND, START + put * SECOND, direction="DEBIT")
    log.tick(START + HOUR)
    found = outputs(log.fold(job()), "transfers")
    assert found.select("transfer_id", "time", "late").rows() == [
        ("late", START + 9 * SECOND, True),
        ("now", START + 10 * SECOND, False),
    ]


@SLICES
def test_a_change_of_the_customer_counts_from_its_moment_on(slice_ms: int) -> None:
    # limit 150.00, of which half applies to a customer rated HIGH: 100.00 is above 75.00
    log = logged(cash_counted(limit=150_00))
    cash(log, "p1", SECOND)
    log.customer("k1", "B", START + 2 * SECOND, rating="HIGH")
    cash(log, "p2", 2 * SECOND - 1, owner="B")
    cash(log, "p3", 2 * SECOND, owner="B", account="B-2")
    found = alerts(log, slice_ms)
    assert found.select("subject", "time").rows() == [("B", START + 2 * SECOND)]


@pytest.mark.parametrize(
    ("at", "raised"),
    [(3 * SECOND - 1, True), (3 * SECOND, False), (5 * SECOND - 1, False), (5 * SECOND, True)],
)
@SLICES
def test_a_snooze_counts_from_its_moment_until_its_end(
    at: int, raised: bool, slice_ms: int
) -> None:
    log = logged(cash_counted())
    cash(log, "p1", at)
    log.action("SNOOZE", "A", START + 3 * SECOND, until=START + 5 * SECOND)
    assert (alerts(log, slice_ms).height == 1) is raised


def test_waking_ends_a_snooze_and_other_subjects_are_not_asleep() -> None:
    log = logged(cash_counted())
    log.action("SNOOZE", "A", START + SECOND, until=START + HOUR)
    log.action("WAKE", "A", START + 4 * SECOND)
    cash(log, "p1", 2 * SECOND)
    cash(log, "q1", 2 * SECOND, owner="B")
    cash(log, "p2", 4 * SECOND)
    found = alerts(log)
    assert found.select("subject", "events").rows() == [("B", "q1"), ("A", "p1;p2")]


@SLICES
def test_of_two_late_actions_the_one_that_stands_later_in_the_log_counts(slice_ms: int) -> None:
    log = logged(cash_counted())
    log.action("LABEL", "A", START + 10 * SECOND)
    # both count at 9 s; the snooze is dated later but stands first
    log.action("SNOOZE", "A", START + 2 * SECOND, until=START + HOUR, appended=START + 11 * SECOND)
    log.action("WAKE", "A", START + SECOND, appended=START + 12 * SECOND)
    cash(log, "p1", 20 * SECOND)
    assert alerts(log, slice_ms).height == 1


def test_the_rule_set_that_decided_is_named() -> None:
    body = cash_counted()
    log = logged(body)
    cash(log, "p1", SECOND)
    found = alerts(log).row(0, named=True)
    assert found["decided_by"] == f"rules:{digest(body)}"
    assert (found["rule"], found["rule_version"]) == ("micro-structuring", "1")
    assert (found["amount"], found["currency"], found["scale"]) == (100_00, "USD", 2)
    assert (found["source_topic"], found["source_partition"]) == ("postings", 0)


def test_amounts_of_alerts_are_in_the_base_currency() -> None:
    log = logged(cash_counted())
    cash(log, "yen", SECOND, amount=10_000, scale=0, currency="JPY")
    # 10,000 JPY at 0.0067 is 67.00 USD
    found = alerts(log).row(0, named=True)
    assert (found["amount"], found["currency"], found["scale"]) == (67_00, "USD", 2)


@pytest.mark.parametrize("silent", FEEDS[1:])
def test_a_silent_feed_holds_everything_back_and_its_tick_lets_it_go(silent: str) -> None:
    log = Log()
    log.post("p1", START + SECOND, direction="DEBIT")
    ends = START + HOUR
    for topic in FEEDS:
        if topic != silent:
            log.log.tick(topic, 0, ends // 1_000, ends)
    assert outputs(log.fold(job()), "transfers").is_empty()
    log.log.tick(silent, 0, ends // 1_000 + 1_000, ends)
    assert outputs(log.fold(job()), "transfers")["transfer_id"].to_list() == ["p1"]


@pytest.mark.parametrize(("tick_us", "decided"), [(0, False), (1, True)])
def test_an_event_waits_until_the_watermark_lies_behind_it(tick_us: int, decided: bool) -> None:
    log = Log()
    log.post("p1", START + SECOND, direction="DEBIT")
    # a watermark is the greatest business time less 1 s of lateness
    log.tick(START + 2 * SECOND + tick_us)
    assert (outputs(log.fold(job()), "transfers").height == 1) is decided


def test_no_posting_is_lost_and_none_is_decided_twice() -> None:
    log = logged(cash_counted())
    for number in range(40):
        cash(log, f"p{number:02}", number * SECOND, owner=f"C{number % 7}")
        if number == 20:
            log.tick(START + 20 * SECOND)
    shard, used = Shard(job(), 0, {}), 0
    held, decided = set[str](), set[str]()
    for slice_end, messages, words in slices(FEEDS, log.log.partition(FEEDS, 0), 1_000):
        used += shard.fold(slice_end, messages, words).counts["used"]
        now = shard.state["aml.flows"].frame()["posting_id"]
        held = set(shard.state["aml.due"].frame()["posting_id"])
        assert decided <= set(now)
        assert now.n_unique() == len(now)
        assert not held & set(now)
        decided = set(now)
    # the watermark is at 20 s less 1 s of lateness: the posting of 19 s is held, too
    assert used == 1 + 40
    assert decided == {f"p{number:02}" for number in range(19)}
    assert held == {f"p{number:02}" for number in range(19, 40)}


def test_the_same_moment_in_rules_customers_and_actions_counts_before_the_event() -> None:
    log = Log()
    at = START + 5 * SECOND
    log.rules(1, at, cash_counted(limit=150_00))
    log.customer("k1", "A", at, rating="HIGH")
    log.action("SNOOZE", "B", at, until=at + SECOND)
    for owner in "AB":
        log.post(owner, at, channel="CASH", owner=owner)
    found = alerts(log)
    assert found["subject"].to_list() == ["A"]


def test_a_typology_rests_on_the_events_of_its_rules_and_is_raised_beside_them() -> None:
    weights = {"micro-structuring": 500_000, "ctr-aggregation": 500_000}
    # the third cash-in is HIGH of micro-structuring: 500,000 x 900,000 = 450,000; with
    # ctr-aggregation (score 300,000) from 10,000.01 on: 150,000 more
    band = {"name": "LOW", "at_least": 1_000_001, "score": 300_000}
    typology = {"weights": weights, "window_s": 3600, "review": 450_000, "report": 600_000}
    body = json.loads(cash_counted())
    body["rules"]["ctr-aggregation"] = {"bands": [band]}
    body["typologies"] = {"placement": typology}
    log = logged(json.dumps(body))
    for number in range(1, 4):
        cash(log, f"p{number}", number * SECOND)
    cash(log, "big", 4 * SECOND, amount=10_000_00, account="A-2")
    found = alerts(log).filter(rule="typology-placement")
    first = found["alert_id"][0]
    assert found.select("corrects", "band", "score", "events", "account").rows() == [
        ("", "REVIEW", 450_000, "p1;p2;p3", "A-1"),
        (first, "REPORT", 600_000, "p1;p2;p3;big", ""),
    ]


@SLICES
def test_a_day_that_is_over_is_judged_at_the_first_event_after_it(slice_ms: int) -> None:
    """What a rule says of a day counts at the event that shows the day to be over."""
    body = json.loads(cash_counted())
    band = {"name": "LOW", "at_least": 0, "score": 300_000}
    body["rules"] = {"model-score": {"bands": [band]}}
    log = logged(json.dumps(body))
    cash(log, "p1", SECOND)
    midnight = 16 * HOUR
    for hour in range(1, 19):
        log.tick(START + hour * HOUR)
        if hour == 16:
            # after the end of the day, before the next posting
            log.action("SNOOZE", "A", START + midnight + SECOND, until=START + midnight + HOUR)
            log.action("SNOOZE", "B", START + midnight + SECOND, until=START + 2 * midnight)
            cash(log, "q0", midnight - 1, midnight + 2 * SECOND, owner="B")
    cash(log, "p2", midnight + 2 * HOUR)
    found = alerts(log, slice_ms, START + midnight + 4 * HOUR)
    assert found.select("subject", "time", "last_time", "events").rows() == [
        ("A", START + midnight + 2 * HOUR, START + SECOND, "p1")
    ]
